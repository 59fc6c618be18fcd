"""From the path that a trigger gives of its class to the trigger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewind.errors import NotFound, TradewindError
from tradewind.runner.loading import import_file
from tradewind.triggerer.loading import TriggerLoader, belongs_to

BODY = """
class Waits:
    def __init__(self, n=0): self.n = n
    async def run(self): yield self.n
    class Inner:
        async def run(self): yield 1
class NoTrigger: ...
"""


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[TriggerLoader]:
    (tmp_path / "beside_the_dag.py").write_text(BODY)
    (tmp_path / "needs_more.py").write_text("import a_module_that_nobody_has\n")
    (tmp_path / "the-dag.py").write_text(BODY)
    path, modules = sys.path[:], set(sys.modules)
    sys.path.insert(0, str(tmp_path))
    yield TriggerLoader(str(tmp_path), ("beside_the_dag.py", "needs_more.py", "the-dag.py"), import_file)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.mark.parametrize("path", ["beside_the_dag.Waits", "tradewind_dag_the_dag.Waits"])
def test_a_class_from_the_dags_folder(loader: TriggerLoader, path: str) -> None:
    assert loader.make(path, '{"n":3}').n == 3


def test_a_class_inside_of_another(loader: TriggerLoader) -> None:
    assert type(loader.make("beside_the_dag.Waits.Inner", "{}")).__name__ == "Inner"


@pytest.mark.parametrize(
    ("path", "kwargs", "words"),
    [
        ("nobody_has_this.Trigger", "{}", "neither installed"),
        ("beside_the_dag.Wait", "{}", "Did you mean 'beside_the_dag.Waits'"),
        ("beside_the_dag.NoTrigger", "{}", "is no trigger"),
        ("beside_the_dag.Waits", '{"m":1}', "cannot be made again"),
        ("unregistered", "{}", "There is no trigger 'unregistered'"),
    ],
)
def test_what_cannot_be_made_says_why(loader: TriggerLoader, path: str, kwargs: str, words: str) -> None:
    with pytest.raises(TradewindError, match=words):
        loader.make(path, kwargs)


def test_a_module_that_lacks_another_names_the_other(loader: TriggerLoader) -> None:
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        loader.make("needs_more.Trigger", "{}")


def test_not_found_is_an_error_of_ours() -> None:
    assert issubclass(NotFound, TradewindError)


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("beside.Waits", True),
        ("package.module.Waits", True),
        ("tradewind_dag_x.Waits", True),
        ("tradewind_standard.triggers.file.FileTrigger", False),
    ],
)
def test_whose_class_it_is(path: str, own: bool) -> None:
    assert belongs_to(path, ("beside.py", "package/__init__.py", "package/module.py")) is own

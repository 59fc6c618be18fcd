"""Whether an import makes a new version: chance does not, Variables do, and a changed source always does."""

from __future__ import annotations

from datetime import UTC, datetime

from tradewind.importing.results import ImportedDag, ImportResult, LoadedFile
from tradewind.importing.versions import Stored, Verdict, decide, is_unsure, settle, source_hash
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.serialization.specs import encode_spec

JANUARY, FEBRUARY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def of(**more: object) -> DagSpec:
    return DagSpec(dag_id="a", **more)  # type: ignore[arg-type]


def tasks(*names: str) -> DagSpec:
    return of(tasks=tuple(TaskSpec(task_id=name) for name in names))


def file(content: bytes = b"x", path: str = "one.py") -> LoadedFile:
    return LoadedFile(path=path, sha256=content.hex(), content=content)


def result(spec: DagSpec, content: bytes = b"x", asked: bool = False) -> ImportResult:
    found = ImportedDag(dag_id="a", spec=encode_spec(spec), files=("one.py",))
    return ImportResult(file="one.py", dags=(found,), files=(file(content),), asked=asked)


def stored(spec: DagSpec, content: bytes = b"x") -> dict[str, Stored]:
    return {"a": Stored(encode_spec(spec), source_hash([file(content)]))}


def test_another_import_is_only_needed_where_the_spec_differs_and_the_sources_do_not() -> None:
    assert is_unsure(result(of(description="2")), stored(of(description="1")))
    assert not is_unsure(result(of()), stored(of()))
    assert not is_unsure(result(of(description="2"), b"y"), stored(of(description="1")))
    assert not is_unsure(result(of()), {})


def test_what_is_equal_is_kept_and_what_has_other_sources_is_not() -> None:
    assert settle(result(of()), None, stored(of())) == {"a": Verdict(keep=True)}
    assert settle(result(of(), b"y"), None, stored(of())) == {}
    assert settle(result(of()), None, {}) == {}


def test_a_value_that_differs_between_two_imports_is_chance() -> None:
    verdict = decide(of(description="1"), of(description="2"), of(description="3"), asked=False)
    assert verdict.keep
    assert verdict.warnings[0].startswith("description differs from import to import")
    assert "('1', then '2')" in verdict.warnings[0]


def test_a_value_that_two_imports_agree_on_has_changed() -> None:
    new = of(description="2")
    assert decide(of(description="1"), new, new, asked=False) == Verdict(keep=False)


def test_chance_beside_a_change_is_a_change_with_a_warning() -> None:
    verdict = decide(
        of(description="1"), of(description="2", catchup=True), of(description="3", catchup=True), asked=False
    )
    assert not verdict.keep
    assert len(verdict.warnings) == 1


def test_a_moment_comes_from_the_clock_unless_the_file_asked_for_something() -> None:
    old, new = of(start_date=JANUARY), of(start_date=FEBRUARY)
    assert decide(old, new, new, asked=False).keep
    assert not decide(old, new, new, asked=True).keep
    assert not decide(of(start_date=None), new, new, asked=False).keep


def test_another_order_comes_from_a_set_unless_the_file_asked_for_something() -> None:
    old, new = tasks("x", "y"), tasks("y", "x")
    assert decide(old, new, new, asked=False).keep
    assert not decide(old, new, new, asked=True).keep
    assert not decide(tasks("x", "y"), tasks("y", "z"), tasks("y", "z"), asked=False).keep


def test_the_hash_of_sources_does_not_depend_on_their_order() -> None:
    one, two = file(b"1", "a.py"), file(b"2", "b.py")
    assert source_hash([one, two]) == source_hash([two, one])
    assert source_hash([one, two]) != source_hash([file(b"1", "b.py"), file(b"2", "a.py")])

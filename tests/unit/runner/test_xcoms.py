"""XComs of an attempt: what it leaves, what it finds, and where large values go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.builtin.file_xcom import FileXComBackend
from tradewind.errors import NotFound, SerializationError
from tradewind.model.order import KnownXCom
from tradewind.model.outcomes import Succeeded
from tradewind.ports.xcom_backend import XComKey
from tradewind.serialization.values import encode

Run = Callable[..., Any]

PULL = "@task\ndef t(ti): return {}\nt()"


def spilling(folder: Path, **limits: int) -> dict[str, Any]:
    target = "tradewind.builtin.file_xcom:FileXComBackend"
    backends = {"file": {"target": target, "options": {"folder": str(folder)}}}
    return {"xcom": {"backend": "file", "backends": backends, **limits}}


def test_a_pushed_value_stays_even_where_the_task_fails_later(run: Run, system: Any) -> None:
    result = run("@task\ndef t(ti):\n    ti.xcom_push('k', 5)\n    raise ValueError\nt()")
    assert (result.xcoms, [(x.key, x.value) for x in system.pushed]) == ((), [("k", b"5")])


def test_a_task_finds_at_once_what_it_pushed_itself(run: Run, system: Any) -> None:
    body = "@task\ndef t(ti):\n    ti.xcom_push('k', 5)\n    ti.xcom_push('k', 6)\n    return ti.xcom_pull(key='k')\nt()"
    assert run(body).value() == 6
    assert system.asked == []


def test_values_that_came_with_the_order_need_no_question(run: Run, system: Any) -> None:
    known = (KnownXCom(task_id="up", key="return_value", map_index=-1, value=b"[1]"),)
    assert run(PULL.format("ti.xcom_pull('up')"), xcoms=known).value() == [1]
    assert system.asked == []
    assert run(PULL.format("ti.xcom_pull(['up', 'other'])"), xcoms=known).value() == [None, None]
    assert system.asked == ["xcom.pull"]


def test_a_mapped_task_gives_a_list_even_of_one(run: Run, system: Any) -> None:
    system.xcoms["m", "return_value"] = [["m", 0, b"7", None]]
    assert run(PULL.format("ti.xcom_pull('m')")).value() == [7]


def test_outputs_as_arguments_are_pulled(run: Run, system: Any) -> None:
    system.xcoms["up", "return_value"] = [["up", -1, encode((1, 2)), None]]
    body = "@task\ndef up(): pass\n@task\ndef t(x): return [type(x).__name__, x]\nt(x=up())"
    assert run(body).value() == ["tuple", (1, 2)]


def test_an_output_by_a_key_that_was_never_pushed_fails_naming_it(run: Run) -> None:
    body = "@task\ndef up(): pass\n@task\ndef t(x): pass\nt(up()['k'])"
    reason = run(body).outcome.reason
    assert "op_args[0]" in reason
    assert "multiple_outputs" in reason


def test_a_large_value_goes_to_the_backend_and_comes_back(run: Run, system: Any, tmp_path: Path) -> None:
    settings = spilling(tmp_path / "xcom", inline_limit=10)
    result = run("@task\ndef t(): return 'x' * 20\nt()", settings)
    (xcom,) = result.xcoms
    assert (xcom.backend, xcom.size) == ("file", 22)
    assert (
        "The XCom 'return_value' has 22 bytes, over the inline limit of 10 bytes: put into 'file'"
        in result.log
    )
    system.xcoms["up", "return_value"] = [["up", -1, xcom.value, "file"]]
    assert run("@task\ndef t(ti): return len(ti.xcom_pull('up'))\nt()", settings).value() == 20


def test_a_value_over_the_limit_fails_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    settings = spilling(tmp_path / "xcom", inline_limit=10, limit=1000)
    reason = run("@task\ndef t(): return 'x' * 1023\nt()", settings).outcome.reason
    assert "has 1.001 KiB (1025 bytes), which is more than the limit of 1000 bytes" in reason
    assert not (tmp_path / "xcom").exists()


def test_without_a_backend_a_large_value_fails_saying_so(run: Run) -> None:
    reason = run("@task\ndef t(): return 'x' * 20\nt()", {"xcom": {"inline_limit": 10}}).outcome.reason
    assert "there is no backend for it: set xcom.backend" in reason


KEY = XComKey(dag_id="d/../..", run_id="r", task_id="t", map_index=-1, key="k", attempt_id="a")


def test_files_are_written_whole_and_forgotten_with_their_folders(tmp_path: Path) -> None:
    backend = FileXComBackend(str(tmp_path))
    reference = backend.put(KEY, b"one")
    assert backend.put(KEY, b"two") == reference
    assert backend.get(reference) == b"two"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [
        reference.decode().split("/")[-1]
    ]
    backend.delete(reference)
    backend.delete(reference)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_says_how_that_may_be(tmp_path: Path) -> None:
    backend = FileXComBackend(str(tmp_path))
    reference = backend.put(KEY, b"one")
    backend.delete(reference)
    with pytest.raises(NotFound, match="written on another machine"):
        backend.get(reference)


@pytest.mark.parametrize("reference", [b"../../etc/passwd", b"/etc/passwd", b"", b"\xff"])
def test_a_reference_never_leads_out_of_the_folder(tmp_path: Path, reference: bytes) -> None:
    with pytest.raises(SerializationError):
        FileXComBackend(str(tmp_path)).get(reference)


def test_nothing_half_written_stays_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        FileXComBackend(str(tmp_path)).put(KEY, b"one")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_values_of_plugins_types_are_kept_with_their_codecs(run: Run) -> None:
    settings = {"codecs": ["tradewind_dag_pipeline:codec"]}
    body = """
    from tradewind.serialization.values import Codec
    class Point:
        def __init__(self, x): self.x = x
    globals()["codec"] = Codec("point", "tradewind_dag_pipeline.Point", lambda p: p.x, Point)
    @task
    def t(ti):
        ti.xcom_push("p", Point(3))
        return ti.xcom_pull(key="p").x
    t()
    """
    result = run(body, settings)
    assert (result.outcome, result.value()) == (Succeeded(), 3)

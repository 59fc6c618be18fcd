from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradewind.agent.logs import AttemptLog, ending, line, open_log
from tradewind.errors import TradewindError
from tradewind.model.outcomes import Branched, Failed, Rescheduled, Skipped, Succeeded

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_line_says_when_how_bad_and_what() -> None:
    assert line(NOW, "hello") == b"[2026-01-01T12:00:00.000000+0000] INFO tradewind - hello\n"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Succeeded(), "success"),
        (Failed("no such city"), "failed: no such city"),
        (Skipped("nothing to do"), "skipped: nothing to do"),
        (Branched(("a", "b")), "success, goes on with a, b"),
        (Branched(), "success, goes on with nothing"),
        (Rescheduled(NOW), "looks again at 2026-01-01T12:00:00+00:00"),
    ],
)
def test_every_outcome_has_its_last_line(outcome: Succeeded, said: str) -> None:
    assert ending(outcome) == f"Attempt ended: {said}"


def test_the_last_line_is_written_once(tmp_path: Path) -> None:
    log = AttemptLog(str(tmp_path), "d/r/t.log", 1000)
    log.write(b"printed, without an end of line")
    log.end(NOW, "Attempt ended: success")
    log.end(NOW, "Attempt ended: success")
    first, second = (tmp_path / "d/r/t.log").read_text().splitlines()
    assert first == "printed, without an end of line"
    assert second.endswith("INFO tradewind - Attempt ended: success")


def test_the_last_line_is_written_again_where_something_came_after_it(tmp_path: Path) -> None:
    log = AttemptLog(str(tmp_path), "t.log", 1000)
    log.end(NOW, "Attempt ended: success")
    log.write(b"an afterthought\n")
    log.end(NOW, "Attempt ended: success")
    lines = (tmp_path / "t.log").read_text().splitlines()
    assert len(lines) == 3
    assert lines[-1].endswith("Attempt ended: success")


def test_a_long_log_keeps_its_first_half_and_what_comes_next(tmp_path: Path) -> None:
    log = AttemptLog(str(tmp_path), "t.log", 1000)
    assert not log.cut_back(NOW)
    log.write(b"a" * 400)
    assert log.cut_back(NOW)
    log.write(b"b" * 10_000)
    log.cut_back(NOW)
    log.write(b"c" * 10_000)
    log.cut_back(NOW)
    log.write(b"the newest\n")
    log.end(NOW, "Attempt ended: success")
    text = (tmp_path / "t.log").read_text()
    assert len(text) < 1000
    assert text.startswith("a" * 400 + "b" * 100 + "\n[")
    assert text.count("The log passed 1000 bytes") == 1
    assert "the newest\n" in text
    assert text.rstrip().endswith("Attempt ended: success")


def test_a_log_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("in the way")
    log = AttemptLog(str(tmp_path), "d/t.log", 1000)
    log.end(NOW, "Attempt ended: success")
    assert log.lost is not None
    assert "Not a directory" in log.lost


@pytest.mark.parametrize("path", ["../t.log", "/etc/t.log", "a/../../t.log", ""])
def test_no_log_leaves_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(TradewindError, match="leaves its folder"):
        open_log(str(tmp_path), path)

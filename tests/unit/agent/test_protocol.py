from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.agent.protocol import (
    Ack,
    Cancel,
    Frames,
    Hello,
    Message,
    Reply,
    fact_of,
    frame,
    outcome_fields,
    outcome_of,
    report_of,
)
from tradewind.errors import TradewindError
from tradewind.model.facts import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Fact,
    WaitEnded,
    XCom,
    XComPushed,
)
from tradewind.model.outcomes import (
    AwaitsInput,
    Branched,
    Deferred,
    Failed,
    Outcome,
    Rescheduled,
    Skipped,
    Succeeded,
    TriggersRun,
)
from tradewind.model.waits import RunsAwaited

NOW = datetime(2026, 1, 1, 12, 30, 0, 123456, tzinfo=UTC)
MESSAGES: list[Message] = [Hello("me"), Cancel("a", "enough"), Reply(3, {"x": [1, b"2"]}), Ack(7)]


@given(st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_whole_however_they_were_cut(cuts: list[int]) -> None:
    data = b"".join(map(frame, MESSAGES))
    frames, found = Frames(), []
    while data:
        for cut in cuts:
            found += frames.feed(data[:cut])
            data = data[cut:]
    assert found == MESSAGES


@pytest.mark.parametrize("noise", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\xc1\xc1", b"GET / HTTP/1.1\r\n"])
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(TradewindError):
        Frames().feed(noise)


@pytest.mark.parametrize(
    "fact",
    [
        AttemptStarted(attempt_id="a", at=NOW, host="h", pid=3),
        XComPushed(attempt_id="a", xcom=XCom(key="k", value=b"1", size=1)),
        AttemptFinished(attempt_id="a", outcome=Failed("x", ("E",)), started_at=None, ended_at=NOW),
        AttemptLost(attempt_id="a", at=NOW, reason="gone"),
        WaitEnded(attempt_id="a", at=NOW, event='{"n":1}'),
        WaitEnded(attempt_id="a", at=NOW, error="it raised"),
    ],
)
def test_facts_travel_unchanged(fact: Fact) -> None:
    (report,) = Frames().feed(frame(report_of(5, fact)))
    assert report.n == 5  # type: ignore[union-attr]
    assert fact_of(report) == fact  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "outcome",
    [
        Succeeded(),
        Failed("x", ("a.B", "Exception"), "never"),
        Skipped("y"),
        Branched(("a",), "all", "z"),
        Rescheduled(NOW),
        Deferred("m.T", '{"at":1}', "go_on", "{}", 2.5),
        Deferred("m.T", until=NOW, event='"x"'),
        Deferred("m.T", runs=RunsAwaited(dag_id="d", logical_dates=(NOW,), failed=("failed",))),
        AwaitsInput({"question": "?"}),
        TriggersRun("d", {"conf": {}}, wait=True),
    ],
)
def test_outcomes_travel_unchanged(outcome: Outcome) -> None:
    assert outcome_of(*outcome_fields(outcome)) == outcome

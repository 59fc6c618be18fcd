from __future__ import annotations

from datetime import UTC, datetime

from tradewind.agent.loop import Loop
from tradewind.agent.protocol import Message, Report
from tradewind.agent.reports import Reports
from tradewind.model.facts import AttemptFinished, AttemptStarted
from tradewind.model.outcomes import Succeeded

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Scheduler:
    def __init__(self) -> None:
        self.packets: list[list[int]] = []

    def send(self, *messages: Message) -> None:
        self.packets.append([it.n for it in messages if isinstance(it, Report)])


def started(attempt_id: str) -> AttemptStarted:
    return AttemptStarted(attempt_id=attempt_id, at=NOW)


def finished(attempt_id: str) -> AttemptFinished:
    return AttemptFinished(attempt_id=attempt_id, outcome=Succeeded(), started_at=NOW, ended_at=NOW)


def test_a_start_travels_with_the_end_that_follows_at_once() -> None:
    reports, scheduler = Reports(Loop()), Scheduler()
    reports.attach(scheduler)
    reports.add(started("a"))
    assert scheduler.packets == []
    reports.add(finished("a"))
    assert scheduler.packets == [[1, 2]]


def test_a_start_that_somebody_waits_for_travels_at_once() -> None:
    reports, scheduler = Reports(Loop()), Scheduler()
    reports.attach(scheduler)
    went: list[str] = []
    reports.add(started("a"), lambda: went.append("ahead"))
    assert scheduler.packets == [[1]]
    assert went == []
    reports.acknowledge(1)
    reports.acknowledge(1)
    assert went == ["ahead"]


def test_what_is_not_acknowledged_goes_to_the_next_scheduler() -> None:
    reports, first, second = Reports(Loop()), Scheduler(), Scheduler()
    reports.attach(first)
    for name in "abc":
        reports.add(finished(name))
    reports.acknowledge(1)
    reports.detach()
    reports.add(finished("d"))
    assert reports.attempts() == {"b", "c", "d"}
    assert reports.concern("b")
    assert not reports.concern("a")
    reports.attach(second)
    assert second.packets == [[2, 3, 4]]
    reports.acknowledge(4)
    assert not reports

"""What a turn works with, and what it leaves to be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tradewind.logic.deadlines import AverageRuntime
from tradewind.logic.live_run import LiveRun
from tradewind.model.waits import Wait
from tradewind.ports.executor import Executor
from tradewind.ports.planner import TimetableQuestion
from tradewind.scheduler.catchup import CatchUps
from tradewind.scheduler.memory import LiveDag, Memory, OpenAttempt
from tradewind.store.writer import Writer


@dataclass(slots=True)
class Surroundings:
    """What a turn works with besides the memory."""

    writer: Writer
    new_id: Callable[[], str]
    executors: Mapping[str, Executor]
    default_executor: str
    catch_ups: CatchUps
    max_map_length: int
    #: a run that waited to start, taken into memory; ``None`` where it is gone
    fetch: Callable[[Memory, int], LiveRun | None]
    makes_runs: bool = (
        True  #: whether schedules are followed; not so for a scheduler that serves a single run
    )
    callbacks_at_once: int = 4
    average_runtime: AverageRuntime = lambda *_asked: None


@dataclass(slots=True)
class Effects:
    """What is to be done once the turn is committed."""

    issued: list[OpenAttempt] = field(default_factory=list)
    cancels: list[tuple[OpenAttempt, str]] = field(default_factory=list)
    waits: list[tuple[LiveRun, int]] = field(default_factory=list)
    begun_waits: list[Wait] = field(default_factory=list)
    ended_waits: list[Wait] = field(default_factory=list)
    started_runs: list[LiveRun] = field(default_factory=list)
    ended_runs: list[LiveRun] = field(default_factory=list)
    planned: list[LiveDag] = field(default_factory=list)
    deadlines: list[tuple[int, int]] = field(default_factory=list)  #: new ones, by run's pk and number
    #: DAGs to look at again in the next turn, since this one has started enough
    again: list[LiveDag] = field(default_factory=list)
    #: of commands, by id, that wait for a plugin's timetable
    questions: dict[str, TimetableQuestion] = field(default_factory=dict)

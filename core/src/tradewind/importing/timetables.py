"""The process in which the timetables of plugins are asked: a question and an answer a line, until its line ends."""

from __future__ import annotations

import signal
import socket
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from tradewind.importing.child import PR_SET_PDEATHSIG, control_process
from tradewind.model.run import DataInterval
from tradewind.plugins.manager import PluginManager, discover
from tradewind.ports.planner import TimetableAnswer, TimetableQuestion
from tradewind.timetables import PlannedRun, Timetable

ENOUGH = 1.0  #: seconds after which the runs that were found so far will do


def main() -> None:
    """Serve the socket whose number is the first argument."""
    control_process(PR_SET_PDEATHSIG, signal.SIGKILL)
    line = socket.socket(fileno=int(sys.argv[1]))
    plugins = discover()
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(TimetableQuestion).decode
    with line.makefile("rb") as questions:
        for question in questions:
            line.sendall(encode(answered(plugins, decode(question))) + b"\n")


def answered(plugins: PluginManager, question: TimetableQuestion) -> TimetableAnswer:
    """The answer; whatever the timetable raises becomes part of it."""
    name = question.timetable.type
    try:
        timetable = _timetable(plugins, name, msgspec.json.encode(question.timetable.args))
        if question.manual is not None:
            found = timetable.manual_interval(question.manual)
            return TimetableAnswer(manual=_interval(found.start, found.end))
        return _runs(timetable, question)
    except Exception as error:
        return TimetableAnswer(error=f"The timetable {name!r} failed: {type(error).__name__}: {error}"[:2000])


@lru_cache(maxsize=256)
def _timetable(plugins: PluginManager, name: str, args: bytes) -> Timetable:
    kind: type[Timetable] = plugins.get("timetable", name)
    return kind.deserialize(msgspec.json.decode(args))


def _runs(timetable: Timetable, question: TimetableQuestion) -> TimetableAnswer:
    last, now, began = question.last, question.now, time.monotonic()
    runs: list[PlannedRun] = []
    while len(runs) < question.number and (not runs or time.monotonic() - began < ENOUGH):
        planned = timetable.next_run(last, question.bounds, now)
        if planned is None:
            return TimetableAnswer(runs=tuple(runs), ends=True)
        interval = _interval(planned.interval.start, planned.interval.end)
        if last is not None and interval.start <= last.start:
            raise ValueError(f"the run for {interval.start} does not come after the one for {last.start}")
        runs.append(PlannedRun(_utc(planned.run_after), interval))
        last, now = interval, max(now, runs[-1].run_after)
    return TimetableAnswer(runs=tuple(runs))


def _interval(start: datetime, end: datetime) -> DataInterval:
    if end < start:
        raise ValueError(f"a data interval from {start} to {end} goes back")
    return DataInterval(_utc(start), _utc(end))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    utc = moment.astimezone(UTC)
    # A plain datetime, whatever subclass the timetable used.
    return datetime(
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, tzinfo=UTC
    )


if __name__ == "__main__":
    main()

"""What a backfill does with each time of a DAG's schedule. Facts in, decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tradewind.errors import Refused
from tradewind.logic.past import depends_on_past
from tradewind.model.backfill import ReprocessBehavior, SlotResult
from tradewind.model.spec import DagSpec
from tradewind.model.states import RUN_FINAL, RunState

DEFAULT_MAX_ACTIVE_RUNS = 10


class DagNonPeriodicScheduleException(Refused):
    """The DAG has no schedule that returns, so that there is nothing to fill."""


class InvalidBackfillDirection(Refused):
    """The newest run first, of a DAG whose tasks depend on the run before."""


class InvalidReprocessBehavior(Refused):
    """Runs that are there are left alone, of a DAG whose tasks depend on the run before."""


class InvalidBackfillDate(Refused):
    """The dates are in the future, or stand the wrong way round."""


class AlreadyRunningBackfill(Refused):
    """The DAG has a backfill that is not completed."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time of the schedule, and what the backfill would do there."""

    logical_date: datetime
    result: SlotResult


@dataclass(frozen=True, slots=True)
class Preview:
    """What a backfill would do.

    :param slots: in the order in which it would do it.
    :param tasks: task instances that would run.
    """

    slots: tuple[Slot, ...]
    tasks: int

    def count(self, result: SlotResult) -> int:
        """How many slots come to this."""
        return sum(1 for slot in self.slots if slot.result is result)


def check(
    dag: DagSpec,
    *,
    periodic: bool,
    since: datetime,
    until: datetime,
    now: datetime,
    reprocess: ReprocessBehavior,
    backwards: bool,
    max_active_runs: int = DEFAULT_MAX_ACTIVE_RUNS,
) -> None:
    """Pass where the backfill can be.

    :param periodic: whether the DAG's schedule comes back again and again.
    :raises Refused: one of the classes above, with what would help.
    """
    name = f"DAG {dag.dag_id!r}"
    if not periodic:
        raise DagNonPeriodicScheduleException(
            f"DagNonPeriodicScheduleException: {name} has no schedule that comes back, so there are no dates to "
            f"fill; make single runs with `tradewind dags trigger {dag.dag_id} --logical-date D`."
        )
    if until < since:
        raise InvalidBackfillDate(
            f"InvalidBackfillDate: --from-date ({since.isoformat()}) is after --to-date ({until.isoformat()})."
        )
    if since >= now:
        raise InvalidBackfillDate(
            f"InvalidBackfillDate: {since.isoformat()} is in the future; only what has passed can be backfilled."
        )
    if max_active_runs < 1:
        raise Refused(f"max_active_runs of a backfill is 1 or more, not {max_active_runs}.")
    if depends_on_past(dag):
        if backwards:
            raise InvalidBackfillDirection(
                f"InvalidBackfillDirection: {name} has tasks with depends_on_past, so its runs cannot go newest "
                f"first; leave --run-backwards out."
            )
        if reprocess is ReprocessBehavior.NONE:
            raise InvalidReprocessBehavior(
                f"InvalidReprocessBehavior: {name} has tasks with depends_on_past, so runs that are there cannot "
                f"be left out; say --reprocess-behavior failed or completed."
            )


def decide(existing: Iterable[RunState], reprocess: ReprocessBehavior) -> SlotResult:
    """What happens to a date.

    :param existing: the states of the runs that it has.
    """
    states = list(existing)
    if not states:
        return SlotResult.CREATED
    if any(state not in RUN_FINAL for state in states):
        return SlotResult.IN_FLIGHT
    if reprocess is ReprocessBehavior.COMPLETED:
        return SlotResult.CLEARED
    if reprocess is ReprocessBehavior.FAILED and RunState.FAILED in states:
        return SlotResult.CLEARED
    return SlotResult.EXISTS


def preview(
    dates: Sequence[datetime],
    existing: Mapping[datetime, Sequence[RunState]],
    reprocess: ReprocessBehavior,
    *,
    backwards: bool,
    tasks: int,
) -> Preview:
    """What a backfill of these dates would do.

    :param dates: logical dates, oldest first.
    :param existing: the states of the runs that are there, by logical date.
    :param tasks: how many tasks the DAG has.
    """
    ordered = reversed(dates) if backwards else dates
    slots = tuple(Slot(date, decide(existing.get(date, ()), reprocess)) for date in ordered)
    return Preview(slots, tasks * sum(1 for slot in slots if slot.result.runs))


def upcoming(planned: int, made: int, count: int, *, backwards: bool) -> range:
    """The numbers of the next slots to work on, in their order; slots count from 1, by logical date."""
    if backwards:
        last = planned - made
        return range(last, max(last - count, 0), -1)
    return range(made + 1, min(made + count, planned) + 1)

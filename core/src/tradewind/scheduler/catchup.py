"""Whether a DAG may make up for all that it missed: a large catch-up waits until somebody confirms it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from tradewind.scheduler.memory import LiveDag
from tradewind.timetables.planning import due_runs

log = logging.getLogger("tradewind.scheduler")


class CatchUps:
    """Looks at a DAG when it is first seen, switched on or changed, and when the scheduler starts; not while it goes on.

    :param above: more runs than this wait for a confirmation.
    :param confirmed: when a DAG's catch-up was last confirmed; asked only where one is due.
    """

    def __init__(self, above: int, confirmed: Callable[[str], datetime | None]) -> None:
        self.above = above
        self._confirmed = confirmed

    def holds(self, dag: LiveDag, now: datetime) -> bool:
        """Whether the DAG's next run, which is due, has to wait."""
        if dag.vetted or dag.planned is None or not dag.spec.catchup:
            return False
        if not dag.held:
            dag.held = self._is_too_much(dag, dag.planned.run_after, now)
            dag.vetted = not dag.held
            if dag.held:
                log.warning("DAG %s is held back: %s", dag.dag_id, held_back(dag.dag_id, self.above))
        return dag.held

    def _is_too_much(self, dag: LiveDag, due_since: datetime, now: datetime) -> bool:
        number = due_runs(dag.timetable, dag.cursor, dag.bounds, now, self.above + 1)
        if number <= self.above:
            return False
        confirmed = self._confirmed(dag.dag_id)
        return confirmed is None or confirmed < due_since


def held_back(dag_id: str, above: int) -> str:
    """What there is to know about a catch-up that waits."""
    return (
        f"more than {above} runs are due (scheduler.catchup_confirm_above). "
        f"`tradewind dags catchup {dag_id} --confirm` makes them all, `--skip` only the newest."
    )

"""``max_consecutive_failed_dag_runs``: a DAG whose runs go on failing is switched off."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from tradewind.logic.live_run import LiveRun
from tradewind.logic.past import failed_in_a_row
from tradewind.model.states import RunState
from tradewind.scheduler.memory import LiveDag, Memory

log = logging.getLogger("tradewind.scheduler")

_FIRST = datetime.min.replace(tzinfo=UTC)


def switch_off_after_failures(memory: Memory, dag: LiveDag, ended: Iterable[LiveRun]) -> None:
    """Switch the DAG off where its newest runs, by logical date, have all failed; the reason is kept with it.

    :param ended: the runs that ended in this turn, which the store does not know of yet.
    """
    most = dag.spec.max_consecutive_failed_dag_runs
    assert memory.history is not None
    known: dict[int, tuple[datetime, RunState]] = {
        pk: (date or _FIRST, state) for pk, date, state in memory.history.newest_ended(dag.dag_id, most)
    }
    known |= {
        run.pk: (run.info.logical_date or _FIRST, run.state) for run in ended if run.info.dag_id == dag.dag_id
    }
    newest = sorted(((date, pk, state) for pk, (date, state) in known.items()), reverse=True)
    if not dag.paused and failed_in_a_row((state for _, _, state in newest), most):
        dag.paused = True
        runs = "its newest run failed" if most == 1 else f"its newest {most} runs failed"
        dag.paused_reason = f"{runs} (max_consecutive_failed_dag_runs)"
        memory.admission.ledger.paused.add(dag.dag_id)
        log.warning("DAG %s is switched off: %s", dag.dag_id, dag.paused_reason)

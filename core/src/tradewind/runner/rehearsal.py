"""An attempt that does nothing: gone through beforehand, so that a real one finds everything in place.

A process that was forked shares its memory with its parent until it writes to it, and Python writes wherever it goes.
What an attempt writes to is copied page by page, and that copying is most of what an attempt costs. Going through the
motions in the parent lets the interpreter settle on its specialised code there; going through them in the child while
it waits for its order has the pages copied before anybody waits for them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.run import DataInterval, RunInfo
from tradewind.model.states import RunType

DAG_ID = "rehearsal"
_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


class Nobody:
    """A channel that leads nowhere."""

    def push(self, xcom: XCom) -> None:
        pass

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        return None


def rehearsal_dag() -> Any:
    """A DAG with one task that does nothing."""
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operators.python import PythonOperator

    with DAG(DAG_ID) as dag:
        PythonOperator(task_id=DAG_ID, python_callable=_nothing)
    return dag


def rehearsal_order() -> Order:
    """The order to run it."""
    run = RunInfo(
        dag_id=DAG_ID,
        run_id=DAG_ID,
        run_type=RunType.MANUAL,
        logical_date=_MOMENT,
        data_interval=DataInterval(_MOMENT, _MOMENT),
        run_after=_MOMENT,
        start_date=_MOMENT,
    )
    return Order(
        attempt_id="00000000-0000-7000-8000-000000000000",
        version_id=DAG_ID,
        run=run,
        task_id=DAG_ID,
        log_path=f"{DAG_ID}/{DAG_ID}/{DAG_ID}/1.log",
    )


def _nothing() -> int:
    return 0

"""The context of a running task, as the author's code sees it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Protocol

from tradewind.errors import Refused
from tradewind.model.outcomes import Outcome
from tradewind.ports import runtime

Context = MutableMapping[str, Any]

#: Parameters of these names are filled in from the context; the names are those that Airflow's users know.
CONTEXT_KEYS = frozenset(
    {
        "conf",
        "conn",
        "context",
        "dag",
        "dag_run",
        "data_interval_end",
        "data_interval_start",
        "ds",
        "ds_nodash",
        "exception",
        "execution_date",
        "expanded_ti_count",
        "inlet_events",
        "inlets",
        "logical_date",
        "macros",
        "map_index_template",
        "next_ds",
        "next_ds_nodash",
        "next_execution_date",
        "outlet_events",
        "outlets",
        "params",
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_ds",
        "prev_ds_nodash",
        "prev_end_date_success",
        "prev_execution_date",
        "prev_execution_date_success",
        "prev_start_date_success",
        "run_id",
        "start_date",
        "task",
        "task_instance",
        "task_instance_key_str",
        "templates_dict",
        "test_mode",
        "ti",
        "tomorrow_ds",
        "tomorrow_ds_nodash",
        "triggering_asset_events",
        "try_number",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "var",
        "yesterday_ds",
        "yesterday_ds_nodash",
    }
)


class RunningTask(Protocol):
    """``context["ti"]``: the task instance that is running."""

    def xcom_push(self, key: str, value: Any) -> None:
        """Leave a value for other tasks."""
        ...

    def xcom_pull(self, task_ids: Any = None, *, key: str = "return_value") -> Any:
        """The value that a task left, or ``None`` where it left none."""
        ...

    def find_xcom(self, task_id: str, key: str, missing: Any) -> Any:
        """The value that a task left, or ``missing`` where it left none."""
        ...

    def decide(self, outcome: Outcome) -> None:
        """Let the attempt end with this outcome, not a plain success, once ``execute`` has returned."""
        ...


def get_current_context() -> Context:
    """The context of the task that is running.

    :raises Refused: where no task is running, as at the top level of a DAG file.
    """
    context = runtime.current().context()
    if context is None:
        raise Refused(
            "There is no context here, since no task is running. Call get_current_context() inside the "
            "function of a task or inside execute(), not at the top level of the file."
        )
    return context if isinstance(context, MutableMapping) else dict(context)

"""Which task is running, as environment variables of the commands that it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Scripts written for Airflow read the second set.
_PREFIXES = ("TRADEWIND_CTX_", "AIRFLOW_CTX_")


def context_variables(context: Mapping[str, Any]) -> dict[str, str]:
    """``TRADEWIND_CTX_DAG_ID``, ``_TASK_ID``, ``_MAP_INDEX``, ``_DAG_RUN_ID``, ``_TRY_NUMBER``, ``_LOGICAL_DATE``,
    ``_EXECUTION_DATE`` and ``_DAG_OWNER``, and the same with ``AIRFLOW_CTX_``; those that are not known are left out.
    """
    instance = context.get("ti")
    logical_date = context.get("logical_date")
    moment = logical_date.isoformat() if logical_date is not None else None
    values = {
        "DAG_ID": getattr(instance, "dag_id", None),
        "TASK_ID": getattr(instance, "task_id", None),
        "MAP_INDEX": getattr(instance, "map_index", None),
        "DAG_RUN_ID": getattr(instance, "run_id", None),
        "TRY_NUMBER": getattr(instance, "try_number", None),
        "LOGICAL_DATE": moment,
        "EXECUTION_DATE": moment,
        "DAG_OWNER": getattr(context.get("task"), "owner", None),
    }
    return {
        prefix + name: str(value)
        for prefix in _PREFIXES
        for name, value in values.items()
        if value is not None
    }

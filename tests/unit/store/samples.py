"""Rows to put into a store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tradewind.store.tables import to_micros

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def attempt_row(id: str, run_pk: int, ti_pk: int | None, **columns: Any) -> dict[str, Any]:
    row = {
        "id": id,
        "kind": "task",
        "ti_pk": ti_pk,
        "run_pk": run_pk,
        "shard": 3,
        "try_number": 1,
        "physical_no": 1,
        "executor": "local",
        "issued_at": to_micros(DAY),
        "issued_epoch": 1,
        "claimed_by": None,
        "claimed_at": None,
        "log_path": "d/r1/a/1.log",
    }
    return {**row, **columns}


def xcom_row(run_pk: int, task_id: str, value: bytes, **columns: Any) -> dict[str, Any]:
    row = {
        "run_pk": run_pk,
        "task_id": task_id,
        "map_index": -1,
        "key": "return_value",
        "value": value,
        "backend": None,
        "size": len(value),
        "length": None,
        "attempt_id": None,
        "at": to_micros(DAY),
    }
    return {**row, **columns}


def transition_row(n: int, run_pk: int, ti_pk: int | None, new: str, **columns: Any) -> dict[str, Any]:
    row = {
        "shard": 3,
        "n": n,
        "run_pk": run_pk,
        "ti_pk": ti_pk,
        "attempt_id": None,
        "old": None,
        "new": new,
        "cause": "fact",
        "cause_id": None,
        "reason": "all is well",
        "at": to_micros(DAY),
    }
    return {**row, **columns}

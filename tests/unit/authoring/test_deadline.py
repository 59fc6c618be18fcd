"""Deadline alerts as they are written, and as they are frozen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tradewind import DAG, AsyncCallback, DeadlineAlert, DeadlineReference, EmptyOperator, SyncCallback
from tradewind.errors import DefinitionError
from tradewind.model.spec import DeadlineSpec
from tradewind.serialization.specs import decode_spec, encode_spec

HOUR = timedelta(hours=1)


def test_alerts_are_frozen_with_what_they_count_from() -> None:
    alerts = [
        DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, HOUR, print, name="queue"),
        DeadlineAlert(DeadlineReference.DAGRUN_LOGICAL_DATE, -HOUR, AsyncCallback("a.b")),
        DeadlineAlert(DeadlineReference.FIXED_DATETIME(datetime(2024, 7, 1, 8)), HOUR, SyncCallback(print)),
        DeadlineAlert(DeadlineReference.AVERAGE_RUNTIME(max_runs=5, min_runs=2), HOUR, print),
    ]
    with DAG("d", start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Paris")), deadline=alerts) as dag:
        EmptyOperator(task_id="a")
    assert decode_spec(encode_spec(dag.spec())).deadlines == (
        DeadlineSpec(reference="queued_at", interval=3600.0, name="queue"),
        DeadlineSpec(reference="logical_date", interval=-3600.0),
        DeadlineSpec(reference="fixed", interval=3600.0, moment=datetime(2024, 7, 1, 6, tzinfo=UTC)),
        DeadlineSpec(reference="average_runtime", interval=3600.0, max_runs=5, min_runs=2),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: DAG("d", deadline=HOUR),  # type: ignore[arg-type]
        lambda: DeadlineAlert("queued_at", HOUR, print),  # type: ignore[arg-type]
        lambda: DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, 60, print),  # type: ignore[arg-type]
        lambda: DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, HOUR, "print"),  # type: ignore[arg-type]
        lambda: DeadlineReference.FIXED_DATETIME("2024-01-01"),  # type: ignore[arg-type]
        lambda: DeadlineReference.AVERAGE_RUNTIME(max_runs=2, min_runs=3),
        lambda: SyncCallback("print"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(wrong: Any) -> None:
    with pytest.raises(DefinitionError):
        wrong()

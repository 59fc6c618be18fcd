"""Backfills: runs for past dates of a DAG, made and started in order as one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tradewind.model.run import DataInterval


class ReprocessBehavior(StrEnum):
    """What a backfill does about a date that has a run already."""

    NONE = "none"  #: leave it alone
    FAILED = "failed"  #: let it go again where it failed
    COMPLETED = "completed"  #: let it go again where it ended, however


class SlotResult(StrEnum):
    """What became of a slot of a backfill."""

    CREATED = "created"  #: a run was made
    CLEARED = "cleared"  #: the run that was there goes again
    EXISTS = "not created: already exists"
    IN_FLIGHT = "not created: in flight"  #: the run that was there has not ended

    @property
    def runs(self) -> bool:
        """Whether a run goes on in this slot."""
        return self in (SlotResult.CREATED, SlotResult.CLEARED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillRow:
    """A backfill as the store keeps it.

    :param planned: slots that were put down so far; all of them once ``planned_at`` is set.
    :param made: slots that were worked through so far, in the order of the backfill.
    :param cancelled_at: no further run of it is made or started since.
    :param completed_at: all of its runs have ended.
    """

    id: int
    dag_id: str
    actor: str
    from_date: datetime
    to_date: datetime
    max_active_runs: int
    reprocess_behavior: ReprocessBehavior
    run_backwards: bool
    created_at: datetime
    dag_run_conf: dict[str, Any] = field(default_factory=dict)
    is_paused: bool = False
    planned: int = 0
    planned_at: datetime | None = None
    made: int = 0
    cancelled_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRow:
    """A slot of a backfill: one time of the DAG's schedule. ``number`` counts from 1, by logical date."""

    number: int
    logical_date: datetime
    interval: DataInterval
    run_after: datetime
    result: SlotResult | None = None
    run_pk: int | None = None

"""What the owner of one DAG tells the owner of another: facts that are addressed to a shard.

A message is a row of the table ``fact``, written in the transaction of what it tells of, and deleted in the transaction of
what follows from it: so each counts exactly once, whichever of the two processes dies in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetUpdated:
    """To a DAG that waits for the asset: it was updated.

    :param aliases: all aliases that stand for the asset, as far as is known.
    """

    kind: ClassVar[str] = "asset_updated"
    dag_id: str
    event_id: str
    name: str
    uri: str
    at: datetime
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Which run a task asks for.

    :param reset: clear the run, where there is one of this id.
    :param skip_existing: the asking task is skipped, where there is one.
    :param fail_paused: the asking task fails, where the DAG is switched off.
    :param allowed_states: ends of the run with which the asking task succeeds, if it waits.
    :param failed_states: ends with which it fails.
    """

    run_id: str
    logical_date: datetime | None = None
    conf: dict[str, Any] = field(default_factory=dict)
    note: str | None = None
    reset: bool = False
    skip_existing: bool = False
    fail_paused: bool = False
    allowed_states: tuple[str, ...] = ("success",)
    failed_states: tuple[str, ...] = ("failed",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The task instance that asked, as its attempt's id finds it again.

    :param label: ``task_id``, or ``task_id[map_index]``.
    """

    dag_id: str
    run_pk: int
    label: str
    ti_pk: int
    attempt_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWanted:
    """To a DAG: a task wants a run of it."""

    kind: ClassVar[str] = "run_wanted"
    dag_id: str
    request: RunRequest
    asker: Asker
    wait: bool = False
    even_if_paused: bool = (
        False  #: the asking run goes on although its DAG is switched off, and so shall this one
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnswered:
    """To the DAG whose task asked for a run: how the task ends."""

    kind: ClassVar[str] = "run_answered"
    asker: Asker
    verdict: Literal["succeeded", "failed", "skipped"]
    reason: str

    @property
    def dag_id(self) -> str:
        """The DAG that it is addressed to."""
        return self.asker.dag_id


Message = AssetUpdated | RunWanted | RunAnswered

MESSAGES: dict[str, type[Message]] = {it.kind: it for it in (AssetUpdated, RunWanted, RunAnswered)}

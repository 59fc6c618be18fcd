"""How an attempt of a task can end, as its process reports it: a closed union.

The scheduler decides by the outcome alone; it never asks for an operator's class.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tradewind.model.waits import RunsAwaited


@dataclass(frozen=True, slots=True)
class Succeeded:
    """``execute`` returned."""


@dataclass(frozen=True, slots=True)
class Failed:
    """``execute`` raised, was killed, or never came to its end.

    :param reason: one line for people: ``"ValueError: no such city"``, ``"killed by signal 9 (SIGKILL)"``.
    :param exceptions: qualified class names along the exception's MRO, at most 20; empty where no exception was seen.
    :param retry: what the process asks for: ``"default"`` lets the task's rules and ``retries`` decide, ``"never"`` fails
        at once, ``"again"`` asks for another try, as far as ``retries`` go.
    :param retry_delay: seconds before that try; ``None``: as the task has it.
    """

    reason: str
    exceptions: tuple[str, ...] = ()
    retry: Literal["default", "never", "again"] = "default"
    retry_delay: float | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """The task asked to be skipped."""

    reason: str


@dataclass(frozen=True, slots=True)
class Branched:
    """The task succeeded and chose which of its downstream tasks go on.

    :param follow: ids of downstream tasks that go on; whatever else is directly downstream is skipped, unless it is also
        downstream of one that goes on.
    :param scope: ``"direct"`` skips direct downstream tasks only and leaves the rest to trigger rules; ``"all"`` skips
        everything downstream at once, whatever its rule.
    """

    follow: tuple[str, ...] = ()
    scope: Literal["direct", "all"] = "direct"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rescheduled:
    """A sensor gives its slot back and wants to look again at ``at``."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Deferred:
    """The task waits for a trigger without a slot, and goes on in ``method``.

    Arguments and event are typed JSON (:mod:`tradewind.serialization.values`), as text.

    :param trigger: ``package.module.Class`` of the trigger.
    :param timeout: seconds to wait at most.
    :param until: when the trigger would fire, where that is known: the scheduler then waits by itself.
    :param event: what it would give then.
    :param runs: the runs that the trigger would wait for, likewise.
    """

    trigger: str
    trigger_kwargs: str = "{}"
    method: str = "execute_complete"
    method_kwargs: str = "{}"
    timeout: float | None = None
    until: datetime | None = None
    event: str | None = None
    runs: RunsAwaited | None = None


@dataclass(frozen=True, slots=True)
class AwaitsInput:
    """The task waits for a person."""

    payload: dict[str, Any]
    method: str = "execute_complete"
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class TriggersRun:
    """The task asks for a run of another DAG, and perhaps waits for it."""

    dag_id: str
    payload: dict[str, Any]
    wait: bool = False


Outcome = Succeeded | Failed | Skipped | Branched | Rescheduled | Deferred | AwaitsInput | TriggersRun

OUTCOMES: dict[str, type[Outcome]] = {
    "succeeded": Succeeded,
    "failed": Failed,
    "skipped": Skipped,
    "branched": Branched,
    "rescheduled": Rescheduled,
    "deferred": Deferred,
    "awaits_input": AwaitsInput,
    "triggers_run": TriggersRun,
}
OUTCOME_NAMES: dict[type[Outcome], str] = {kind: name for name, kind in OUTCOMES.items()}

"""What happened to attempts, in the past tense. Agents report facts; the scheduler decides what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tradewind.model.assets import Watched
from tradewind.model.outcomes import Outcome

#: The key under which what ``map_index_template`` gave (UTF-8) travels among an attempt's XComs; it is none itself.
INSTANCE_NAME = "__instance_name__"


@dataclass(frozen=True, slots=True, kw_only=True)
class XCom:
    """A value that a task leaves for others.

    :param value: the value in Tradewind's typed JSON (UTF-8), or what the backend that holds it needs to find it.
    :param backend: ``None`` where ``value`` is the value itself, else the name of the XCom backend that holds it.
    :param size: bytes of the value's typed JSON.
    :param length: number of items, for a list, tuple or dict; what mapping over it needs to know.
    """

    key: str
    value: bytes
    backend: str | None = None
    size: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """User code of the attempt has begun, or is about to."""

    attempt_id: str
    at: datetime
    host: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class XComPushed:
    """The attempt pushed an XCom while it ran."""

    attempt_id: str
    xcom: XCom


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished:
    """The attempt ended. ``started_at`` is ``None`` where its process never got to user code."""

    attempt_id: str
    outcome: Outcome
    started_at: datetime | None
    ended_at: datetime
    xcoms: tuple[XCom, ...] = ()
    host: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLost:
    """Nobody can say how the attempt ended: its agent is gone, or never knew of it."""

    attempt_id: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitEnded:
    """What an attempt waited for has come, or cannot come any more.

    :param attempt_id: the attempt that asked for the wait.
    :param event: what came, in typed JSON.
    :param error: why nothing can come: the trigger raised, or cannot be had.
    """

    attempt_id: str
    at: datetime
    event: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherFired:
    """The trigger of an asset's watcher gave an event.

    :param attempt_id: the watch, which is none of an attempt.
    :param event_id: uuid7 of the asset event that it becomes, made once: the same a second time changes nothing.
    :param payload: of the trigger's event, in JSON.
    """

    attempt_id: str
    at: datetime
    event_id: str
    watched: Watched
    payload: str


Fact = AttemptStarted | XComPushed | AttemptFinished | AttemptLost | WaitEnded | WatcherFired

"""The messages between scheduler, agent and attempts, and how they travel: msgpack in frames of 4 bytes of length + body.

::

    scheduler ──► agent    Hello  Bundle  Launch  Cancel  Prepare  EndLog  Ack  Reply
    scheduler ◄── agent    Welcome  Report  Ask
    scheduler ──► triggerer    Hello  Bundle  Watch  Unwatch  Ack  Reply
    scheduler ◄── triggerer    Welcome  Report  Ask
    agent     ──► attempt  Launch  Reply
    agent     ◄── attempt  Started  Pushed  Ask  Done

A report carries a number that grows by one within an agent's session and is kept by the agent until it is acknowledged, so
that a scheduler that dies and comes back loses nothing.
"""

from __future__ import annotations

import socket
import struct
from datetime import datetime
from typing import Any

import msgspec

from tradewind.errors import TradewindError
from tradewind.model.assets import Watched
from tradewind.model.facts import (
    AttemptFinished,
    AttemptLost,
    AttemptStarted,
    Fact,
    WaitEnded,
    WatcherFired,
    XCom,
    XComPushed,
)
from tradewind.model.order import Order, VersionBundle
from tradewind.model.outcomes import OUTCOME_NAMES, OUTCOMES, Outcome

PROTOCOL = 1  #: both sides must speak the same number
MAX_FRAME = 256 * 1024 * 1024  #: bytes; a longer frame means that the two sides are out of step

_LENGTH = struct.Struct("!I")


class Hello(msgspec.Struct, tag=True, array_like=True):
    """First message of a scheduler."""

    scheduler_id: str
    protocol: int = PROTOCOL


class Bundle(msgspec.Struct, tag=True, array_like=True):
    """The files of a DAG version; comes before the first launch of it on this connection."""

    bundle: VersionBundle


class Launch(msgspec.Struct, tag=True, array_like=True):
    """Run an attempt. An attempt that the agent has already, or has reported, is passed over."""

    order: Order


class Cancel(msgspec.Struct, tag=True, array_like=True):
    """End an attempt."""

    attempt_id: str
    reason: str


class Prepare(msgspec.Struct, tag=True, array_like=True):
    """Have processes of a version ready."""

    version_id: str
    attempts: int


class EndLog(msgspec.Struct, tag=True, array_like=True):
    """An attempt of an agent that is no more is lost: let its log, which stands on this machine, say so."""

    log_path: str
    reason: str


class Ack(msgspec.Struct, tag=True, array_like=True):
    """All reports up to number ``n`` are committed: the agent may forget them."""

    n: int


class Reply(msgspec.Struct, tag=True, array_like=True):
    """The answer to a question, or what was wrong with it."""

    id: int
    value: Any = None
    error: str | None = None
    attempt_id: str = ""


class Welcome(msgspec.Struct, tag=True, array_like=True):
    """First message of an agent. ``held``: attempts that it runs, or whose reports were not acknowledged yet."""

    session: str
    host: str
    pid: int
    capacity: int
    held: tuple[str, ...] = ()
    protocol: int = PROTOCOL


class Report(msgspec.Struct, tag=True, array_like=True):
    """A fact on its way, see :func:`report_of` and :func:`fact_of`."""

    n: int
    kind: str
    attempt_id: str
    at: datetime | None = None
    started_at: datetime | None = None
    outcome_kind: str = ""
    outcome: dict[str, Any] = {}
    xcoms: tuple[XCom, ...] = ()
    host: str = ""
    pid: int = 0
    reason: str = ""
    event: str | None = None  # of a wait's end: typed JSON; of a watcher: JSON
    event_id: str = ""
    watched: Watched | None = None


class Ask(msgspec.Struct, tag=True, array_like=True):
    """A question of an attempt to the system."""

    id: int
    operation: str
    arguments: dict[str, Any]
    attempt_id: str = ""


class Watch(msgspec.Struct, tag=True, array_like=True):
    """Let a trigger run.

    :param wait_id: the attempt that waits for it.
    :param classpath: ``package.module.Class``, or the name of a registered trigger.
    :param kwargs: its arguments, in typed JSON.
    :param log_path: where what it logs goes, relative to the log folder.
    :param watched: it watches an asset: all of its events are reported, and it goes on until nobody wants it any more.
    """

    wait_id: str
    version_id: str
    classpath: str
    kwargs: str
    log_path: str = ""
    watched: Watched | None = None


class Unwatch(msgspec.Struct, tag=True, array_like=True):
    """Nobody waits for the trigger any more.

    :param killed: its task was ended or cleared: the trigger's ``on_kill`` is called.
    """

    wait_id: str
    killed: bool = True


class Started(msgspec.Struct, tag=True, array_like=True):
    """The attempt's process has its order and goes to work."""

    at: datetime
    pid: int


class Pushed(msgspec.Struct, tag=True, array_like=True):
    """The attempt pushed an XCom."""

    xcom: XCom


class Done(msgspec.Struct, tag=True, array_like=True):
    """The attempt knows how it ended."""

    outcome_kind: str
    outcome: dict[str, Any]
    started_at: datetime
    ended_at: datetime
    xcoms: tuple[XCom, ...] = ()


Message = (
    Hello
    | Bundle
    | Launch
    | Cancel
    | Prepare
    | EndLog
    | Ack
    | Reply
    | Welcome
    | Report
    | Ask
    | Watch
    | Unwatch
    | Started
    | Pushed
    | Done
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def frame(message: Message) -> bytes:
    """The message as it travels."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Cuts what comes out of a stream back into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes.

        :raises TradewindError: where the other side does not speak this protocol.
        """
        self._buffer += data
        found: list[Message] = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME:
                raise TradewindError(
                    f"A frame of {length} bytes: the other side does not speak this protocol."
                )
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            try:
                found.append(_decoder.decode(memoryview(self._buffer)[_LENGTH.size : end].tobytes()))
            except msgspec.DecodeError as error:
                raise TradewindError(
                    f"A message that cannot be read ({error}): are both sides one version?"
                ) from None
            del self._buffer[:end]
        return found


def outcome_fields(outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """An outcome as it travels: its name and its fields."""
    return OUTCOME_NAMES[type(outcome)], msgspec.to_builtins(outcome)


def outcome_of(kind: str, fields: dict[str, Any]) -> Outcome:
    """The outcome that travelled."""
    return msgspec.convert(fields, OUTCOMES[kind])


def report_of(n: int, fact: Fact) -> Report:
    """A fact as report number ``n``."""
    match fact:
        case AttemptStarted():
            return Report(n, "started", fact.attempt_id, at=fact.at, host=fact.host, pid=fact.pid)
        case XComPushed():
            return Report(n, "pushed", fact.attempt_id, xcoms=(fact.xcom,))
        case AttemptFinished():
            kind, fields = outcome_fields(fact.outcome)
            return Report(
                n,
                "finished",
                fact.attempt_id,
                at=fact.ended_at,
                started_at=fact.started_at,
                outcome_kind=kind,
                outcome=fields,
                xcoms=fact.xcoms,
                host=fact.host,
                pid=fact.pid,
            )
        case AttemptLost():
            return Report(n, "lost", fact.attempt_id, at=fact.at, reason=fact.reason)
        case WaitEnded():
            return Report(n, "waited", fact.attempt_id, at=fact.at, event=fact.event, reason=fact.error or "")
        case WatcherFired():
            return Report(
                n,
                "fired",
                fact.attempt_id,
                at=fact.at,
                event=fact.payload,
                event_id=fact.event_id,
                watched=fact.watched,
            )


def fact_of(report: Report) -> Fact:
    """The fact that a report carries."""
    at = report.at or datetime.min
    match report.kind:
        case "started":
            return AttemptStarted(attempt_id=report.attempt_id, at=at, host=report.host, pid=report.pid)
        case "pushed":
            return XComPushed(attempt_id=report.attempt_id, xcom=report.xcoms[0])
        case "finished":
            return AttemptFinished(
                attempt_id=report.attempt_id,
                outcome=outcome_of(report.outcome_kind, report.outcome),
                started_at=report.started_at,
                ended_at=at,
                xcoms=report.xcoms,
                host=report.host,
                pid=report.pid,
            )
        case "lost":
            return AttemptLost(attempt_id=report.attempt_id, at=at, reason=report.reason)
        case "waited":
            error = report.reason or None
            return WaitEnded(attempt_id=report.attempt_id, at=at, event=report.event, error=error)
        case "fired" if report.watched is not None:
            return WatcherFired(
                attempt_id=report.attempt_id,
                at=at,
                event_id=report.event_id,
                watched=report.watched,
                payload=report.event or "null",
            )
    raise TradewindError(f"A report of kind {report.kind!r}: is the agent of another version?")


def written(report: Report) -> bytes:
    """A report as the body of a row of the table ``fact``."""
    return _encoder.encode(report)


def read(body: bytes) -> Fact:
    """The fact in a row's body.

    :raises TradewindError: where it is no report.
    """
    try:
        report = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise TradewindError(
            f"A fact that cannot be read ({error}): is its sender of this version?"
        ) from None
    if not isinstance(report, Report):
        raise TradewindError(f"A fact whose body is a {type(report).__name__}, not a Report.")
    return fact_of(report)


def send(sock: socket.socket, message: Message) -> None:
    """Send on a blocking socket."""
    sock.sendall(frame(message))

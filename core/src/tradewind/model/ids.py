"""Ids: one rule for those that people write, and time-ordered random ones for what Tradewind makes.

An id becomes part of paths, addresses and command lines, hence the narrow rule; a DAG's or task's *display name* may be
any text.
"""

from __future__ import annotations

import re
import uuid

from tradewind.errors import InvalidId

MAX_ID_LENGTH = 250
SHARDS = 64  #: DAGs are dealt to this many shards; each shard has one owner

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_RUN_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~:+-]*\Z")


def check_id(kind: str, value: object, where: str | None = None) -> str:
    """Return ``value`` if it may be the id of a ``kind`` (``"DAG"``, ``"task"``, ``"pool"`` ...).

    :raises InvalidId: naming the value, the rule and the cure.
    """
    return _check(kind, value, _ID, "letters (A-Z, a-z), digits, '_', '-' and '.'", where)


def check_run_id(value: object) -> str:
    """Return ``value`` if it may be a run id; besides an id's characters, ``~``, ``:`` and ``+`` may stand in it."""
    return _check("run", value, _RUN_ID, "letters (A-Z, a-z), digits, '_', '-', '.', '~', ':' and '+'", None)


def _check(kind: str, value: object, rule: re.Pattern[str], characters: str, where: str | None) -> str:
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    if not isinstance(value, str):
        raise InvalidId(f"A {kind} id is text, not {type(value).__name__} ({shown}).", where)
    if not value:
        raise InvalidId(f"A {kind} id may not be empty: give it a name made of {characters}.", where)
    if len(value) > MAX_ID_LENGTH:
        raise InvalidId(
            f"The {kind} id {shown} is {len(value)} characters long; at most {MAX_ID_LENGTH} are allowed.",
            where,
        )
    if not rule.match(value):
        raise InvalidId(
            f"The {kind} id {shown} may only be made of {characters}, and may not begin with '-' or '.'. "
            f"Any other text goes into its display name.",
            where,
        )
    return value


def shard_of(dag_id: str) -> int:
    """The shard that a DAG belongs to, ``0 .. SHARDS - 1``; the same on every machine and in every version."""
    value = 2166136261  # FNV-1a, since hash() differs from process to process
    for byte in dag_id.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value % SHARDS


def uuid7(unix_ms: int, randomness: bytes) -> str:
    """A time-ordered unique id (RFC 9562, version 7).

    :param unix_ms: milliseconds since 1970, UTC.
    :param randomness: 10 random bytes.
    """
    value = (unix_ms & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))

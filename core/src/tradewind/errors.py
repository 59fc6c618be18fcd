"""The tree of exceptions. Every message names the thing, the place and the cure.

::

    TradewindError
    ├── DefinitionError            a DAG file says something that cannot be       (ValueError too)
    │   ├── InvalidId
    │   ├── CycleError
    │   ├── DuplicateTaskId
    │   └── ArgumentError          an operator, DAG or task was called with wrong arguments  (TypeError too)
    ├── ConfigError                settings, environment or home folder
    ├── NotFound                   no such DAG, run, task, connection, variable ...  (LookupError too)
    ├── Conflict                   it exists already, or changed in the meantime
    ├── Refused                    a command that cannot be carried out as things stand
    ├── StoreError                 the metadata database cannot be used
    ├── SerializationError         a value that cannot be kept as an XCom           (TypeError too)
    ├── PluginError                a plugin broke its contract
    ├── TemplateError              a template that cannot be rendered
    ├── ImportTimeError            a DAG file that could not be imported
    ├── TaskDeferralError          a task that waits for a trigger: the trigger failed
    │   └── TaskDeferralTimeout    ... or did not fire in the time that the task gave it
    └── TaskSignal                 raised by a task to say how it ends; not an error of ours
        ├── SkipTask
        ├── FailTask
        ├── SensorTimeout          a sensor has looked for as long as its timeout allows
        └── TaskTimeout            raised in the task when its execution_timeout is over
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TradewindError(Exception):
    """Root of everything that Tradewind raises on purpose."""


def class_names(kind: type[BaseException]) -> tuple[str, ...]:
    """Qualified names of a class and the classes that it is derived from, nearest first; at most 20."""
    return tuple(f"{one.__module__}.{one.__qualname__}" for one in kind.__mro__[:-1])[:20]


class DefinitionError(TradewindError, ValueError):
    """A DAG file says something that cannot be.

    :param message: what is wrong and what to do instead.
    :param where: ``file:line`` of the statement, where known.
    """

    def __init__(self, message: str, where: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class InvalidId(DefinitionError):
    """An id that breaks the one rule for ids (see :mod:`tradewind.model.ids`)."""


class CycleError(DefinitionError):
    """The tasks of a DAG depend on each other in a circle."""


class DuplicateTaskId(DefinitionError):
    """Two tasks of one DAG have the same id."""


class ArgumentError(DefinitionError, TypeError):
    """An operator, a DAG or a task was given arguments that it does not take, or not those that it needs."""


class ConfigError(TradewindError):
    """Settings, environment or home folder cannot be used as they are."""


class NotFound(TradewindError, LookupError):
    """There is no such thing. Names what was asked for, and the closest names that exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), cure: str = "") -> None:
        close = difflib.get_close_matches(name, list(known), n=3)
        hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
        super().__init__(f"There is no {kind} {name!r}.{hint}{' ' + cure if cure else ''}")
        self.kind = kind
        self.name = name


class Conflict(TradewindError):
    """It exists already, or it changed in the meantime."""


class Refused(TradewindError):
    """A command that cannot be carried out as things stand; the message says why and what would help."""


class StoreError(TradewindError):
    """The metadata database cannot be used.

    :param transient: the same may well succeed a little later (locked, full, connection lost).
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class SerializationError(TradewindError, TypeError):
    """A value that cannot be kept. Names the place in the value and its type."""


class PluginError(TradewindError):
    """A plugin broke its contract."""


class TemplateError(TradewindError):
    """A template that cannot be rendered. Names the field and the expression."""


class ImportTimeError(TradewindError):
    """A DAG file could not be imported."""


class TaskDeferralError(TradewindError):
    """The trigger that a deferred task waited for failed, or cannot be had."""


class TaskDeferralTimeout(TaskDeferralError):
    """The trigger did not fire within the timeout that the task gave to ``defer``."""


class TaskSignal(TradewindError):
    """Raised by a task to say how it ends."""


class SkipTask(TaskSignal):
    """The task has nothing to do in this run: it ends ``skipped``."""


class FailTask(TaskSignal):
    """The task cannot succeed, however often it is tried: it ends ``failed`` without a retry."""


class SensorTimeout(TaskSignal):
    """A sensor has looked for as long as its ``timeout`` allows; it is not tried again."""


class TaskTimeout(TaskSignal):
    """The task ran longer than its ``execution_timeout``."""

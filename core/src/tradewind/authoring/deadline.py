"""Deadline alerts: what is called where a run has not succeeded by a moment that is known when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from tradewind.authoring.checks import shown
from tradewind.errors import DefinitionError
from tradewind.model.spec import DeadlineSpec


@dataclass(frozen=True, slots=True)
class Reference:
    """What a deadline counts from; made by :class:`DeadlineReference`."""

    kind: str
    moment: datetime | None = None
    max_runs: int = 10
    min_runs: int = 10


class DeadlineReference:
    """What deadlines count from."""

    DAGRUN_QUEUED_AT: ClassVar[Reference] = Reference("queued_at")  #: the moment at which the run was made
    DAGRUN_LOGICAL_DATE: ClassVar[Reference] = Reference("logical_date")  #: a run without one has no deadline

    @staticmethod
    def FIXED_DATETIME(moment: datetime) -> Reference:
        """A moment; without a zone it is taken in the DAG's."""
        if not isinstance(moment, datetime):
            raise DefinitionError(f"FIXED_DATETIME takes a datetime, not {shown(moment)}.")
        return Reference("fixed", moment)

    @staticmethod
    def AVERAGE_RUNTIME(max_runs: int = 10, min_runs: int | None = None) -> Reference:
        """The moment at which the run was made, and what runs of the DAG took on average.

        :param max_runs: of the newest so many that succeeded.
        :param min_runs: where there are fewer, the run has no deadline; left out: ``max_runs``.
        """
        least = max_runs if min_runs is None else min_runs
        if not 1 <= least <= max_runs:
            raise DefinitionError(
                f"AVERAGE_RUNTIME takes min_runs from 1 to max_runs, not {least} of {max_runs}."
            )
        return Reference("average_runtime", None, max_runs, least)


class SyncCallback:
    """A function or notifier class with its arguments.

    :param callback_callable: the function, the class of a notifier, or its dotted name, imported when it is called.
    :param kwargs: what it is called (a notifier: made) with; a function also gets the ``context`` if it takes one.
    """

    def __init__(
        self,
        callback_callable: Callable[..., Any] | str,
        kwargs: Mapping[str, Any] | None = None,
        executor: str | None = None,
    ) -> None:
        if not callable(callback_callable) and not (
            isinstance(callback_callable, str) and "." in callback_callable.strip(".")
        ):
            raise DefinitionError(
                f"A callback is a function, the class of a notifier, or its dotted name, not {shown(callback_callable)}."
            )
        self.callback_callable = callback_callable
        self.kwargs = dict(kwargs or {})
        self.executor = executor


class AsyncCallback(SyncCallback):
    """The same for a coroutine function; it is awaited in a process of its own too."""


class DeadlineAlert:
    """Call ``callback`` where a run of the DAG has not succeeded by ``reference`` + ``interval``.

    :param interval: may be negative: so much before the reference.
    :param callback: a :class:`SyncCallback` or :class:`AsyncCallback`; or, as everywhere, a function that takes the context
        or a notifier.
    """

    def __init__(
        self,
        reference: Reference,
        interval: timedelta,
        callback: SyncCallback | Callable[..., Any],
        name: str | None = None,
    ) -> None:
        if not isinstance(reference, Reference):
            raise DefinitionError(
                f"reference of a DeadlineAlert is a DeadlineReference, not {shown(reference)}."
            )
        if not isinstance(interval, timedelta):
            raise DefinitionError(f"interval of a DeadlineAlert is a timedelta, not {shown(interval)}.")
        if not isinstance(callback, SyncCallback) and not callable(callback):
            raise DefinitionError(f"callback of a DeadlineAlert is a callback, not {shown(callback)}.")
        self.reference = reference
        self.interval = interval
        self.callback = callback
        self.name = name

    def spec(self, moment: datetime | None) -> DeadlineSpec:
        """The frozen form.

        :param moment: that of the reference, in UTC.
        """
        of = self.reference
        return DeadlineSpec(
            reference=of.kind,
            interval=self.interval.total_seconds(),
            moment=moment,
            max_runs=of.max_runs,
            min_runs=of.min_runs,
            name=self.name,
        )

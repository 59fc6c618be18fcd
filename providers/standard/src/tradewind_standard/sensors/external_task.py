"""Waiting for another DAG, and the mark that clearing goes on in another DAG."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, MutableMapping
from datetime import datetime, timedelta
from typing import Any

from tradewind import BaseSensorOperator, EmptyOperator, SkipTask
from tradewind.authoring import RunsAwaited
from tradewind.authoring.signatures import call_in_context
from tradewind.errors import DefinitionError, TradewindError
from tradewind.model.states import RunState, TaskState
from tradewind.ports import runtime
from tradewind_standard.triggers.external_task import ExternalTaskTrigger

SAME_DATE = "{{ logical_date.isoformat() }}"


class ExternalTaskSensor(BaseSensorOperator):
    """Waits for a run of another DAG, or for tasks or a task group in it, of the same logical date.

    With ``deferrable=True`` or ``mode="reschedule"`` it waits without a slot, and goes on as soon as the other DAG's state
    is committed; in mode ``"poke"`` it keeps its slot and looks each ``poke_interval``.

    :param external_dag_id: a template.
    :param external_task_id: wait for this task; with none of these, for the run.
    :param external_task_ids: wait for all of these tasks.
    :param external_task_group_id: wait for all tasks of this group.
    :param allowed_states: the states that are waited for: ``("success",)`` unless said otherwise.
    :param skipped_states: anything in one of these skips the sensor.
    :param failed_states: anything in one of these fails the sensor (with ``soft_fail``, skips it).
    :param execution_delta: look at the run this much earlier.
    :param execution_date_fn: takes the logical date, and what it names of the context; gives the logical date or dates to
        look at.
    :param check_existence: fail at once where there is no such DAG, task or group.
    :param deferrable: wait without a slot.
    """

    template_fields: Collection[str] = (
        "external_dag_id",
        "external_task_id",
        "external_task_ids",
        "external_task_group_id",
    )
    ui_color = "#4db7db"

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str | None = None,
        external_task_ids: Collection[str] | None = None,
        external_task_group_id: str | None = None,
        allowed_states: Iterable[str] | None = None,
        skipped_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        execution_delta: timedelta | None = None,
        execution_date_fn: Callable[..., Any] | None = None,
        check_existence: bool = False,
        poll_interval: float = 2.0,
        deferrable: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.external_task_ids = external_task_ids or None
        self.external_task_group_id = external_task_group_id
        self.allowed_states = [str(state) for state in allowed_states or ("success",)]
        self.skipped_states = [str(state) for state in skipped_states or ()]
        self.failed_states = [str(state) for state in failed_states or ()]
        self.execution_delta = execution_delta
        self.execution_date_fn = execution_date_fn
        self.check_existence = check_existence
        self.poll_interval = poll_interval
        self.deferrable = deferrable
        self._check()

    def _check(self) -> None:
        named = [
            name
            for name in ("external_task_id", "external_task_ids", "external_task_group_id")
            if getattr(self, name) is not None
        ]
        if len(named) > 1:
            raise self._refuse(f"Only one of {', '.join(named)} may be given: choose one.")
        if self.execution_delta is not None and self.execution_date_fn is not None:
            raise self._refuse("Only one of execution_delta and execution_date_fn may be given: choose one.")
        states = [*self.allowed_states, *self.skipped_states, *self.failed_states]
        double = sorted({state for state in states if states.count(state) > 1})
        if double:
            raise self._refuse(
                f"{', '.join(double)} stands in more than one of allowed_states, skipped_states and failed_states."
            )
        known = {state.value for state in (TaskState if named else RunState)}
        unknown = sorted(set(states) - known)
        if unknown:
            what = "task" if named else "run"
            raise self._refuse(
                f"{unknown[0]!r} is no state of a {what}; these are: {', '.join(sorted(known))}."
            )

    def poke(self, context: MutableMapping[str, Any]) -> bool:
        verdict, reason = runtime.current().look_at_runs(self.awaited(context))
        return self._decide(verdict, reason)

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        waits = self.deferrable or (self.reschedule and type(self).poke is ExternalTaskSensor.poke)
        if not waits:
            return super().execute(context)
        if not self._look(context):
            self.defer(
                trigger=ExternalTaskTrigger(self.awaited(context)), timeout=timedelta(seconds=self.timeout)
            )
        return None

    def execute_complete(self, context: MutableMapping[str, Any], event: Any = None) -> None:
        """The other DAG has come to a state that counts."""
        self._decide(event["status"], event["reason"])

    def awaited(self, context: MutableMapping[str, Any]) -> RunsAwaited:
        """What it waits for."""
        tasks = [self.external_task_id] if self.external_task_id is not None else self.external_task_ids or ()
        if len(set(tasks)) < len(tasks):
            raise DefinitionError(
                f"external_task_ids of {self.task_id!r} has a task twice: {', '.join(tasks)}.",
                str(self.place),
            )
        return RunsAwaited(
            dag_id=self.external_dag_id,
            logical_dates=tuple(self._dates(context)),
            task_ids=tuple(tasks),
            group_id=self.external_task_group_id,
            allowed=tuple(self.allowed_states),
            failed=tuple(self.failed_states),
            skipped=tuple(self.skipped_states),
            check_existence=self.check_existence,
        )

    def _dates(self, context: MutableMapping[str, Any]) -> list[datetime]:
        date: datetime | None = context["dag_run"].logical_date or context["dag_run"].run_after
        assert date is not None
        if self.execution_delta is not None:
            return [date - self.execution_delta]
        if self.execution_date_fn is not None:
            found = call_in_context(self.execution_date_fn, (date,), {}, context)
            return list(found) if isinstance(found, (list, tuple, set)) else [found]
        return [date]

    def _decide(self, verdict: str, reason: str) -> bool:
        match verdict:
            case "failed" if self.soft_fail:
                raise SkipTask(f"soft_fail: {reason}")
            case "failed":
                raise TradewindError(f"What it waited for has failed: {reason}.")
            case "skipped":
                raise SkipTask(f"what it waited for was skipped: {reason}")
            case "missing":
                raise TradewindError(f"It would wait for ever: {reason}.")
        return verdict == "success"


class ExternalTaskMarker(EmptyOperator):
    """Says that a task of another DAG depends on this one: where this is cleared with what is downstream, that is too.

    :param external_dag_id: the other DAG.
    :param external_task_id: the task in it that waits for this one.
    :param logical_date: of its run, a template; the same as this one's unless said otherwise.
    :param recursion_depth: through how many markers, one after another, clearing goes at most.
    """

    template_fields: Collection[str] = ("external_dag_id", "external_task_id", "logical_date")
    ui_color = "#4db7db"

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str,
        logical_date: str | datetime | None = SAME_DATE,
        recursion_depth: int = 10,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.logical_date = (
            logical_date.isoformat() if isinstance(logical_date, datetime) else logical_date or SAME_DATE
        )
        if isinstance(recursion_depth, bool) or not isinstance(recursion_depth, int) or recursion_depth <= 0:
            raise DefinitionError(
                f"ExternalTaskMarker {self.task_id!r}: recursion_depth is a positive integer, not {recursion_depth!r}.",
                str(self.place),
            )
        self.recursion_depth = recursion_depth

    def extra_spec(self) -> dict[str, Any]:
        return {
            "external_task_marker": {
                "dag_id": self.external_dag_id,
                "task_id": self.external_task_id,
                "logical_date": self.logical_date,
                "recursion_depth": self.recursion_depth,
            }
        }

"""Which change of state calls which callback. Derived from the transitions, whatever made them.

A task's callbacks are those of the state that an attempt of it led to: success, failure, retry, skip. It does not matter
how the attempt ended (it returned, raised, was killed, ran out of time or was lost), nor whether somebody marked the task
while it ran. A state that a task gets without having run (``upstream_failed``, a branch's or trigger rule's skip, a mark)
calls nothing. A run's callbacks are called when its tasks, or its time limit, end it; not where somebody marks it.
"""

from __future__ import annotations

from tradewind.logic.live_run import LiveRun, Transition
from tradewind.model.callbacks import CallbackRequest
from tradewind.model.states import RunState, TaskState

_OF_TASK: dict[object, tuple[str, ...]] = {
    TaskState.SUCCESS: ("on_success_callback",),
    TaskState.FAILED: ("on_failure_callback", "email_on_failure"),
    TaskState.UP_FOR_RETRY: ("on_retry_callback", "email_on_retry"),
    TaskState.SKIPPED: ("on_skipped_callback",),
}
_OF_RUN: dict[object, str] = {
    RunState.SUCCESS: "on_success_callback",
    RunState.FAILED: "on_failure_callback",
}
_BEGUN = (TaskState.RUNNING, TaskState.RESTARTING)


def callback_of(change: Transition, exceptions: tuple[str, ...] = ()) -> CallbackRequest | None:
    """The callbacks that a change of state calls; ``None`` where there are none.

    :param exceptions: class names of the exception that the attempt behind it reported.
    """
    if not change.run.plan.calls_back:
        return None
    if change.instance is None:
        return _of_run(change)
    return _of_task(change, change.instance, exceptions)


def _of_task(change: Transition, number: int, exceptions: tuple[str, ...]) -> CallbackRequest | None:
    run = change.run
    set_ones = run.task(number).callbacks
    names = tuple(name for name in _OF_TASK.get(change.new, ()) if name in set_ones)
    if not names or (change.attempt_id is None and change.old not in _BEGUN):
        return None
    return CallbackRequest(
        names=names,
        task_id=run.task(number).task_id,
        map_index=run.map_index(number),
        try_number=run.try_numbers[number],
        max_tries=run.max_tries[number],
        state=str(change.new),
        reason=change.reason,
        exceptions=exceptions,
        start_date=run.start_dates[number],
        end_date=run.end_dates[number],
        # A fact about a task comes while its run goes on, although it may be what ends the run.
        run_state=run.state.value if change.cause == "command" else RunState.RUNNING.value,
    )


def _of_run(change: Transition) -> CallbackRequest | None:
    run = change.run
    name = _OF_RUN.get(change.new)
    if name not in run.plan.spec.callbacks:
        return None
    # Somebody marked it, or called its backfill off before it began; a time limit ends what runs.
    if change.outright and (change.cause == "command" or change.old is RunState.QUEUED):
        return None
    reason = "success" if change.new is RunState.SUCCESS else "task_failure"
    return of_run(run, name, "timed_out" if change.outright else reason)


def of_run(run: LiveRun, name: str, reason: str, **more: object) -> CallbackRequest:
    """A call of the run's own callbacks; they see the task instance that ended last, a failed one before others."""
    number = _last(run)
    known: dict[str, object] = {}
    if number is not None:
        known = {
            "task_id": run.task(number).task_id,
            "map_index": run.map_index(number),
            "try_number": run.try_numbers[number],
            "max_tries": run.max_tries[number],
            "start_date": run.start_dates[number],
            "end_date": run.end_dates[number],
        }
    return CallbackRequest(
        names=(name,),
        of_run=True,
        state=run.state.value,
        reason=reason,
        run_state=run.state.value,
        run_end_date=run.end_date,
        **known,  # type: ignore[arg-type]  # each is the field of that name
        **more,  # type: ignore[arg-type]
    )


def _last(run: LiveRun) -> int | None:
    """The task instance that a run's callbacks see."""

    def rank(number: int) -> tuple[bool, float, int]:
        ended = run.end_dates[number]
        return run.states[number] is TaskState.FAILED, ended.timestamp() if ended else 0.0, number

    return max(run.numbers(), key=rank, default=None)

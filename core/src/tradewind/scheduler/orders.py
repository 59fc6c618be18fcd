"""From an issued attempt to the order that an executor gets."""

from __future__ import annotations

from dataclasses import replace

from tradewind.model.callbacks import CallbackRequest
from tradewind.model.order import KnownXCom, Order
from tradewind.model.run import RunInfo
from tradewind.ports.runtime import XComQuery
from tradewind.scheduler.callbacks import callback_log_path
from tradewind.scheduler.memory import Memory, OpenAttempt
from tradewind.scheduler.turn import log_path
from tradewind.store.xcoms import XComRepository

CARRIED = 65536  #: bytes; a larger value is asked for by whoever needs it


class Orders:
    """Writes orders; XComs that the task's arguments name ride along where they are small.

    :param callback_timeout: seconds that callbacks may take.

    """

    def __init__(self, xcoms: XComRepository, callback_timeout: float) -> None:
        self._xcoms = xcoms
        self._callback_timeout = callback_timeout

    def write(self, memory: Memory, attempt: OpenAttempt) -> Order:
        """The order of an attempt."""
        if attempt.callback is not None:
            return self._callback(attempt, attempt.callback)
        run, number = attempt.run, attempt.number
        task = run.plan.tasks[number]
        return Order(
            attempt_id=attempt.id,
            version_id=run.info.version_id,
            run=self._info(attempt),
            task_id=task.task_id,
            try_number=run.try_numbers[number],
            max_tries=run.max_tries[number],
            log_path=log_path(run, number),
            timeout=task.execution_timeout,
            at_most_once=task.at_most_once,
            queue=task.queue,
            priority=task.priority_weight,
            xcoms=self._known(memory, attempt) if task.inputs else (),
            resume=asked.resume() if (asked := memory.inputs.get((run.pk, number))) else None,
        )

    def _callback(self, attempt: OpenAttempt, request: CallbackRequest) -> Order:
        run = attempt.run
        return Order(
            attempt_id=attempt.id,
            kind="callback",
            version_id=run.info.version_id,
            run=replace(self._info(attempt), end_date=request.run_end_date),
            task_id=request.task_id,
            map_index=request.map_index,
            try_number=request.try_number,
            max_tries=request.max_tries,
            log_path=callback_log_path(run, request),
            timeout=self._callback_timeout,
            callback=request,
        )

    @staticmethod
    def _info(attempt: OpenAttempt) -> RunInfo:
        info = attempt.run.info
        return info if info.start_date else replace(info, start_date=attempt.run.start_date)

    def _known(self, memory: Memory, attempt: OpenAttempt) -> tuple[KnownXCom, ...]:
        run = attempt.run
        at_hand = memory.xcoms.get(run.pk, {})
        known = []
        for task_id, key in run.plan.tasks[attempt.number].inputs:
            value = at_hand.get((task_id, key))
            if value is not None:
                known.append(KnownXCom(task_id=task_id, key=key, map_index=-1, value=value))
                continue
            query = XComQuery(dag_id=run.info.dag_id, run_id=run.info.run_id, key=key, task_ids=(task_id,))
            known += [
                KnownXCom(
                    task_id=task_id,
                    key=key,
                    map_index=found.map_index,
                    value=found.value,
                    backend=found.backend,
                )
                for found in self._xcoms.find(query)
                if len(found.value) <= CARRIED
            ]
        return tuple(known)

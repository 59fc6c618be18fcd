"""From an issued attempt to the order that an executor gets."""

from __future__ import annotations

from dataclasses import replace

from tradewind.logic.live_run import LiveRun
from tradewind.logic.waiting import resume_of
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
        task = run.task(number)
        wait = run.waits.get(number)
        return Order(
            attempt_id=attempt.id,
            version_id=run.info.version_id,
            run=self._info(attempt),
            task_id=task.task_id,
            map_index=run.map_index(number),
            try_number=run.try_numbers[number],
            max_tries=run.max_tries[number],
            log_path=log_path(run, number),
            timeout=task.execution_timeout,
            at_most_once=task.at_most_once,
            queue=task.queue,
            priority=task.priority_weight,
            xcoms=self._known(memory, attempt) if task.inputs else (),
            resume=resume_of(wait) if wait is not None else None,
            since=run.start_dates[number] if wait is not None else None,
            rounds=wait.rounds if wait is not None else 0,
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
        run, number = attempt.run, attempt.number
        at_hand = memory.xcoms.get(run.pk, {})
        known = []
        for task_id, key in run.task(number).inputs:
            index = _index_of(run, number, task_id)
            if index is None:
                continue
            value = at_hand.get((task_id, key, index))
            if value is not None:
                known.append(KnownXCom(task_id=task_id, key=key, map_index=index, value=value))
                continue
            query = XComQuery(
                dag_id=run.info.dag_id,
                run_id=run.info.run_id,
                key=key,
                task_ids=(task_id,),
                map_indexes=(index,),
            )
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


def _index_of(run: LiveRun, number: int, task_id: str) -> int | None:
    """The map index of the one instance of ``task_id`` that the instance gets values from; ``None``: it gets those of all,
    which it asks for itself."""
    task = run.plan.index.get(task_id)
    if task is None or task not in run.blocks:
        return -1
    return run.map_index(number) if run.plan.together(task, run.task_of(number)) else None

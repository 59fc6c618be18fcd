"""What a test puts in the place of a task's own code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradewind.errors import NotFound
from tradewind.model.outcomes import Branched, Failed, Outcome, Skipped, Succeeded

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.model.order import Order

Failures = Mapping[str, int | bool | BaseException] | Collection[str]
Choices = Mapping[str, str | bool | Collection[str]]


@dataclass(slots=True)
class Injections:
    """By task id, how attempts end whose code is not run.

    :param fail: how many of the first tries fail (``True``: all of them), or the exception that all of them raise.
    :param choose: of a branch, the task or tasks that go on; of a short circuit, whether anything does.
    :param returns: what ``execute`` returns.
    :param skip: tasks that skip themselves.
    """

    fail: dict[str, int | bool | BaseException] = field(default_factory=dict)
    choose: dict[str, str | bool | Collection[str]] = field(default_factory=dict)
    returns: dict[str, Any] = field(default_factory=dict)
    skip: set[str] = field(default_factory=set)

    def add(
        self,
        dag: DAG,
        fail: Failures = (),
        choose: Choices | None = None,
        returns: Mapping[str, Any] | None = None,
        skip: Iterable[str] = (),
    ) -> None:
        """Add to what is injected.

        :raises NotFound: naming a task that the DAG does not have, or that does not come directly after its branch.
        """
        failures = dict(fail) if isinstance(fail, Mapping) else dict.fromkeys(fail, True)
        for task_id in (*failures, *(choose or {}), *(returns or {}), *skip):
            dag.get_task(task_id)
        for branch, chosen in (choose or {}).items():
            behind = dag.get_task(branch).downstream_ids
            for task_id in _task_ids(chosen):
                if task_id not in behind:
                    raise NotFound(f"task directly after {branch!r} named", task_id, behind)
        self.fail |= failures
        self.choose |= choose or {}
        self.returns |= returns or {}
        self.skip |= set(skip)

    def outcome(self, order: Order) -> tuple[Outcome, Any] | None:
        """How the attempt ends, and what it returns; ``None`` where its own code decides."""
        task_id = order.task_id
        failure = self.fail.get(task_id)
        if isinstance(failure, BaseException):
            return Failed(f"{type(failure).__name__}: {failure}"), None
        if failure is True or (failure and order.try_number <= failure):
            return Failed(f"try {order.try_number} fails because the test says so"), None
        if task_id in self.skip:
            return Skipped("the test skips it"), None
        if task_id in self.choose:
            chosen = self.choose[task_id]
            if chosen is True:
                return Succeeded(), self.returns.get(task_id)
            scope: Any = "all" if chosen is False else "direct"
            return Branched(_task_ids(chosen), scope, "the test chose so"), self.returns.get(task_id)
        if task_id in self.returns:
            return Succeeded(), self.returns[task_id]
        return None


def _task_ids(chosen: str | bool | Collection[str]) -> tuple[str, ...]:
    if isinstance(chosen, bool):
        return ()
    return (chosen,) if isinstance(chosen, str) else tuple(chosen)

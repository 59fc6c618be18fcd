"""A DAG made ready for decisions: tasks by number, and who comes before and after whom."""

from __future__ import annotations

from tradewind.logic.scopes import Scopes, effective_leaves, reach
from tradewind.model.spec import DagSpec
from tradewind.model.states import TriggerRule


class Plan:
    """The graph of one DAG version, shared by all of its runs. Tasks are numbered in the order of the file."""

    __slots__ = (
        "affected",
        "choosers",
        "downstream",
        "index",
        "leaves",
        "scopes",
        "spec",
        "starters",
        "tasks",
        "upstream",
    )

    def __init__(self, spec: DagSpec) -> None:
        self.spec = spec
        self.tasks = spec.tasks
        self.index = {task.task_id: number for number, task in enumerate(spec.tasks)}
        self.downstream = [tuple(self.index[name] for name in task.downstream) for task in spec.tasks]
        upstream: list[list[int]] = [[] for _ in spec.tasks]
        for number, after in enumerate(self.downstream):
            for other in after:
                upstream[other].append(number)
        self.upstream = [tuple(before) for before in upstream]
        #: for each task: those upstream that may choose against it
        self.choosers = [
            tuple(number for number in before if spec.tasks[number].chooses) for before in self.upstream
        ]
        #: tasks whose state makes the run's
        self.leaves = effective_leaves(self.tasks, self.downstream)
        #: setups and teardowns
        self.scopes = Scopes(self.tasks, self.downstream, self.upstream)
        #: for each task: those to look at when it ends
        self.affected = list(self.downstream)
        for setup, work in self.scopes.work.items():
            self.affected[setup] += work
        for chooser, task in enumerate(self.tasks):
            if task.chooses_all:
                self._reach_further(chooser)
        #: tasks that may start as soon as the run does
        self.starters = tuple(
            number
            for number, task in enumerate(self.tasks)
            if not self.upstream[number] or task.trigger_rule is TriggerRule.ALWAYS
        )

    def _reach_further(self, chooser: int) -> None:
        """What is not directly behind waits for the choice too, before it ends without running."""
        further = self.reach({chooser}).difference(self.downstream[chooser], (chooser,))
        self.affected[chooser] += tuple(sorted(further))
        for number in further:
            self.choosers[number] += (chooser,)

    def __len__(self) -> int:
        return len(self.tasks)

    def reach(self, numbers: set[int]) -> set[int]:
        """The tasks of ``numbers`` and everything downstream of them."""
        return reach(self.downstream, numbers)

    def reach_up(self, numbers: set[int]) -> set[int]:
        """The tasks of ``numbers`` and everything upstream of them."""
        return reach(self.upstream, numbers)

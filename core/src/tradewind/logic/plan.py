"""A DAG made ready for decisions: tasks by number, and who comes before and after whom."""

from __future__ import annotations

from tradewind.logic.mapping import domains_of
from tradewind.logic.scopes import Scopes, effective_leaves, reach
from tradewind.model.spec import DagSpec
from tradewind.model.states import TriggerRule


class Plan:
    """The graph of one DAG version, shared by all of its runs. Tasks are numbered in the order of the file."""

    __slots__ = (
        "calls_back",
        "choosers",
        "domains",
        "downstream",
        "far_choosers",
        "further",
        "index",
        "leaves",
        "looks_back",
        "mapped_over",
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
        #: what each mapped task is mapped over
        self.domains = domains_of(spec, self.index)
        #: tasks that others are mapped over
        self.mapped_over = frozenset(source for domain in self.domains.values() for source in domain.sources)
        #: for each task: those directly upstream that may choose against it
        self.choosers = [
            tuple(number for number in before if spec.tasks[number].chooses) for before in self.upstream
        ]
        #: whether any change of state calls anything
        self.calls_back = bool(spec.callbacks or any(task.callbacks for task in spec.tasks))
        #: whether any task looks at the run before
        self.looks_back = any(task.depends_on_past or task.wait_for_downstream for task in spec.tasks)
        #: tasks whose state makes the run's
        self.leaves = effective_leaves(self.tasks, self.downstream)
        #: setups and teardowns
        self.scopes = Scopes(self.tasks, self.downstream, self.upstream)
        #: for a task: those further up that may choose against all behind them
        self.far_choosers: dict[int, tuple[int, ...]] = {}
        #: for a task: those to look at when it ends, besides what is directly behind it
        self.further = dict(self.scopes.work)
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
        far = self.reach({chooser}).difference(self.downstream[chooser], (chooser,))
        self.further[chooser] = (*self.further.get(chooser, ()), *sorted(far))
        for number in far:
            self.far_choosers[number] = (*self.far_choosers.get(number, ()), chooser)

    def __len__(self) -> int:
        return len(self.tasks)

    def together(self, one: int, other: int) -> bool:
        """Whether two tasks are mapped together, so that instances of the same map index belong to each other."""
        domain = self.domains.get(one)
        return domain is not None and other in self.domains and self.domains[other].name == domain.name

    def reach(self, numbers: set[int]) -> set[int]:
        """The tasks of ``numbers`` and everything downstream of them."""
        return reach(self.downstream, numbers)

    def reach_up(self, numbers: set[int]) -> set[int]:
        """The tasks of ``numbers`` and everything upstream of them."""
        return reach(self.upstream, numbers)

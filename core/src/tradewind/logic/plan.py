"""A DAG made ready for decisions: tasks by number, and who comes before and after whom."""

from __future__ import annotations

from tradewind.logic.mapping import domains_of
from tradewind.model.spec import DagSpec
from tradewind.model.states import TriggerRule


class Plan:
    """The graph of one DAG version, shared by all of its runs. Tasks are numbered in the order of the file."""

    __slots__ = (
        "choosers",
        "domains",
        "downstream",
        "index",
        "leaves",
        "looks_back",
        "mapped_over",
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
        #: tasks whose state makes the run's
        self.leaves = frozenset(number for number, after in enumerate(self.downstream) if not after)
        #: whether any task looks at the run before
        self.looks_back = any(task.depends_on_past or task.wait_for_downstream for task in spec.tasks)
        #: tasks that may start as soon as the run does
        self.starters = tuple(
            number
            for number, task in enumerate(self.tasks)
            if not self.upstream[number] or task.trigger_rule is TriggerRule.ALWAYS
        )

    def __len__(self) -> int:
        return len(self.tasks)

    def together(self, one: int, other: int) -> bool:
        """Whether two tasks are mapped together, so that instances of the same map index belong to each other."""
        domain = self.domains.get(one)
        return domain is not None and other in self.domains and self.domains[other].name == domain.name

    def reach(self, numbers: set[int]) -> set[int]:
        """The tasks of ``numbers`` and everything downstream of them."""
        found = set(numbers)
        front = list(numbers)
        while front:
            for other in self.downstream[front.pop()]:
                if other not in found:
                    found.add(other)
                    front.append(other)
        return found

    def reach_up(self, numbers: set[int]) -> set[int]:
        """The tasks of ``numbers`` and everything upstream of them."""
        found = set(numbers)
        front = list(numbers)
        while front:
            for other in self.upstream[front.pop()]:
                if other not in found:
                    found.add(other)
                    front.append(other)
        return found

"""The graph of a DAG as text: a tree for people, dot and mermaid for programs that draw."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tradewind.logic.plan import Plan
from tradewind.model.spec import DagSpec
from tradewind.model.states import TriggerRule

_DEEPEST = 40  #: levels of indentation; what lies deeper names its level instead


def as_tree(plan: Plan) -> Iterator[str]:
    """A line a task, each below what it comes after. A task with several upstream tasks stands below the first of them, and
    is only named below the others."""
    seen: set[int] = set()
    stack = [(number, "", "", 0) for number in reversed(range(len(plan))) if not plan.upstream[number]]
    while stack:
        number, before, below, level = stack.pop()
        again = number in seen
        yield before + _label(plan, number) + (" (see above)" if again and plan.downstream[number] else "")
        if again:
            continue
        seen.add(number)
        after = plan.downstream[number]
        for place in reversed(range(len(after))):
            last = place == len(after) - 1
            if level >= _DEEPEST:
                head, rest = f"{' ' * 3 * _DEEPEST}[{level + 1}] ", ""
            else:
                head, rest = below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")
            stack.append((after[place], head, rest, level + 1))


def _label(plan: Plan, number: int) -> str:
    task = plan.tasks[number]
    rule = "" if task.trigger_rule is TriggerRule.ALL_SUCCESS else f" [{task.trigger_rule}]"
    return f"{task.task_id} <{task.operator}>{rule}"


def as_dot(spec: DagSpec) -> Iterator[str]:
    """A graph for Graphviz."""
    yield f"digraph {json.dumps(spec.dag_id)} {{"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style="rounded,filled", fillcolor="#ffffff"];'
    labels = {(one, other): label for one, other, label in spec.edge_labels}
    for task in spec.tasks:
        yield f"  {json.dumps(task.task_id)} [label={json.dumps(task.display_name or task.task_id)}];"
    for task in spec.tasks:
        for after in task.downstream:
            label = labels.get((task.task_id, after))
            told = f" [label={json.dumps(label)}]" if label else ""
            yield f"  {json.dumps(task.task_id)} -> {json.dumps(after)}{told};"
    yield "}"


def as_mermaid(spec: DagSpec) -> Iterator[str]:
    """A graph for Mermaid."""
    yield "flowchart LR"
    number = {task.task_id: f"t{place}" for place, task in enumerate(spec.tasks)}
    labels = {(one, other): label for one, other, label in spec.edge_labels}
    for task in spec.tasks:
        yield f'  {number[task.task_id]}["{_escaped(task.display_name or task.task_id)}"]'
    for task in spec.tasks:
        for after in task.downstream:
            label = labels.get((task.task_id, after))
            told = f'|"{_escaped(label)}"|' if label else ""
            yield f"  {number[task.task_id]} -->{told} {number[after]}"


def _escaped(text: str) -> str:
    return text.replace("#", "#35;").replace('"', "#quot;")

"""The shape of a DAG: order, circles and priority totals, without recursion, for 100,000 tasks as for ten.

Tasks are numbers ``0 .. n-1`` here; ``downstream[i]`` lists the tasks that depend on task ``i``.
"""

from __future__ import annotations

from collections.abc import Sequence

Edges = Sequence[Sequence[int]]

_BLOCK = 4096


def reversed_edges(downstream: Edges) -> list[list[int]]:
    """The same edges, from the other end."""
    upstream: list[list[int]] = [[] for _ in downstream]
    for task, followers in enumerate(downstream):
        for follower in followers:
            upstream[follower].append(task)
    return upstream


def topological_order(downstream: Edges) -> list[int]:
    """Every task after all that it depends on; tasks in (or behind) a circle are left out."""
    waiting = [0] * len(downstream)
    for followers in downstream:
        for follower in followers:
            waiting[follower] += 1
    order = [task for task, count in enumerate(waiting) if not count]
    for task in order:  # grows while it is walked
        for follower in downstream[task]:
            waiting[follower] -= 1
            if not waiting[follower]:
                order.append(follower)
    return order


def find_circle(downstream: Edges, ordered: Sequence[int]) -> list[int]:
    """One circle, in the direction of its arrows, its first task named again at the end.

    :param ordered: the result of :func:`topological_order`, which left at least one task out.
    """
    upstream = reversed_edges(downstream)
    done = set(ordered)
    task = next(task for task in range(len(downstream)) if task not in done)
    # Whatever was left out waits for another that was left out: walking upstream must come back.
    seen: dict[int, int] = {}
    path: list[int] = []
    while task not in seen:
        seen[task] = len(path)
        path.append(task)
        task = next(before for before in upstream[task] if before not in done)
    circle = path[seen[task] :][::-1]
    first = circle.index(min(circle))
    circle = circle[first:] + circle[:first]
    return [*circle, circle[0]]


def weight_totals(downstream: Edges, order: Sequence[int], weights: Sequence[int]) -> list[int]:
    """For each task its weight and that of every task that is, however far, downstream of it, counted once.

    Sets of tasks are bits of an integer, a block of tasks at a time: memory stays within ``n * 512`` bytes.
    """
    totals = [0] * len(weights)
    backwards = order[::-1]
    for start in range(0, len(order), _BLOCK):
        # Bits are dealt in topological order: whatever comes after the block has nothing of it downstream.
        counted = {task: bit for bit, task in enumerate(order[start : start + _BLOCK])}
        planes = _weight_planes(counted, weights)
        reach = [0] * len(weights)
        for task in backwards[max(0, len(order) - start - _BLOCK) :]:
            bits = 1 << counted[task] if task in counted else 0
            for follower in downstream[task]:
                bits |= reach[follower]
            reach[task] = bits
            if bits:
                totals[task] += sum(factor * (bits & plane).bit_count() for factor, plane in planes)
    return totals


def _weight_planes(counted: dict[int, int], weights: Sequence[int]) -> list[tuple[int, int]]:
    """The weights of some tasks as ``(factor, bits of the tasks)``: one a binary digit, or one for all."""
    values = {weights[task] for task in counted}
    if len(values) == 1:
        return [(values.pop(), (1 << len(counted)) - 1)]
    planes: dict[int, int] = {}
    for task, bit in counted.items():
        sign, size = (-1, -weights[task]) if weights[task] < 0 else (1, weights[task])
        for digit in range(size.bit_length()):
            if size >> digit & 1:
                planes[sign << digit] = planes.get(sign << digit, 0) | 1 << bit
    return list(planes.items())

"""Order, circles and totals agree with their plain definitions on any graph."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tradewind.authoring import graph

Graph = tuple[list[list[int]], list[int]]


@st.composite
def graphs(draw: st.DrawFn, *, circles: bool) -> Graph:
    size = draw(st.integers(1, 12))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    edges = {pair for pair in draw(st.sets(pairs, max_size=30)) if pair[0] != pair[1]}
    if not circles:
        edges = {(min(pair), max(pair)) for pair in edges}
    downstream = [sorted(b for a, b in edges if a == task) for task in range(size)]
    return downstream, draw(st.lists(st.integers(-5, 2**20), min_size=size, max_size=size))


def _behind(downstream: list[list[int]], task: int) -> set[int]:
    found: set[int] = set()
    pending = [task]
    while pending:
        for follower in downstream[pending.pop()]:
            if follower not in found:
                found.add(follower)
                pending.append(follower)
    return found


@given(graphs(circles=False))
def test_totals_count_everything_behind_once(made: Graph) -> None:
    downstream, weights = made
    order = graph.topological_order(downstream)

    totals = graph.weight_totals(downstream, order, weights)

    assert totals == [
        sum(weights[other] for other in _behind(downstream, task) | {task}) for task in range(len(weights))
    ]


@given(graphs(circles=True))
def test_a_circle_is_found_exactly_where_there_is_one(made: Graph) -> None:
    downstream, _ = made
    order = graph.topological_order(downstream)
    has_circle = any(task in _behind(downstream, task) for task in range(len(downstream)))

    assert (len(order) < len(downstream)) is has_circle
    if has_circle:
        circle = graph.find_circle(downstream, order)
        assert circle[0] == circle[-1]
        assert len(set(circle)) == len(circle) - 1
        assert all(after in downstream[before] for before, after in pairwise(circle))


def test_totals_span_more_than_one_block_of_tasks() -> None:
    size = 10_000
    downstream = [list(range(1, size)), *([] for _ in range(size - 1))]
    weights = [task % 7 for task in range(size)]

    totals = graph.weight_totals(downstream, graph.topological_order(downstream), weights)

    assert totals[0] == sum(weights)
    assert totals[1:] == weights[1:]

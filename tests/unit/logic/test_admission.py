"""Who starts: priorities, limits, and turns between DAGs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradewind.logic.admission import Admission, Candidate, Ledger, Limit


def candidate(number: int, dag_id: str = "d", **fields: Any) -> Candidate:
    known: dict[str, Any] = {
        "key": (number, 0),
        "dag_id": dag_id,
        "task_id": "a",
        "run_pk": number,
        "priority": 1,
        "order": float(number),
        "pool": "default_pool",
        "slots": 1,
        "executor": "local",
        "max_of_run": 1_000_000,
        "max_of_task": None,
        "max_of_task_in_run": None,
    }
    return Candidate(**{**known, **fields})


def an_admission(places: int = 1, **pools: int) -> Admission:
    return Admission(Ledger(pools={"default_pool": -1, **pools}, executors={"local": places}))


def drain(admission: Admission) -> list[Candidate]:
    """Start all, each as soon as the one before has ended."""
    order = []
    active = list(admission.admit())
    while active:
        first = active.pop(0)
        order.append(first)
        admission.release(first.key)
        active += admission.admit()
    return order


def test_a_dag_with_ten_thousand_tasks_does_not_hold_up_the_others() -> None:
    """All of them fail at once and come back: a retry storm."""
    admission = an_admission()
    for number in range(10_000):
        admission.add(candidate(number, "storm"))
    for number in range(3):
        admission.add(candidate(20_000 + number, f"healthy{number}"))

    first = [it.dag_id for it in drain(admission)[:8]]

    assert {"healthy0", "healthy1", "healthy2"} < set(first[:5])


def test_a_dag_that_comes_late_is_next_and_does_not_catch_up_on_turns_that_it_never_wanted() -> None:
    admission = an_admission()
    for number in range(100):
        admission.add(candidate(number, "storm"))
    (active,) = admission.admit()
    for _ in range(50):
        admission.release(active.key)
        (active,) = admission.admit()
    for number in range(100, 110):
        admission.add(candidate(number, "late"))

    admission.release(active.key)
    followed = [it.dag_id for it in drain(admission)[:8]]

    assert Counter(followed) == {"late": 4, "storm": 4}


def test_priority_goes_before_turns_and_the_oldest_run_of_a_dag_first() -> None:
    admission = an_admission(places=0)
    for number, priority in ((3, 1), (1, 1), (2, 5)):
        admission.add(candidate(number, "d", priority=priority))
    admission.add(candidate(4, "other", priority=9))
    assert list(admission.admit()) == []

    admission.ledger.executors["local"] = 1
    admission.lift(Limit("executor too small", "local"))

    assert [it.run_pk for it in drain(admission)] == [4, 2, 1, 3]


def test_a_full_pool_holds_up_nobody_outside_of_it() -> None:
    """A pool is full of long tasks with thousands waiting; another pool fills in one go."""
    admission = an_admission(places=1000, full=2, empty=16)
    for number in range(5_000):
        admission.add(candidate(number, pool="full", priority=100))
    for number in range(5_000, 5_100):
        admission.add(candidate(number, pool="empty"))

    started = Counter(it.pool for it in admission.admit())

    assert started == {"full": 2, "empty": 16}


def test_one_that_needs_many_slots_is_not_overtaken_for_ever() -> None:
    admission = an_admission(places=100, db=4)
    for number in range(4):
        admission.add(candidate(number, pool="db"))
    small = [it.key for it in admission.admit()]
    admission.add(candidate(10, pool="db", slots=4))
    for number in range(11, 20):
        admission.add(candidate(number, pool="db"))
    assert list(admission.admit()) == []

    started: list[Candidate] = []
    for key in small:
        admission.release(key)
        started += admission.admit()

    assert [it.run_pk for it in started] == [10]


def test_what_is_given_up_while_it_is_being_called_does_not_take_its_place_with_it() -> None:
    admission = an_admission(places=1)
    for number in range(3):
        admission.add(candidate(number))
    (first,) = admission.admit()
    admission.release(first.key)  # the next one is called
    admission.release((1, 0))  # and was skipped meanwhile

    assert [it.run_pk for it in admission.admit()] == [2]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.integers(1, 3),
            st.sampled_from(["p", "q"]),
            st.integers(1, 2),
        ),
        max_size=40,
    )
)
def test_all_that_can_start_does_and_no_limit_is_exceeded(given_: list[tuple[str, int, str, int]]) -> None:
    admission = an_admission(places=3, p=2, q=3)
    for number, (dag_id, priority, pool, slots) in enumerate(given_):
        run_pk = ord(dag_id)
        fields = {"key": (run_pk, number), "run_pk": run_pk, "pool": pool, "slots": slots}
        admission.add(candidate(number, dag_id, priority=priority, max_of_run=2, **fields))
    active = list(admission.admit())
    ended = 0
    while active:
        used = Counter[str]()
        for it in active:
            used[it.pool] += it.slots
        assert len(active) <= 3
        assert used["p"] <= 2
        assert used["q"] <= 3
        assert max(Counter(it.run_pk for it in active).values()) <= 2
        admission.release(active.pop(0).key)
        ended += 1
        active += admission.admit()
    assert ended == len(given_)
    assert not admission.ledger.used


def test_an_instance_that_was_called_let_go_and_came_back_in_one_turn_waits_once() -> None:
    line = Admission(Ledger(pools={"default_pool": 1}, executors={"local": 10}))
    line.add(candidate(1))
    line.add(candidate(2))
    assert [one.run_pk for one in line.admit()] == [1]

    line.release((1, 0))
    line.release((2, 0))
    line.add(candidate(2))
    line.add(candidate(3))
    assert [one.run_pk for one in line.admit()] == [2]
    line.release((2, 0))
    assert [one.run_pk for one in line.admit()] == [3]


def test_the_next_in_line_is_called_though_the_first_went_away_after_it_was_called() -> None:
    line = Admission(Ledger(pools={"default_pool": 1}, executors={"local": 10}))
    for number in (1, 2, 3):
        line.add(candidate(number))
    assert [one.run_pk for one in line.admit()] == [1]

    line.release((1, 0))  # calls 2
    line.release((2, 0))  # which is cleared in the same turn
    assert [one.run_pk for one in line.admit()] == [3]

"""Who gets a slot, when instances come, go and come back while they wait."""

from __future__ import annotations

from tradewind.logic.admission import Admission, Candidate, Ledger


def candidate(number: int, pool: str = "p", most: int = 16) -> Candidate:
    return Candidate((1, number), "d", f"t{number}", 1, 1, 0.0, pool, 1, "local", most, None, None)


def admission(**pools: int) -> Admission:
    return Admission(Ledger(pools=pools, executors={"local": 10}))


def admitted(line: Admission) -> list[int]:
    return [one.key[1] for one in line.admit()]


def test_an_instance_that_was_called_let_go_and_came_back_in_one_turn_waits_once() -> None:
    line = admission(p=1)
    line.add(candidate(1))
    line.add(candidate(2))
    assert admitted(line) == [1]

    line.release((1, 1))
    line.release((1, 2))
    line.add(candidate(2))
    line.add(candidate(3))
    assert admitted(line) == [2]
    line.release((1, 2))
    assert admitted(line) == [3]


def test_the_next_in_line_is_called_though_the_first_went_away_after_it_was_called() -> None:
    line = admission(p=1)
    for number in (1, 2, 3):
        line.add(candidate(number))
    assert admitted(line) == [1]

    line.release((1, 1))  # calls 2
    line.release((1, 2))  # which is cleared in the same turn
    assert admitted(line) == [3]

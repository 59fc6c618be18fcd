"""Attempts, claims and the log of transitions."""

from __future__ import annotations

from collections.abc import Callable

from tradewind.store.attempts import AttemptRepository
from tradewind.store.batch import Batch
from tradewind.store.engine import Store
from tradewind.store.writer import Writer

from .samples import DAY, attempt_row, transition_row

NewRun = Callable[..., tuple[int, list[int]]]


def test_a_claim_is_given_to_one_session_and_to_that_again(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    pk, (a, b) = new_run()
    writer.write(Batch(new_attempts=[attempt_row("a1", pk, a), attempt_row("a2", pk, b)]))
    ended = {"id": "a2", "ended_at": 1, "outcome": "lost", "reason": "", "started_at": None}
    writer.write(Batch(ended_attempts=[ended | {"host": None, "pid": None}]))
    writer.commit()
    attempts = AttemptRepository(store)
    assert attempts.claim("a1", "s1", DAY)
    assert attempts.claim("a1", "s1", DAY)
    assert not attempts.claim("a1", "s2", DAY)
    assert not attempts.claim("a2", "s1", DAY)
    assert not attempts.claim("unknown", "s1", DAY)
    found = attempts.get("a1")
    assert found is not None
    assert (found.claimed_by, found.claimed_at) == ("s1", DAY)
    assert [one.id for one in attempts.of_task_instance(b)] == ["a2"]


def test_the_log_of_a_shard_is_followed_by_its_numbers(store: Store, writer: Writer, new_run: NewRun) -> None:
    pk, (a, _) = new_run()
    writer.write(Batch(transitions=[transition_row(n, pk, a, "running") for n in (1, 2, 3)]))
    writer.commit()
    attempts = AttemptRepository(store)
    assert [(one.n, one.task_id) for one in attempts.transitions_after(3, 1)] == [(2, "a"), (3, "a")]
    assert len(attempts.transitions_after(3, 0, limit=2)) == 2
    assert attempts.transitions_after(4, 0) == []

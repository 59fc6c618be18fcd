"""Who holds the claim of an attempt: known when it was issued, or written into the store by the worker that took it."""

from __future__ import annotations

from tradewind.scheduler.memory import OpenAttempt
from tradewind.store.attempts import AttemptRepository


class Claims:
    """Answers from memory; looks into the store once for an attempt that an executor may have delivered twice."""

    def __init__(self, attempts: AttemptRepository) -> None:
        self._attempts = attempts

    def holder(self, attempt: OpenAttempt) -> str | None:
        """The session that holds the attempt; ``None`` while nobody does. A claim, once made, stays."""
        if attempt.session is None:
            row = self._attempts.get(attempt.id)
            attempt.session = row.claimed_by if row is not None else None
        return attempt.session

from __future__ import annotations

import pytest

from tradewind.agent.deaths import describe, kills_for_memory


@pytest.mark.parametrize(
    ("status", "out_of_memory", "said"),
    [
        (0, False, "the process ended with exit code 0 before its task did (os._exit?)"),
        (3 << 8, False, "the process ended with exit code 3 before its task did"),
        (11, False, "killed by signal 11 (SIGSEGV); a crash in native code"),
        (9, False, "killed by signal 9 (SIGKILL)"),
        (9, True, "killed by signal 9 (SIGKILL); likely out of memory"),
        (15, True, "killed by signal 15 (SIGTERM)"),
        (40, False, "killed by signal 40 (unknown)"),
    ],
)
def test_a_status_in_words(status: int, out_of_memory: bool, said: str) -> None:
    assert describe(status, out_of_memory) == said


def test_the_kernel_s_count_is_a_number() -> None:
    assert kills_for_memory() >= 0

"""One scheduler at a time, for exactly as long as its process lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tradewind.store.engine import Store
from tradewind.store.lock import FileLock, Holder, scheduler_lock

_HOLD = """
import sys, subprocess
from pathlib import Path
from tradewind.store.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
child = None
if lock.try_acquire("scheduler", "2024-01-01"):
    # a program that is started must not keep the lock when we are gone
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    print(child.pid, flush=True)
sys.stdin.read()
"""


def hold(path: Path) -> tuple[subprocess.Popen[str], int]:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


def test_the_second_one_does_not_get_it_and_learns_who_has_it(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.holder() is None
    assert first.try_acquire("scheduler", "now")
    assert first.try_acquire("scheduler")  # it has it already
    assert not second.try_acquire("command")
    assert second.holder() == first.holder() == Holder(os.getpid(), "scheduler", "now")
    first.release()
    assert second.holder() is None
    assert second.try_acquire("command")
    assert first.holder() == Holder(os.getpid(), "command", "")
    second.release()


def test_asking_who_has_it_takes_it_from_nobody(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert lock.try_acquire("scheduler")
    for _ in range(10):
        other.holder()
    assert not other.try_acquire("command")
    lock.release()


def test_a_killed_holder_lets_go_at_once_though_its_child_lives(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder, child = hold(path)
    try:
        mine = FileLock(path)
        assert not mine.try_acquire("scheduler")
        assert mine.holder() == Holder(holder.pid, "scheduler", "2024-01-01")
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait(timeout=30)
        assert mine.holder() is None
        assert mine.try_acquire("scheduler")
        mine.release()
    finally:
        holder.kill()
        holder.communicate()
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_a_file_full_of_nonsense_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("{nonsense")
    lock = FileLock(path)
    assert lock.try_acquire("scheduler")
    assert lock.holder() == Holder(os.getpid(), "scheduler", "")
    lock.release()


def test_the_lock_of_a_database_stands_beside_its_file(store: Store) -> None:
    lock = scheduler_lock(store)
    assert lock.try_acquire("scheduler")
    assert store.path is not None
    assert (store.path.parent / "tradewind.db.scheduler").exists()
    lock.release()

"""What a writer committed is there after kill -9, and what it had not committed is not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradewind.store.engine import open_store
from tradewind.store.lock import scheduler_lock
from tradewind.store.runs import RunRepository

pytestmark = pytest.mark.integration

_WRITE = """
import sys
from pathlib import Path
from tradewind.store.engine import open_store
from tradewind.store.lock import scheduler_lock
from tradewind.store.writer import Writer

store = open_store(Path(sys.argv[1]))
assert scheduler_lock(store).try_acquire("scheduler")
writer = Writer(store)
row = {"dag_id": "d", "shard": 1, "version_id": "v", "run_type": "manual", "state": "queued"}
number = int(sys.argv[2])
while True:
    number += 1
    writer.insert_run(row | {"run_id": str(number), "run_after": 1, "queued_at": 1}, [{"task_id": "a"}])
    writer.commit()
    print(number, flush=True)
"""


def test_each_acknowledged_turn_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    path, moments, told = tmp_path / "k.db", random.Random(7), 0
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITE, str(path), str(told)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()  # it is at work
        time.sleep(moments.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines(keepends=True)]
        process.wait(timeout=30)
        process.stdout.close()
        told = int([line for line in lines if line.endswith("\n")][-1])

        store = open_store(path)
        assert scheduler_lock(store).holder() is None
        loaded = RunRepository(store).open_runs()
        ids = {int(one.run.info.run_id) for one in loaded}
        assert set(range(1, told + 1)) <= ids
        assert len(ids - set(range(1, told + 1))) <= 1  # committed, but killed before it could say so
        assert all(len(one.task_instances) == 1 for one in loaded)
        with store.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        store.close()
        told = max(ids)

"""What is old is forgotten in small steps, what is in use stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from tradewind.model.commands import SetPaused
from tradewind.ports.executor import Session
from tradewind.store import tables as t
from tradewind.store.backfills import BackfillRepository
from tradewind.store.batch import Batch
from tradewind.store.cleaning import CHUNK, Cleaner
from tradewind.store.commands import CommandRepository
from tradewind.store.dags import DagRepository
from tradewind.store.engine import Store
from tradewind.store.health import HealthRepository
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.rows import FoundDag
from tradewind.store.runs import RunRepository
from tradewind.store.tables import to_micros
from tradewind.store.writer import Writer

from .samples import DAY, attempt_row, transition_row, xcom_row

NewRun = Callable[..., tuple[int, list[int]]]


def ids(runs: Any) -> list[str]:
    return [run.info.run_id for run in runs]


def test_old_runs_are_deleted_whole_and_in_small_steps_and_others_stay(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    tasks = tuple(f"t{number}" for number in range(CHUNK + 10))
    old, task_pks = new_run("old", tasks, state="success", end_date=to_micros(DAY))
    young, _ = new_run("young", state="success", end_date=to_micros(DAY + timedelta(days=2)))
    going, _ = new_run("going")
    writer.write(
        Batch(
            new_attempts=[attempt_row("a1", old, task_pks[0]), attempt_row("a2", going, 1)],
            xcoms=[xcom_row(old, "t0", b"1"), xcom_row(going, "a", b"1")],
            transitions=[transition_row(n, old, None, "x") for n in range(3)]
            + [transition_row(9, young, None, "x")],
            problems=[{"run_pk": old, "what": "w", "traceback": "", "at": 1}],
        )
    )
    writer.commit()
    cleaner = Cleaner(store)
    until = DAY + timedelta(days=1)
    assert cleaner.old_runs(until) == [old]
    assert {one.table: one.rows for one in cleaner.count(until)}["dag_run"] == 1
    steps = list(cleaner.delete_run(old))
    assert max(step.rows for step in steps) <= CHUNK
    assert steps[-1].table == "dag_run"
    assert ids(RunRepository(store).find(newest_first=False)) == ["young", "going"]
    with store.read() as connection:
        left = {
            table.name: len(connection.execute(table.select()).all())
            for table in (t.task_instance, t.attempt, t.xcom, t.transition, t.problem)
        }
    assert left == {"task_instance": 4, "attempt": 1, "xcom": 1, "transition": 1, "problem": 0}


def test_other_rows_are_deleted_once_they_are_over(store: Store) -> None:
    commands, health = CommandRepository(store), HealthRepository(store)
    for id in ("open", "applied"):
        commands.submit(SetPaused(dag_id="d", paused=True), id=id, actor="me", at=DAY)
    with store.write() as connection:
        connection.execute(
            t.command.update().where(t.command.c.id == "applied").values(applied_at=DAY, open=None)
        )
    health.beat_worker(Session("w1", "local", "h", 5, 2), DAY)
    health.beat_worker(Session("w2", "triggerer", "h", 5, 2), DAY)
    health.end_worker("w1", DAY)
    done = list(Cleaner(store).delete_others(DAY + timedelta(seconds=1)))
    assert [(one.table, one.rows) for one in done] == [("command", 1), ("worker", 1)]
    assert [row.id for row in commands.history()] == ["open"]
    assert [row.id for row in health.workers(ended=True)] == ["w2"]


def test_of_each_dag_the_newest_runs_are_kept(store: Store, new_run: NewRun) -> None:
    for day in range(4):
        new_run(f"r{day}", day=day, state="success")
    new_run("open", day=0, state="running")
    new_run("other", day=0, state="success", dag_id="e")
    beyond = Cleaner(store).runs_beyond(2)
    assert [RunRepository(store).by_pk(pk).info.run_id for pk in beyond] == ["r0", "r1"]


def found(dag_id: str, spec: str) -> FoundDag:
    files = ((f"{dag_id}.py", spec.encode()), ("shared.py", b"shared"))
    return FoundDag(dag_id=dag_id, spec_text=spec, spec_hash=spec, source_hash=spec, files=files)


def test_versions_and_files_that_nobody_uses_are_deleted(store: Store, new_run: NewRun) -> None:
    imports, numbers = ImportRepository(store), count(1)
    for spec in ("one", "two", "three"):
        one = FileImport(folder="/dags", file="d.py", dags=(found("d", spec),))
        imports.record(one, now=DAY, new_id=lambda: f"v{next(numbers)}")
    new_run("r1")  # of version v1
    cleaner = Cleaner(store)
    assert list(cleaner.delete_unused_versions(DAY)) == []  # too young
    done = list(cleaner.delete_unused_versions(DAY + timedelta(seconds=1)))
    assert [(one.table, one.rows) for one in done] == [("dag_version", 1), ("source_file", 1)]
    dags = DagRepository(store)
    assert [version.id for version in dags.versions("d")] == ["v1", "v3"]
    assert dict(dags.bundle("v3").files) == {"d.py": b"three", "shared.py": b"shared"}


def test_a_backfill_is_forgotten_with_its_slots_once_it_is_over(store: Store, writer: Writer) -> None:
    row = {"dag_id": "d", "shard": 3, "actor": "me", "from_date": 1, "to_date": 2, "max_active_runs": 1}
    row |= {"reprocess_behavior": "none", "run_backwards": False, "dag_run_conf": "{}", "created_at": 1}
    row |= {"is_paused": False, "planned": 1, "made": 1, "open": True}
    times = {"logical_date": 1, "data_interval_start": 1, "data_interval_end": 2, "run_after": 2}
    over, going = writer.insert_backfill(row), writer.insert_backfill(row)
    for number in (over, going):
        writer.write(Batch(new_backfill_slots=[{"backfill_id": number, "number": 1, **times}]))
    done = {"is_paused": False, "planned": 1, "planned_at": 1, "made": 1, "cancelled_at": None}
    done |= {"completed_at": to_micros(DAY), "open": None}
    writer.write(Batch(backfills=[{"id": over, **done}]))
    writer.commit()

    steps = list(Cleaner(store).delete_others(DAY + timedelta(seconds=1)))

    assert [(one.table, one.rows) for one in steps] == [("backfill_slot", 1), ("backfill", 1)]
    assert [one.id for one in BackfillRepository(store).find()] == [going]

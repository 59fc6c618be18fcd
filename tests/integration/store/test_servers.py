"""The store on PostgreSQL and MySQL: the same rows, the same errors, each test in a database of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from servers import SERVERS, fresh_database
from sqlalchemy import inspect, text
from tests.unit.scheduler.world import World

from tradewind.errors import Conflict, StoreError
from tradewind.model.backfill import ReprocessBehavior, SlotResult
from tradewind.model.callbacks import CallbackRequest
from tradewind.model.commands import CreateBackfill, MarkRun, SetPaused, TriggerRun
from tradewind.model.spec import DagSpec, TaskSpec, TimetableSpec
from tradewind.model.states import RunState, TaskState
from tradewind.model.waits import Wait, WaitResult
from tradewind.ports.runtime import XComQuery
from tradewind.store import schema
from tradewind.store.assets import AssetRepository
from tradewind.store.attempts import AttemptRepository
from tradewind.store.backfills import BackfillRepository
from tradewind.store.backup import back_up, restore
from tradewind.store.batch import Batch
from tradewind.store.callbacks import CallbackRepository
from tradewind.store.callbacks import row_of as callback_row_of
from tradewind.store.cleaning import Cleaner
from tradewind.store.commands import CommandRepository
from tradewind.store.dags import DagRepository
from tradewind.store.deadlines import DeadlineRepository
from tradewind.store.engine import Store, open_store
from tradewind.store.facts import FactRepository
from tradewind.store.human_input import InputRepository
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.lock import scheduler_lock
from tradewind.store.migrating import downgrade, migrate, upgrade_from_nothing
from tradewind.store.pools import PoolRepository
from tradewind.store.rows import FoundDag, ImportProblem
from tradewind.store.runs import RunRepository
from tradewind.store.tables import metadata, to_micros
from tradewind.store.waits import WaitRepository
from tradewind.store.writer import Writer
from tradewind.store.xcoms import XComRepository

pytestmark = pytest.mark.integration

DAY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with fresh_database(request.param) as made:
        yield made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    made = Writer(store)
    yield made
    made.close()


def run_row(run_id: str, **columns: Any) -> dict[str, Any]:
    row = {"dag_id": "d", "run_id": run_id, "shard": 3, "version_id": "v1", "run_type": "manual"}
    row |= {"state": "running", "run_after": to_micros(DAY), "queued_at": to_micros(DAY)}
    return row | columns


def attempt_row(id: str, run_pk: int, ti_pk: int) -> dict[str, Any]:
    row = {"id": id, "kind": "task", "ti_pk": ti_pk, "run_pk": run_pk, "shard": 3, "try_number": 1}
    row |= {"physical_no": 1, "executor": "local", "issued_at": to_micros(DAY), "issued_epoch": 1}
    return row | {"claimed_by": None, "claimed_at": None, "log_path": "x.log"}


def xcom_row(run_pk: int, task_id: str, value: bytes) -> dict[str, Any]:
    row = {"run_pk": run_pk, "task_id": task_id, "map_index": -1, "key": "return_value", "value": value}
    return row | {"backend": None, "size": 1, "length": None, "attempt_id": "a1", "at": to_micros(DAY)}


def test_a_turn_of_the_scheduler(store: Store, writer: Writer) -> None:
    pk, tasks = writer.insert_run(
        run_row("r1", even_if_paused=True, conf='{"k": "é☃😀"}'), [{"task_id": f"t{n}"} for n in range(50)]
    )
    more = writer.insert_task_instances(pk, [{"task_id": "m", "map_index": n} for n in range(3)])
    writer.commit()
    writer.write(Batch(new_attempts=[attempt_row("a1", pk, tasks[0]), attempt_row("a2", pk, tasks[1])]))
    writer.commit()
    end = to_micros(DAY) + 1
    task = {"try_number": 1, "max_tries": 0, "attempt_id": None, "due_at": None, "start_date": None}
    task |= {"end_date": end, "branch": None, "reason": "100 % done"}
    transition = {
        "shard": 3,
        "run_pk": pk,
        "ti_pk": tasks[0],
        "attempt_id": "a1",
        "old": None,
        "new": "success",
    }
    transition |= {"cause": "fact", "cause_id": None, "reason": "r", "at": end}
    batch = Batch(
        runs=[
            {"pk": pk, "state": RunState.RUNNING, "start_date": end, "end_date": None}
            | {"version_id": "v1", "reason": "", "stopped_by": None}
        ],
        task_instances=[{"pk": tasks[0], "state": TaskState.SUCCESS} | task],
        started_attempts=[{"id": "a1", "started_at": end, "host": "h", "pid": 4}],
        ended_attempts=[
            {"id": "a1", "ended_at": end, "outcome": "succeeded", "reason": "", "started_at": None}
            | {"host": None, "pid": None}
        ],
        xcoms=[xcom_row(pk, "t0", b"\x00old"), xcom_row(pk, "t1", b"one")],
        transitions=[transition | {"n": 1}, transition | {"n": 2}],
        problems=[{"run_pk": pk, "what": "w", "traceback": "t", "at": end}],
    )
    writer.write(batch)
    writer.write(Batch(xcoms=[xcom_row(pk, "t0", b"\xffnew")]))
    writer.commit()

    (loaded,) = RunRepository(store).open_runs({3})
    assert loaded.run.info.conf == {"k": "é☃😀"}
    assert loaded.run.even_if_paused
    assert [ti.pk for ti in loaded.task_instances] == tasks + more
    assert loaded.task_instances[0].state is TaskState.SUCCESS
    assert loaded.task_instances[0].reason == "100 % done"
    attempts = AttemptRepository(store)
    assert [one.id for one in attempts.open_attempts()] == ["a2"]
    ended = attempts.get("a1")
    assert ended is not None
    assert (ended.host, ended.pid, ended.started_at) == ("h", 4, DAY + timedelta(microseconds=1))
    query = XComQuery(dag_id="d", run_id="r1", key="return_value", include_prior_dates=True)
    assert [one.value for one in XComRepository(store).find(query)] == [b"\xffnew", b"one"]
    assert attempts.newest_transitions() == {3: 2}
    assert [one.task_id for one in attempts.story(pk)] == ["t0", "t0"]
    assert attempts.claim("a2", "s", DAY)
    assert attempts.claim("a2", "s", DAY)
    assert not attempts.claim("a2", "other", DAY)


def test_conflicts_roll_back_and_the_writer_goes_on(store: Store, writer: Writer) -> None:
    writer.insert_run(run_row("r1", scheduled_date=1), [])
    writer.insert_run(run_row("Run"), [])
    writer.insert_run(run_row("run"), [])  # another id
    writer.commit()
    for row in (run_row("r1"), run_row("r2", scheduled_date=1)):
        with pytest.raises(Conflict, match="refused a row"):
            writer.insert_run(row, [])
        writer.rollback()
    writer.insert_run(run_row("r2", scheduled_date=2), [{"task_id": "a"}])
    writer.commit()
    assert RunRepository(store).count() == 4
    assert writer.data_version() is None
    assert not writer.checkpoint_if_idle()


def test_a_conflict_leaves_the_rest_of_its_transaction(store: Store, writer: Writer) -> None:
    writer.insert_run(run_row("r1", scheduled_date=1), [])
    for row in (run_row("r1"), run_row("r2", scheduled_date=1)):
        with pytest.raises(Conflict, match="refused a row"):
            writer.insert_run(row, [])
    writer.insert_run(run_row("r3"), [{"task_id": "a"}])
    writer.commit()
    assert RunRepository(store).count() == 2


def test_a_backup_goes_from_one_database_to_another(store: Store, writer: Writer, tmp_path: Path) -> None:
    for run_id in ("r1", "r2"):
        writer.insert_run(run_row(run_id), [{"task_id": "a"}])
    writer.commit()
    number = back_up(store, tmp_path / "b.db")
    with closing(open_store(tmp_path / "other.db")) as other:
        assert restore(other, tmp_path / "b.db") == number
        assert [row.info.run_id for row in RunRepository(other).find(newest_first=False)] == ["r1", "r2"]
    writer.insert_run(run_row("r3"), [])
    writer.commit()
    writer.close()
    restore(store, tmp_path / "b.db")
    writer.insert_run(run_row("r4"), [{"task_id": "a"}])  # with a number that nobody has
    writer.commit()
    assert RunRepository(store).count() == 3


def test_commands_facts_and_dags_are_written(store: Store, writer: Writer) -> None:
    commands, facts = CommandRepository(store), FactRepository(store)
    for _ in range(2):
        commands.submit(SetPaused(dag_id="d", paused=False), id="c1", actor="me", at=DAY)
        facts.put(shard=3, attempt_id="a1", session="s", n=1, kind="started", body=b"\x00x")
    (fact,) = facts.waiting({3})
    assert fact.body == b"\x00x"
    imports, dags = (
        ImportRepository(store),
        DagRepository(store, decode_spec=lambda text: DagSpec(dag_id=text)),
    )
    found = FoundDag(
        dag_id="d",
        spec_text="d",
        spec_hash="1",
        source_hash="2",
        files=(("d.py", b"\x00\xff" * 100_000),),
        warnings=(("w", "m"),),
    )
    one = FileImport(
        folder="/dags", file="d.py", dags=(found,), problems=(ImportProblem(file="d.py", message="m"),)
    )
    for _ in range(2):
        imports.record(one, now=DAY, new_id=lambda: "v1")
    assert dags.bundle("v1").files == found.files
    assert (len(imports.errors()), len(imports.warnings("d"))) == (1, 1)
    dag = {"dag_id": "d", "paused": False, "cursor_start": 1, "cursor_end": 2, "next_logical": None}
    writer.write(
        Batch(
            commands=[{"id": "c1", "applied_at": 5, "result": None, "refused_reason": "no"}],
            consumed_facts=[{"seq": fact.seq}],
            dags=[dag | {"paused_reason": None, "next_run_after": to_micros(DAY)}],
        )
    )
    writer.commit()
    assert commands.open_commands() == []
    assert facts.waiting() == []
    assert (dags.get("d").paused, dags.get("d").next_run_after) == (False, DAY)


def test_updates_of_assets_and_messages_are_written(store: Store, writer: Writer) -> None:
    pk, _ = writer.insert_run(run_row("r1"), [])
    event = {
        "id": "e1",
        "name": "a",
        "uri": "s3://A",
        "at": to_micros(DAY),
        "extra": '{"n": 1}',
        "dag_id": "d",
    }
    event |= {"run_id": "r1", "task_id": "t", "map_index": -1, "actor": "", "aliases": '["x\\"y", "z"]'}
    update = {"name": "a", "uri": "s3://A", "at": to_micros(DAY), "aliases": '["z"]'}
    watch = {"dag_id": "d", "run_id": "r2", "asker": "{}", "request": "{}"}
    message = {"shard": 3, "attempt_id": "e1", "session": "asset_updated", "n": 0, "kind": "asset_updated"}
    writer.write(
        Batch(
            new_facts=[{**message, "body": b"{}"}],
            asset_events=[event, {**event, "id": "e2", "name": "A", "aliases": "[]"}],
            asset_aliases=[{"alias": "z", "event_id": "e1", "name": "a", "uri": "s3://A"}],
            asset_pending=[{**update, "dag_id": "c", "event_id": it} for it in ("e1", "e2")],
            asset_used=[{"dag_id": "c", "event_id": "e1"}],
            asset_links=[{"run_pk": pk, "event_id": "e1"}],
            run_watches=[{**watch, "attempt_id": it} for it in ("a1", "a2")],
            ended_run_watches=[{"attempt_id": "a1"}],
        )
    )
    writer.commit()
    assets = AssetRepository(store)
    assert [it.event.id for it in assets.events(name="a")] == ["e1"]
    assert [it.event.id for it in assets.events(alias='x"y')] == ["e1"]
    (found,) = assets.events_of_run(pk)
    assert (found.event.extra, found.event.at, found.source_run and found.source_run["run_id"]) == (
        {"n": 1},
        DAY,
        "r1",
    )
    assert assets.runs_of_event("e1") == [("d", "r1")]
    assert assets.aliases() == {("a", "s3://A"): {"z"}}
    assert [it.event_id for it in assets.pending("c")["c"]] == ["e2"]
    assert [it.attempt_id for it in assets.run_watches()] == ["a2"]
    assert sorted(assets.updated()) == [("A", "s3://A"), ("a", "s3://A")]
    assert assets.versions_with_assets() == []
    assert [it.kind for it in FactRepository(store).waiting()] == ["asset_updated"]
    writer.delete_dag("c")
    writer.commit()
    assert assets.pending() == {}


def test_waits_are_kept_and_replaced_and_go_with_their_run(store: Store, writer: Writer) -> None:
    pk, tasks = writer.insert_run(run_row("r1"), [{"task_id": "a"}, {"task_id": "b"}])
    wait = Wait(attempt_id="a1", kind="trigger", due_at=DAY, payload={"class": "é.T", "kwargs": "{}"})
    over = replace(wait, result=WaitResult(event='"☃"'))

    def row(of: Wait, ti_pk: int) -> dict[str, Any]:
        body = msgspec.json.encode(of).decode()
        key = {"attempt_id": of.attempt_id, "run_pk": pk, "ti_pk": ti_pk}
        return {**key, "kind": of.kind, "due_at": to_micros(DAY), "body": body}

    other = replace(wait, attempt_id="b1")
    writer.write(Batch(waits=[row(wait, tasks[0]), row(other, tasks[1])]))
    writer.write(Batch(waits=[row(over, tasks[0])], deleted_waits=[{"attempt_id": "b1"}]))
    writer.commit()
    waits = WaitRepository(store)
    assert waits.all() == waits.of_runs([pk]) == {tasks[0]: over}
    assert waits.of_runs([pk + 1]) == {}

    writer.delete_dag("d")
    writer.commit()
    assert waits.all() == {}


def test_a_pool_remembers_whether_deferred_tasks_count(store: Store) -> None:
    pools = PoolRepository(store)
    pools.set("db", 2, include_deferred=True)
    pools.set("db", 3)
    assert (pools.get("db").include_deferred, pools.get("default_pool").include_deferred) == (True, False)
    downgrade(store, "0001")
    migrate(store)
    assert (pools.get("db").slots, pools.get("db").include_deferred) == (3, False)


def test_a_run_is_deleted_whole(store: Store, writer: Writer) -> None:
    pk, tasks = writer.insert_run(
        run_row("r1", state="success", end_date=1), [{"task_id": f"t{n}"} for n in range(600)]
    )
    writer.write(Batch(new_attempts=[attempt_row("a1", pk, tasks[0])], xcoms=[xcom_row(pk, "t0", b"1")]))
    writer.commit()
    cleaner = Cleaner(store)
    assert cleaner.old_runs(DAY) == [pk]
    assert sum(step.rows for step in cleaner.delete_run(pk)) == 603
    assert list(cleaner.delete_unused_versions(DAY)) == []


def test_a_created_and_a_migrated_database_have_the_same_columns(store: Store) -> None:
    def shape() -> dict[str, Any]:
        found = inspect(store.engine)
        return {
            table: (
                sorted(  # a column that a revision adds stands last
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in found.get_columns(table)
                ),
                sorted(str(sorted(index["column_names"], key=str)) for index in found.get_indexes(table)),
            )
            for table in metadata.tables
        }

    created = shape()
    downgrade(store, "base")
    assert schema.current_revision(store) is None
    upgrade_from_nothing(store)
    assert shape() == created
    assert migrate(store) == schema.HEAD


def test_tables_made_by_several_at_once_are_made_once(url: str) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            store = open_store(url)
            PoolRepository(store).get("default_pool")
            store.close()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_one_scheduler_at_a_time(store: Store, url: str) -> None:
    other_store = open_store(url)
    first, second = scheduler_lock(store), scheduler_lock(other_store)
    assert first.holder() is None
    assert first.try_acquire("scheduler")
    assert not second.try_acquire("scheduler")
    assert second.holder() is not None
    first.release()
    assert second.try_acquire("scheduler")
    second.release()
    other_store.close()


def test_a_connection_that_broke_is_told_as_transient_and_made_anew(store: Store, writer: Writer) -> None:
    writer.insert_run(run_row("lost"), [])
    with store.write() as connection:
        if store.dialect == "postgresql":
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        else:
            others = connection.execute(
                text(
                    "SELECT id FROM information_schema.processlist "
                    "WHERE db = DATABASE() AND id <> CONNECTION_ID()"
                )
            ).scalars()
            for number in list(others):
                connection.execute(text(f"KILL {number}"))
    with pytest.raises(StoreError) as caught:
        writer.insert_run(run_row("lost too"), [])
    assert caught.value.transient
    writer.rollback()
    writer.insert_run(run_row("kept"), [])
    writer.commit()
    assert [run.info.run_id for run in RunRepository(store).find()] == ["kept"]


def test_callbacks_deadlines_and_questions_of_a_run(store: Store, writer: Writer) -> None:
    pk, (ti_pk,) = writer.insert_run(run_row("r1"), [{"task_id": "t"}])
    request = CallbackRequest(names=("on_failure_callback",), task_id="t", reason="é☃😀")
    now = to_micros(DAY)
    asked = {
        "attempt_id": "a2",
        "run_pk": pk,
        "ti_pk": ti_pk,
        "task_id": "t",
        "map_index": -1,
        "subject": "?",
    }
    asked |= {"request": '{"subject": "?", "options": ["x"]}', "method": "m", "asked_at": now, "due_at": None}
    batch = Batch(
        new_attempts=[{**attempt_row("a1", pk, ti_pk), "kind": "callback"}],
        callbacks=[callback_row_of("a1", pk, request)],
        new_deadlines=[{"run_pk": pk, "number": n, "name": None, "due_at": now} for n in range(2)],
        new_inputs=[asked],
    )
    writer.write(batch)
    writer.commit()
    assert [row.request for row in CallbackRepository(store).open()] == [request]
    assert len(DeadlineRepository(store).open()) == 2
    later = Batch(
        claimed_attempts=[{"id": "a1", "claimed_by": "s", "claimed_at": now}],
        closed_deadlines=[{"run_pk": pk, "number": 1, "missed": True, "closed_at": now}],
        answered_inputs=[
            {"attempt_id": "a2", "answer": '{"by": "ann"}', "answered_by": "ann", "answered_at": now}
        ],
    )
    writer.write(later)
    writer.commit()
    (row,) = CallbackRepository(store).find("d", "r1", "t", limit=5)
    assert row.attempt.claimed_by == "s"
    assert [row.missed for row in DeadlineRepository(store).find("d", "r1")] == [None, True]
    (question,) = InputRepository(store).find("d", open_only=True)
    assert question.answer is not None
    assert (question.answer.by, question.request.options) == ("ann", ("x",))
    writer.write(Batch(closed_inputs=[{"attempt_id": "a2"}]))
    writer.commit()
    assert InputRepository(store).find("d", open_only=True) == []
    assert RunRepository(store).average_runtime("d", 5, 1) is None
    for _ in Cleaner(store).delete_run(pk):
        pass
    assert (
        CallbackRepository(store).find(),
        DeadlineRepository(store).find(),
        InputRepository(store).find(),
    ) == ([], [], [])


def test_a_mapped_task_becomes_its_instances_and_what_they_left_is_read_page_by_page(
    store: Store, writer: Writer
) -> None:
    pk, (whole,) = writer.insert_run(run_row("r1"), [{"task_id": "m"}])
    more = writer.insert_task_instances(pk, [{"task_id": "m", "map_index": index} for index in range(1, 5)])
    left = [xcom_row(pk, "m", b"%d" % n) | {"map_index": n, "length": n} for n in (0, 2, 3, 4)]
    names = [{"pk": more[-1], "name": "the last, é"}]
    writer.write(Batch(expanded=[{"pk": whole}], instance_names=names, xcoms=left))
    writer.commit()
    found = RunRepository(store).task_instances(pk, "m")
    assert [(it.map_index, it.name) for it in found] == [
        (0, None),
        (1, None),
        (2, None),
        (3, None),
        (4, "the last, é"),
    ]
    assert [it.pk for it in RunRepository(store).task_instances(pk, "m", 3)] == [more[2]]
    xcoms = XComRepository(store)
    query = XComQuery(dag_id="d", run_id="r1", key="return_value", task_ids=("m",), skip=1, limit=2)
    assert xcoms.count(query) == 4
    assert [it.value for it in xcoms.find(query)] == [b"2", b"3"]
    assert sorted(xcoms.lengths(pk, ["m"], "return_value")) == [
        ("m", 0, 0),
        ("m", 2, 2),
        ("m", 3, 3),
        ("m", 4, 4),
    ]


def test_a_backfill_and_a_rule_that_looks_back(url: str, tmp_path: Path) -> None:
    world = World(tmp_path, url=url)
    try:
        daily = TimetableSpec(type="cron_data_interval", args={"cron": "@daily", "timezone": "UTC"})
        world.clock.moment = DAY + timedelta(days=400)
        world.add_dag(TaskSpec(task_id="a", wait_for_downstream=True), paused=True, timetable=daily)
        world.start()
        world.send(TriggerRun(dag_id="d", run_id="there", logical_date=DAY + timedelta(days=1)))
        world.send(MarkRun(dag_id="d", run_id="there", state=RunState.FAILED))
        made = world.send(
            CreateBackfill(
                dag_id="d",
                from_date=DAY,
                to_date=DAY + timedelta(days=119),
                reprocess_behavior=ReprocessBehavior.FAILED,
            )
        )
        assert made.result == {"id": 1}, made.refused_reason
        for ended in range(120):
            while not world.open_orders():
                world.scheduler.turn(0.0)
            (order,) = world.open_orders()  # each waits for the one before
            assert order.run.logical_date == DAY + timedelta(days=ended)
            world.executor.orders["a"] = order
            world.executor.end("a")
            world.settle()
        backfills = BackfillRepository(world.store)
        assert backfills.get(1).completed_at is not None
        assert backfills.progress(1).slots == {SlotResult.CREATED: 119, SlotResult.CLEARED: 1}
        assert world.run("there").info.run_type == "backfill"
    finally:
        world.scheduler.close()
        world.store.close()

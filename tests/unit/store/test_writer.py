"""What the scheduler writes is there, whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from tradewind.errors import Conflict, StoreError
from tradewind.model.states import RunState, TaskState
from tradewind.ports.runtime import XComQuery
from tradewind.store import tables as t
from tradewind.store.attempts import AttemptRepository
from tradewind.store.batch import Batch
from tradewind.store.commands import CommandRepository
from tradewind.store.engine import Store, open_store
from tradewind.store.facts import FactRepository
from tradewind.store.runs import RunRepository
from tradewind.store.statements import Statements
from tradewind.store.tables import to_micros
from tradewind.store.writer import Writer
from tradewind.store.xcoms import XComRepository

from .samples import DAY, attempt_row, transition_row, xcom_row

NewRun = Callable[..., tuple[int, list[int]]]


def ti_row(pk: int, state: TaskState | None, **columns: Any) -> dict[str, Any]:
    row = {
        "pk": pk,
        "state": state,
        "try_number": 1,
        "max_tries": 2,
        "attempt_id": "a1",
        "due_at": None,
        "start_date": to_micros(DAY),
        "end_date": None,
        "branch": None,
        "reason": "it has begun",
    }
    return {**row, **columns}


def test_a_new_run_is_read_back_with_its_task_instances_in_order(store: Store, new_run: NewRun) -> None:
    pk, task_pks = new_run("r1", tuple(f"t{9 - i}" for i in range(10)), day=0, even_if_paused=True)
    (loaded,) = RunRepository(store).open_runs()
    assert loaded.run.pk == pk
    assert loaded.run.info.logical_date == DAY
    assert loaded.run.even_if_paused
    assert [(ti.pk, ti.task_id) for ti in loaded.task_instances] == [
        (task_pks[i], f"t{9 - i}") for i in range(10)
    ]


def test_task_instances_added_later_get_the_pks_in_their_order(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    pk, _ = new_run("r1", ("a",))
    new_run("r2", ("a", "b"))
    more = writer.insert_task_instances(pk, [{"task_id": "m", "map_index": index} for index in (2, 0, 1)])
    writer.commit()
    found = {ti.pk: ti.map_index for ti in RunRepository(store).task_instances(pk, "m")}
    assert [found[pk] for pk in more] == [2, 0, 1]


def test_a_second_run_of_the_same_id_is_a_conflict_and_leaves_nothing(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    new_run("r1")
    with pytest.raises(Conflict, match="refused a row"):
        new_run("r1")
    writer.rollback()
    assert len(RunRepository(store).find()) == 1


def test_a_scheduled_date_has_one_run_and_runs_without_one_are_many(writer: Writer, new_run: NewRun) -> None:
    new_run("r1", scheduled_date=5)
    new_run("r2")
    new_run("r3")
    with pytest.raises(Conflict):
        new_run("r4", scheduled_date=5)
    writer.rollback()


def test_a_conflict_leaves_the_rest_of_its_transaction(store: Store, writer: Writer, new_run: NewRun) -> None:
    new_run("r1")
    with pytest.raises(Conflict):
        new_run("r1")
    new_run("r2")
    writer.commit()
    assert {row.info.run_id for row in RunRepository(store).find()} == {"r1", "r2"}


def test_a_whole_turn_is_written(store: Store, writer: Writer, new_run: NewRun) -> None:
    pk, (a, b) = new_run()
    writer.write(Batch(new_attempts=[attempt_row("a1", pk, a, claimed_by="s", claimed_at=to_micros(DAY))]))
    writer.commit()
    end = to_micros(DAY) + 7
    writer.write(
        Batch(
            runs=[
                {"pk": pk, "state": RunState.FAILED, "start_date": 1, "end_date": end}
                | {"version_id": "v2", "reason": "b failed", "stopped_by": "fail_fast: b failed"}
            ],
            task_instances=[
                ti_row(a, TaskState.SUCCESS, end_date=end, reason="ok", branch='{"follow": []}'),
                ti_row(b, None, attempt_id=None),
            ],
            new_attempts=[attempt_row("a2", pk, b)],
            started_attempts=[{"id": "a2", "started_at": end, "host": "here", "pid": 12}],
            ended_attempts=[
                {"id": "a1", "ended_at": end, "outcome": "succeeded", "reason": "", "started_at": None}
                | {"host": None, "pid": None}
            ],
            xcoms=[xcom_row(pk, "a", b"1"), xcom_row(pk, "a", b"2", key="other", length=3)],
            transitions=[
                transition_row(1, pk, a, "success", old="running", attempt_id="a1"),
                transition_row(2, pk, None, "failed"),
            ],
            problems=[{"run_pk": pk, "what": "a fact", "traceback": "...", "at": end}],
        )
    )
    writer.commit()

    runs, attempts = RunRepository(store), AttemptRepository(store)
    run = runs.get("d", "r1")
    assert (run.state, run.reason, run.info.version_id) == (RunState.FAILED, "b failed", "v2")
    first, second = runs.task_instances(pk)
    assert (first.state, first.branch, first.reason) == (TaskState.SUCCESS, '{"follow": []}', "ok")
    assert (second.state, second.attempt_id) == (None, None)
    assert [(one.id, one.host, one.pid) for one in attempts.open_attempts()] == [("a2", "here", 12)]
    ended = attempts.get("a1")
    assert ended is not None
    assert (ended.outcome, ended.claimed_by) == ("succeeded", "s")
    assert [(one.task_id, one.old, one.new) for one in attempts.story(pk)] == [
        ("a", "running", "success"),
        (None, None, "failed"),
    ]
    assert attempts.newest_transitions() == {3: 2}
    assert [one.what for one in attempts.problems(pk)] == ["a fact"]


def test_the_end_of_an_attempt_keeps_its_start_and_is_written_once(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    pk, (a, _) = new_run()
    end = {"id": "a1", "ended_at": 9, "outcome": "failed", "reason": "first", "started_at": None}
    writer.write(Batch(new_attempts=[attempt_row("a1", pk, a)]))
    writer.write(Batch(started_attempts=[{"id": "a1", "started_at": 5, "host": "h", "pid": 1}]))
    writer.write(Batch(ended_attempts=[end | {"host": None, "pid": None}]))
    late = end | {"ended_at": 99, "outcome": "succeeded", "reason": "late", "host": "x", "pid": 2}
    writer.write(Batch(ended_attempts=[late]))
    writer.commit()
    found = AttemptRepository(store).get("a1")
    assert found is not None
    assert (found.outcome, found.reason, found.host, found.pid) == ("failed", "first", "h", 1)
    assert found.started_at is not None
    assert to_micros(found.started_at) == 5


def test_an_xcom_replaces_the_one_of_its_key_and_deletion_takes_all_of_a_task_instance(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    pk, _ = new_run()
    writer.write(Batch(xcoms=[xcom_row(pk, "a", b"old"), xcom_row(pk, "b", b"stays")]))
    writer.write(Batch(xcoms=[xcom_row(pk, "a", b"new"), xcom_row(pk, "a", b"k", key="k")]))
    writer.commit()
    query = XComQuery(dag_id="d", run_id="r1", key="return_value")
    assert [one.value for one in XComRepository(store).find(query)] == [b"new", b"stays"]

    gone = {"run_pk": pk, "task_id": "a", "map_index": -1}
    writer.write(Batch(xcoms=[xcom_row(pk, "a", b"again")], deleted_xcoms=[gone]))
    writer.commit()
    assert [(one.task_id, one.key) for one in XComRepository(store).of_run(pk)] == [
        ("a", "return_value"),
        ("b", "return_value"),
    ]
    assert XComRepository(store).find(query)[0].value == b"again"


def test_applied_commands_are_closed_and_facts_are_gone(store: Store, writer: Writer) -> None:
    from tradewind.model.commands import SetPaused

    commands, facts = CommandRepository(store), FactRepository(store)
    for id in ("c1", "c2"):
        commands.submit(SetPaused(dag_id="d", paused=False), id=id, actor="me", at=DAY)
    for n in (1, 2, 2):
        facts.put(shard=3, attempt_id="a1", session="s", n=n, kind="started", body=b"x")
    first, second = facts.waiting()
    applied = {"applied_at": to_micros(DAY), "result": None, "refused_reason": None}
    writer.write(
        Batch(
            commands=[
                {**applied, "id": "c1", "result": '{"run_id": "r"}'},
                {**applied, "id": "c2", "refused_reason": "there is no such DAG"},
            ],
            consumed_facts=[{"seq": first.seq}],
        )
    )
    writer.commit()
    assert commands.open_commands() == []
    done, refused = commands.get("c1"), commands.get("c2")
    assert done is not None
    assert refused is not None
    assert (done.result, done.applied_at) == ({"run_id": "r"}, DAY)
    assert refused.refused_reason == "there is no such DAG"
    assert [one.n for one in facts.waiting()] == [second.n]


def test_the_schedulers_columns_of_a_dag_are_written(store: Store, writer: Writer) -> None:
    with store.write() as connection:
        connection.execute(
            t.dag.insert(), {"dag_id": "d", "shard": 3, "file": "d.py", "is_stale": False, "paused": True}
        )
    row = {"dag_id": "d", "paused": False, "cursor_start": 1, "cursor_end": 2, "next_logical": 3}
    later = {"next_run_after": to_micros(DAY), "paused_reason": None}
    writer.write(Batch(dags=[row | later]))
    writer.commit()
    with store.read() as connection:
        found = connection.execute(select(t.dag)).one()
    assert (found.paused, found.next_run_after) == (False, DAY)


def test_nothing_is_seen_before_the_commit_or_after_a_rollback(store: Store, writer: Writer) -> None:
    row = {"dag_id": "d", "run_id": "r", "shard": 3, "version_id": "v", "run_type": "manual"}
    writer.insert_run(row | {"state": "queued", "run_after": 1, "queued_at": 1}, [{"task_id": "a"}])
    assert writer.in_transaction
    assert RunRepository(store).count() == 0
    writer.rollback()
    assert not writer.in_transaction
    assert RunRepository(store).count() == 0
    writer.commit()  # nothing to commit is no error


def test_a_writer_goes_on_after_an_error(store: Store, writer: Writer, new_run: NewRun) -> None:
    pk, (a, _) = new_run()
    with pytest.raises(Conflict):
        writer.write(Batch(new_attempts=[attempt_row("a1", pk, a), attempt_row("a1", pk, a)]))
    writer.rollback()
    writer.write(Batch(new_attempts=[attempt_row("a1", pk, a)]))
    writer.commit()
    assert [one.id for one in AttemptRepository(store).open_attempts()] == ["a1"]


def test_a_deleted_dag_leaves_nothing_and_others_stay(store: Store, writer: Writer, new_run: NewRun) -> None:
    pk, (a, _) = new_run()
    other, _ = new_run(dag_id="e")
    writer.write(
        Batch(
            new_attempts=[attempt_row("a1", pk, a)],
            xcoms=[xcom_row(pk, "a", b"1"), xcom_row(other, "a", b"2")],
            transitions=[transition_row(1, pk, a, "x"), transition_row(2, other, None, "x")],
        )
    )
    writer.delete_dag("d")
    writer.commit()
    with store.read() as connection:
        left = {
            table.name: len(connection.execute(table.select()).all())
            for table in (t.dag_run, t.task_instance, t.attempt, t.xcom, t.transition)
        }
    assert left == {"dag_run": 1, "task_instance": 2, "attempt": 0, "xcom": 1, "transition": 1}
    assert [run.pk for run in RunRepository(store).find()] == [other]


def test_a_turn_that_fills_the_disk_leaves_nothing_and_the_next_one_that_fits_is_kept(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    writer.close()
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with store.engine.connect() as connection:  # the writer gets this connection next
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"The disk .* is full") as caught:
        new_run("large", tuple(f"task-{number}" for number in range(5000)))
    assert caught.value.transient
    writer.rollback()
    new_run("small")
    assert [run.info.run_id for run in RunRepository(store).find()] == ["small"]


def test_a_write_that_waits_too_long_for_another_writer_is_told_as_transient(
    store: Store, writer: Writer
) -> None:
    assert store.path is not None
    impatient = open_store(store.path, connect_timeout=0.05)
    other = Writer(impatient)
    writer.begin()
    with pytest.raises(StoreError, match=r"stayed locked by another process") as caught:
        other.begin()
    assert caught.value.transient
    assert str(store.path) in str(caught.value)
    writer.rollback()
    other.begin()
    other.close()
    impatient.close()


def test_reads_go_on_while_a_transaction_is_open(store: Store, writer: Writer, new_run: NewRun) -> None:
    new_run()
    writer.begin()
    assert RunRepository(store).count() == 1


def test_the_data_version_tells_of_others_commits_alone(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    before = writer.data_version()
    new_run()
    assert writer.data_version() == before
    with store.write() as connection:
        connection.execute(t.meta.insert(), {"key": "k", "value": "v"})
    assert writer.data_version() != before


def test_the_wal_is_moved_into_the_database_when_idle_and_only_if_it_is_worth_it(
    store: Store, writer: Writer, new_run: NewRun
) -> None:
    assert not writer.checkpoint_if_idle()
    for number in range(64):
        new_run(f"r{number}")
    writer.begin()
    assert not writer.checkpoint_if_idle()  # in a transaction
    writer.rollback()
    assert store.path is not None
    before = store.path.stat().st_size
    assert writer.checkpoint_if_idle()
    assert store.path.stat().st_size > before
    assert not writer.checkpoint_if_idle()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
def test_each_list_of_a_batch_has_its_statement(dialect: str) -> None:
    statements = Statements(dialect)
    for name in Batch.__slots__:
        parameters = getattr(statements, name)
        assert ":" in parameters if dialect == "sqlite" else "%(" in parameters


def test_a_turn_uses_indexes_alone(store: Store) -> None:
    """No statement of the turn reads a whole table, however large the tables grow."""
    statements = Statements("sqlite")
    for name in ("runs", "task_instances", "started_attempts", "ended_attempts", "commands", "dags"):
        sql = getattr(statements, name)
        parameters = dict.fromkeys(re.findall(r":(\w+)", sql))
        with store.read() as connection:
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"), parameters).all()
        assert plan
        assert not [row for row in plan if str(row[-1]).startswith("SCAN")], (name, plan)


def test_moments_come_back_as_they_were_written(store: Store, new_run: NewRun) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    new_run(run_after=to_micros(moment))
    assert RunRepository(store).get("d", "r1").info.run_after == moment

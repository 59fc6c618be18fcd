"""Backups: all rows there and back, whatever wrote them; nothing half done."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from tradewind.errors import StoreError
from tradewind.store.backup import back_up, restore
from tradewind.store.engine import Store, open_store
from tradewind.store.runs import RunRepository
from tradewind.store.tables import metadata
from tradewind.store.writer import Writer

NewRun = Callable[..., tuple[int, list[int]]]


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def test_a_backup_holds_every_row_and_brings_it_back(
    store: Store, writer: Writer, new_run: NewRun, tmp_path: Path
) -> None:
    new_run("r1", day=1)
    new_run("r2", state="failed")
    before = rows(store)
    back_up(store, tmp_path / "b.db")
    new_run("r3")
    assert restore(store, tmp_path / "b.db") == sum(map(len, before.values()))
    assert rows(store) == before
    pk, _ = new_run("r3")  # numbers go on where they were
    assert pk not in {row[0] for row in before["dag_run"]}


def test_a_backup_is_never_written_over_another(store: Store, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("mine")
    with pytest.raises(StoreError, match="There is a file"):
        back_up(store, tmp_path / "b.db")
    with pytest.raises(StoreError, match="cannot be written"):
        back_up(store, tmp_path / "nowhere" / "b.db")
    assert (tmp_path / "b.db").read_text() == "mine"
    assert not list(tmp_path.glob(".b.db*"))


def test_what_is_no_backup_changes_nothing(store: Store, new_run: NewRun, tmp_path: Path) -> None:
    new_run("r1")
    (tmp_path / "text").write_text("no database" * 100)
    with closing(sqlite3.connect(tmp_path / "empty.db")) as empty:
        empty.execute("CREATE TABLE mine (x)")
    for name in ("absent", "text", "empty.db"):
        with pytest.raises(StoreError, match=name):
            restore(store, tmp_path / name)
    assert RunRepository(store).count() == 1


def test_a_backup_of_a_newer_version_is_refused(store: Store, tmp_path: Path) -> None:
    back_up(store, tmp_path / "b.db")
    with closing(open_store(tmp_path / "b.db", prepare=False)) as backup, backup.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Tradewind"):
        restore(store, tmp_path / "b.db")

"""Alembic's way and the quick way make the same database, and neither leaves half of one."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

import tradewind.store.migrating as migrating_module
from tradewind.errors import StoreError
from tradewind.store import schema
from tradewind.store.engine import Store, open_store
from tradewind.store.migrating import downgrade, migrate, upgrade_from_nothing


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "empty.db", prepare=False)
    yield store
    store.close()


def shape(path: Path | None) -> dict[str, str]:
    """What SQLite says its tables and indexes were made with, by name; spaces and the order of columns aside, since a column
    that a revision adds stands last."""
    assert path is not None
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
    connection.close()
    plain = {name: re.sub(r"\s+", " ", sql or "").replace('"', "") for name, sql in rows}
    return {
        name: re.sub(r"\((.*)\)", lambda body: ", ".join(sorted(_parts(body[1]))), sql)
        if sql.startswith("CREATE TABLE")
        else sql
        for name, sql in plain.items()
    }


def _parts(body: str) -> list[str]:
    """What commas part, those inside of parentheses aside."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", body)]


def test_a_migrated_and_a_created_database_are_the_same(empty: Store, store: Store) -> None:
    upgrade_from_nothing(empty)
    assert shape(empty.path) == shape(store.path)
    for query in ("SELECT name, slots, description FROM pool", "SELECT * FROM alembic_version"):
        with empty.read() as migrated, store.read() as created:
            assert migrated.execute(text(query)).all() == created.execute(text(query)).all()


def test_the_revisions_named_in_the_schema_are_those_that_have_a_script() -> None:
    scripts = ScriptDirectory(str(Path(migrating_module.__file__).parent / "migrations"))
    assert tuple(one.revision for one in reversed(list(scripts.walk_revisions()))) == schema.REVISIONS
    assert scripts.get_current_head() == schema.HEAD


def test_migrating_an_empty_database_makes_it_and_migrating_again_changes_nothing(empty: Store) -> None:
    assert migrate(empty) is None
    before = shape(empty.path)
    assert migrate(empty) == schema.HEAD
    assert shape(empty.path) == before
    schema.check(empty)


def test_a_database_that_was_taken_back_can_be_made_again(store: Store) -> None:
    assert downgrade(store, "base") == schema.HEAD
    assert set(shape(store.path)) <= {"alembic_version", "sqlite_autoindex_alembic_version_1"}
    with pytest.raises(StoreError, match="tradewind db migrate"):
        schema.check(store)
    migrate(store)
    schema.check(store)


def test_a_revision_that_is_not_known_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"cannot be taken back to '9999'. Revisions are base, 0001"):
        downgrade(store, "9999")
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer Tradewind"):
        migrate(store)


def test_connections_look_after_references_again_after_a_migration(empty: Store) -> None:
    migrate(empty)
    with empty.read() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


_KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from tradewind.store.engine import open_store
from tradewind.store.migrating import upgrade_from_nothing
from tradewind.store.schema import prepare

store = open_store(Path(sys.argv[1]), prepare=False)
left = int(sys.argv[3])

@event.listens_for(store.engine, "before_cursor_execute")
def count(connection, cursor, statement, *_):
    global left
    if statement.lstrip().startswith(("CREATE", "INSERT")):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

{"create": prepare, "migrate": upgrade_from_nothing}[sys.argv[2]](store)
"""


@pytest.mark.parametrize(
    ("way", "statements"), [("create", 1), ("create", 12), ("migrate", 5), ("migrate", 25)]
)
def test_a_kill_while_tables_are_made_leaves_nothing_half_made(
    tmp_path: Path, way: str, statements: int
) -> None:
    path = tmp_path / "killed.db"
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(path), way, str(statements)],
        capture_output=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = open_store(path)
    schema.check(store)
    whole = open_store(tmp_path / "whole.db")
    assert shape(store.path) == shape(whole.path)
    store.close()
    whole.close()


def test_making_a_table_anew_keeps_the_rows_that_refer_to_it(
    store: Store, new_run: Callable[..., tuple[int, list[int]]]
) -> None:
    """What a later revision does to alter a table of SQLite."""
    new_run()
    with store.change_tables() as connection:
        for statement in (
            "CREATE TABLE anew AS SELECT * FROM dag_run",
            "DROP TABLE dag_run",
            "ALTER TABLE anew RENAME TO dag_run",
        ):
            connection.execute(text(statement))
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM task_instance")).scalar() == 2

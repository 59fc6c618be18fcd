"""Opening the metadata database: made on first use, and clear words where it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from tradewind.errors import StoreError
from tradewind.store import schema
from tradewind.store.engine import Store, open_store
from tradewind.store.pools import PoolRepository


def scalar(store: Store, statement: str) -> object:
    with store.read() as connection:
        return connection.execute(text(statement)).scalar()


def test_a_fresh_database_has_the_tables_and_the_default_pool(tmp_path: Path) -> None:
    store = open_store(tmp_path / "new.db")
    assert schema.current_revision(store) == schema.HEAD
    assert [(pool.name, pool.slots) for pool in PoolRepository(store).all()] == [("default_pool", 128)]
    store.close()


def test_a_fresh_database_is_made_without_importing_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from tradewind.store.engine import open_store; "
        "from pathlib import Path; "
        f"open_store(Path({str(tmp_path / 'new.db')!r})).close(); "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'alembic', 'cryptography', 'pymysql'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("synchronous", ["NORMAL", "FULL"])
def test_connections_have_the_settings_they_need(tmp_path: Path, synchronous: str) -> None:
    store = open_store(tmp_path / "s.db", synchronous=synchronous, connect_timeout=3)  # type: ignore[arg-type]
    assert scalar(store, "PRAGMA journal_mode") == "wal"
    assert scalar(store, "PRAGMA synchronous") == {"NORMAL": 1, "FULL": 2}[synchronous]
    assert scalar(store, "PRAGMA foreign_keys") == 1
    assert scalar(store, "PRAGMA busy_timeout") == 3000
    store.close()


def test_eight_threads_that_open_a_fresh_database_at_once_all_get_it(tmp_path: Path) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            store = open_store(tmp_path / "shared.db")
            PoolRepository(store).get("default_pool")
            store.close()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_read_never_keeps_a_writer_waiting(store: Store) -> None:
    with store.read() as reading:
        before = reading.execute(text("SELECT count(*) FROM meta")).scalar()
        with store.write() as writing:
            writing.execute(text("INSERT INTO meta VALUES ('k', 'v')"))
        assert (
            reading.execute(text("SELECT count(*) FROM meta")).scalar() == before
        )  # one state of the database
    assert scalar(store, "SELECT count(*) FROM meta") == 1


def test_a_write_that_raises_leaves_nothing(store: Store) -> None:
    def half() -> None:
        with store.write() as connection:
            connection.execute(text("INSERT INTO meta VALUES ('k', 'v')"))
            raise KeyError("half way")

    with pytest.raises(KeyError, match="half way"):
        half()
    assert scalar(store, "SELECT count(*) FROM meta") == 0


@pytest.mark.parametrize(
    "content", [b"garbage, certainly no database " * 100, b"SQLite format 3\0" + b"\1" * 5000]
)
def test_garbage_in_place_of_the_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged or is no SQLite database.*backup") as caught:
        open_store(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_truncated_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "cut.db"
    open_store(path).close()
    os.truncate(path, path.stat().st_size // 2)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"damaged"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_damaged_page_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hurt.db"
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'pool'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    store = open_store(path)
    with pytest.raises(StoreError, match=r"hurt\.db is damaged"):
        PoolRepository(store).all()
    store.close()


def test_a_folder_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened.*database\.url"):
        open_store(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Its folder must exist"):
        open_store(tmp_path / "nowhere" / "x.db")


def test_a_full_disk_is_told_as_transient_and_what_was_there_stays(tmp_path: Path) -> None:
    store = open_store(tmp_path / "small.db")
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    # The pool hands the same connection out again: its limit stands for a disk that is full.
    with store.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"The disk .* is full.*everything before it was") as caught:  # noqa: SIM117
        with store.write() as writing:
            writing.execute(text("INSERT INTO meta VALUES ('k', :v)"), {"v": "x" * 100_000})
    assert caught.value.transient
    assert scalar(store, "SELECT count(*) FROM meta") == 0
    assert scalar(store, "SELECT count(*) FROM pool") == 1
    store.close()


def test_a_database_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    store = open_store(tmp_path / "ro.db")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=r"can only be read"), store.write() as writing:
        writing.execute(text("INSERT INTO meta VALUES ('k', 'v')"))
    store.close()


def test_a_database_of_a_newer_version_is_refused_and_an_older_one_is_to_be_migrated(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer Tradewind.*9999"):
        schema.check(store)
    assert store.path is not None
    with pytest.raises(StoreError, match=r"newer Tradewind"):
        open_store(store.path)


def test_tables_of_somebody_else_are_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE connection (mine TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"table 'connection' that is not Tradewind's"):
        open_store(path)
    with sqlite3.connect(path) as connection:
        assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["connection"]
    connection.close()


def test_a_throw_away_database_is_gone_when_it_is_closed() -> None:
    store = open_store("sqlite://")
    assert store.path is not None
    folder = store.path.parent
    assert PoolRepository(store).get("default_pool").slots == 128
    store.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is no database URL"),
        ("/path/alone", "is no database URL"),
        ("oracle://x/y", "'oracle', which Tradewind does not know"),
        ("postgresql+nodriver://u:secret@h/db", "not installed"),
    ],
)
def test_an_address_that_cannot_be_is_told_without_its_password(url: str, told: str) -> None:
    with pytest.raises(StoreError, match=told) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_as_transient_without_its_password() -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(StoreError, match=r"cannot be used at present") as caught:
        open_store("postgresql://me:secret@127.0.0.1:1/none", connect_timeout=1)
    assert caught.value.transient
    assert "secret" not in str(caught.value)


def test_all_tables_are_made(store: Store) -> None:
    from tradewind.store.tables import metadata

    with store.read() as connection:
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}

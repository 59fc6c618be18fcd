"""Databases on real servers, each test with one of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

#: by kind: the driver, and the address of a server with a database that may be connected to
SERVERS = {
    "postgresql": (
        "psycopg",
        os.environ.get("TRADEWIND_TEST_POSTGRESQL", "postgresql+psycopg://postgres:test@127.0.0.1:5432/test"),
    ),
    "mysql": ("pymysql", os.environ.get("TRADEWIND_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306/mysql")),
}


@contextmanager
def fresh_database(kind: str) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards; skips the test where no server answers."""
    driver, server = SERVERS[kind]
    pytest.importorskip(driver, reason=f"the driver {driver} is not installed")
    name = f"tradewind_test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except SQLAlchemyError as error:
        pytest.skip(f"no {kind} server to test with ({type(error).__name__})")
    yield engine.url.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        force = " WITH (FORCE)" if kind == "postgresql" else ""
        connection.execute(text(f"DROP DATABASE {name}{force}"))
    engine.dispose()

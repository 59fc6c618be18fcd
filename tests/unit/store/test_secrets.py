"""Variables and connections are kept encrypted, and a wrong key is told without showing anything."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from tradewind.errors import DefinitionError, InvalidId, StoreError
from tradewind.model.connection import Connection
from tradewind.store.connections import ConnectionRepository
from tradewind.store.crypto import Vault
from tradewind.store.engine import Store
from tradewind.store.variables import VariableRepository

SECRET = "hunter2-é☃"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "secret.key", {})


def test_a_variable_comes_back_and_its_text_is_not_in_the_file(store: Store, vault: Vault) -> None:
    variables = VariableRepository(store, vault)
    assert variables.get("k") is None
    variables.set("k", SECRET, "what it is for")
    variables.set("k", SECRET + "!")
    assert variables.get("k") == SECRET + "!"
    (row,) = variables.all()
    assert (row.key, row.description) == ("k", "what it is for")
    assert SECRET not in repr(row)
    assert store.path is not None
    store.close()
    assert b"hunter2" not in b"".join(file.read_bytes() for file in store.path.parent.glob("*.db*"))
    assert variables.delete("k")
    assert not variables.delete("k")
    assert variables.keys() == []


@pytest.mark.parametrize("key", ["", " ", "a ", "x" * 251, "a\nb", "a\0b"])
def test_a_variable_with_a_strange_key_is_refused(store: Store, vault: Vault, key: str) -> None:
    with pytest.raises(DefinitionError, match="printable characters"):
        VariableRepository(store, vault).set(key, "v")


def test_keys_differ_by_case(store: Store, vault: Vault) -> None:
    variables = VariableRepository(store, vault)
    variables.set("Key", "upper")
    variables.set("key", "lower")
    assert (variables.get("Key"), variables.get("key"), variables.get("KEY")) == ("upper", "lower", None)


def test_a_connection_comes_back_whole(store: Store, vault: Vault) -> None:
    connections = ConnectionRepository(store, vault)
    given = Connection.from_uri("db", "postgres://me:p%40ss@host:5432/sales?mode=fast")
    connections.set(given)
    assert connections.get("db") == given
    connections.set(Connection(conn_id="db", conn_type="http", host="other", description="new"))
    assert connections.get("db") == connections.all()[0]
    assert connections.all()[0].host == "other"
    assert connections.ids() == ["db"]
    assert connections.delete("db")
    assert connections.get("db") is None
    with pytest.raises(InvalidId):
        connections.set(Connection(conn_id="../x", conn_type="http"))


def test_the_key_file_is_for_its_owner_alone_and_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    hidden = Vault(path, {}).encrypt("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Vault(path, {}).decrypt("variable", "k", hidden) == "x"
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_vaults_that_make_the_key_at_once_agree_on_one(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    hidden: list[bytes] = []
    threads = [threading.Thread(target=lambda: hidden.append(Vault(path, {}).encrypt("x"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Vault(path, {}).decrypt("variable", "k", one) for one in hidden] == ["x"] * 6


def test_the_environments_key_goes_before_the_file(tmp_path: Path) -> None:
    environ = {"TRADEWIND_SECRET_KEY": Fernet.generate_key().decode()}
    hidden = Vault(tmp_path / "secret.key", environ).encrypt("x")
    assert not (tmp_path / "secret.key").exists()
    assert Vault(tmp_path / "elsewhere", environ).decrypt("variable", "k", hidden) == "x"


def test_a_wrong_key_is_told_with_the_cure_and_without_the_value(
    store: Store, vault: Vault, tmp_path: Path
) -> None:
    VariableRepository(store, vault).set("k", SECRET)
    other = Vault(tmp_path / "other.key", {})
    with pytest.raises(
        StoreError, match=r"variable 'k' was encrypted with another key.*other\.key"
    ) as caught:
        VariableRepository(store, other).get("k")
    assert SECRET not in str(caught.value)
    assert VariableRepository(store, other).keys() == ["k"]


@pytest.mark.parametrize("content", ["", "short", "é" * 44])
def test_a_key_file_that_holds_no_key_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content, "utf-8")
    with pytest.raises(StoreError, match=r"secret\.key") as caught:
        Vault(path, {}).encrypt("x")
    assert not content or content not in str(caught.value)
    assert path.read_text("utf-8") == content


def test_a_key_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="TRADEWIND_SECRET_KEY"):
        Vault(tmp_path / "nowhere" / "secret.key", {}).encrypt("x")


def test_a_vault_does_not_show_its_key(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    assert key not in repr(Vault(tmp_path / "k", {"TRADEWIND_SECRET_KEY": key}))
    assert os.listdir(tmp_path) == []


def test_a_refused_statement_does_not_show_its_parameters(store: Store) -> None:
    with pytest.raises(StoreError) as caught, store.write() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:v)"), {"v": SECRET})
    assert SECRET not in str(caught.value)

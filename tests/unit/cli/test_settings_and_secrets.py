"""Variables, connections, pools, settings and the database itself."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest


def test_variables_are_set_read_and_deleted(tradewind) -> None:
    assert tradewind("variables", "set", "city", "Oslo", "--description", "where").code == 0
    assert tradewind("variables", "set", "api_token", "s3cret").code == 0
    assert tradewind("variables", "get", "city").out == "Oslo\n"
    assert tradewind("variables", "get", "nope", "--default", "x").out == "x\n"
    found = {one["key"]: one for one in tradewind("variables", "list", "-o", "json").json}
    assert found["city"] == {"key": "city", "value": "Oslo", "description": "where"}
    assert found["api_token"]["value"] == "***"
    assert "s3cret" in tradewind("variables", "list", "--show-secrets").out
    assert tradewind("variables", "delete", "city").code == 0
    said = tradewind("variables", "delete", "api_tokn")
    assert (said.code, "Did you mean 'api_token'" in said.err) == (3, True)
    assert tradewind("variables", "set", "j", "{", "--json").code == 2


def test_values_that_look_like_options_are_values_behind_two_dashes(tradewind) -> None:
    assert tradewind("variables", "set", "flag", "--", "--verbose").code == 0
    assert tradewind("variables", "get", "flag").out == "--verbose\n"
    said = tradewind("variables", "set", "flag", "--verbose")
    assert (said.code, "goes behind '--'" in said.err) == (2, True)


def test_variables_travel_by_file_that_others_cannot_read(tradewind, tmp_path: Path) -> None:
    tradewind("variables", "set", "a", "1", "--description", "one")
    tradewind("variables", "set", "b", "2")
    file = tmp_path / "variables.json"
    assert tradewind("variables", "export", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tradewind("variables", "delete", "a")
    assert tradewind("variables", "import", str(file)).code == 0
    assert tradewind("variables", "get", "a").out == "1\n"
    assert json.loads(tradewind("variables", "export", "-").out)["b"] == "2"


def test_an_import_is_all_or_nothing(tradewind, tmp_path: Path) -> None:
    file = tmp_path / "in.json"
    for text in ("{", "[]", '{"ok": "1", "": "2"}', '{"ok": "1", "x": {"value": 1, "description": 2}}'):
        file.write_text(text)
        assert tradewind("variables", "import", str(file)).code == 2
    file.write_text('{"ok": "postgres://h", "bad id": "postgres://h"}')
    assert tradewind("connections", "import", str(file)).code == 2
    file.write_text('{"ok": "postgres://h", "bad": {"conn_type": "http", "prot": 1}}')
    assert tradewind("connections", "import", str(file)).code == 2
    file.write_bytes(b"\xff\xfe")
    assert tradewind("variables", "import", str(file)).code == 2
    assert tradewind("variables", "import", str(tmp_path / "none.json")).code == 3
    assert tradewind("variables", "list", "-o", "json").json == []
    assert tradewind("connections", "list", "-o", "json").json == []


def test_connections_hide_their_secrets_unless_asked(tradewind) -> None:
    uri = "postgresql://me:pw@db:5432/sales?api_key=k&mode=ro"
    assert tradewind("connections", "add", "db", "--conn-uri", uri).code == 0
    shown = tradewind("connections", "get", "db", "-o", "json")
    assert shown.json["password"] == "***"
    assert json.loads(shown.json["extra"]) == {"api_key": "***", "mode": "ro"}
    assert "pw" not in shown.out
    open_ = tradewind("connections", "get", "db", "--show-secrets", "-o", "json").json
    assert (open_["password"], open_["port"]) == ("pw", 5432)
    assert "pw" not in tradewind("connections", "list").out
    again = tradewind("connections", "add", "db", "--conn-uri", "http://x")
    assert (again.code, "--replace" in again.err) == (1, True)
    assert tradewind("connections", "add", "db", "--conn-uri", "http://x", "--replace").code == 0
    assert tradewind("connections", "delete", "db").code == 0
    assert tradewind("connections", "delete", "db").code == 3


def test_a_connection_is_given_in_one_way(tradewind) -> None:
    assert tradewind("connections", "add", "c").code == 2
    assert tradewind("connections", "add", "c", "--conn-uri", "http://x", "--conn-type", "http").code == 2
    assert tradewind("connections", "add", "c", "--conn-host", "x").code == 2
    assert tradewind("connections", "add", "bad id", "--conn-uri", "http://x").code == 2
    assert (
        tradewind(
            "connections", "add", "c", "--conn-type", "http", "--conn-host", "x", "--conn-port", "99999"
        ).code
        == 2
    )
    assert (
        tradewind(
            "connections", "add", "c", "--conn-type", "http", "--conn-host", "x", "--conn-port", "80"
        ).code
        == 0
    )
    assert tradewind("connections", "get", "c", "-o", "json").json["port"] == 80
    assert (
        tradewind("connections", "add", "j", "--conn-json", '{"conn_type": "http", "login": "me"}').code == 0
    )


def test_connections_travel_by_file(tradewind, tmp_path: Path) -> None:
    tradewind("connections", "add", "db", "--conn-uri", "mysql://me:pw@db/x")
    file = tmp_path / "connections.json"
    assert tradewind("connections", "export", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tradewind("connections", "import", str(file)).code == 1
    assert tradewind("connections", "import", str(file), "--replace", "--dry-run").code == 0
    assert tradewind("connections", "import", str(file), "--replace").code == 0
    assert tradewind("connections", "get", "db", "--show-secrets", "-o", "json").json["password"] == "pw"


def test_pools_are_made_changed_and_deleted(tradewind) -> None:
    assert tradewind("pools", "set", "db", "4", "--description", "few").code == 0
    pool = tradewind("pools", "get", "db", "-o", "json").json
    assert (pool["name"], pool["slots"], pool["open_slots"], pool["description"]) == ("db", 4, 4, "few")
    assert tradewind("pools", "set", "db", "-1").code == 0
    assert tradewind("pools", "get", "db", "-o", "json").json["slots"] == -1
    assert [one["name"] for one in tradewind("pools", "list", "-o", "json").json] == ["db", "default_pool"]
    assert tradewind("pools", "set", "db", "many").code == 2
    for slots in ("-2", "1.5", str(2**63)):
        assert tradewind("pools", "set", "db", slots).code == 2
    assert tradewind("pools", "set", "db", "0").code == 0
    assert tradewind("pools", "set", "no/such", "1").code == 2
    assert tradewind("pools", "delete", "db").code == 0
    assert tradewind("pools", "delete", "default_pool").code == 1


def test_settings_say_where_they_come_from(tradewind, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "tradewind.toml").write_text("[core]\nparallelism = 7\n")
    monkeypatch.setenv("TRADEWIND__TASKS__KILL_GRACE_SECONDS", "2")
    monkeypatch.setenv("TRADEWIND__CORE__PARALELLISM", "9")
    said = tradewind("config", "list", "--changed", "-o", "json")
    found = {one["name"]: one for one in said.json}
    assert found["core.parallelism"]["value"] == "7"
    assert found["core.parallelism"]["source"].endswith("tradewind.toml:2")
    assert found["tasks.kill_grace_seconds"]["source"] == "$TRADEWIND__TASKS__KILL_GRACE_SECONDS"
    assert "$TRADEWIND__CORE__PARALELLISM is no setting" in said.err
    assert tradewind("config", "get", "core.parallelism").out == "7\n"
    assert tradewind("config", "get", "core", "parallelism").out == "7\n"
    assert tradewind("config", "path").out == f"{home / 'tradewind.toml'}\n"


def test_the_address_of_the_database_is_shown_without_its_password(tradewind, monkeypatch) -> None:
    monkeypatch.setenv("TRADEWIND__DATABASE__URL", "postgresql://me:hunter2@h/x")
    assert "hunter2" not in tradewind("config", "list", "-o", "json").out
    assert tradewind("config", "get", "database.url").out == "postgresql://me:***@h/x\n"


def test_the_database_is_made_checked_and_emptied(tradewind, home: Path) -> None:
    missing = tradewind("db", "check")
    assert (missing.code, "tradewind db migrate" in missing.err) == (1, True)
    assert not (home / "tradewind.db").exists()
    assert "Made the metadata database" in tradewind("db", "init").err
    assert "up to date" in tradewind("db", "migrate").err
    assert tradewind("db", "check").code == 0
    tradewind("variables", "set", "a", "1")
    assert tradewind("db", "reset", "--yes").code == 0
    assert tradewind("variables", "list", "-o", "json").json == []
    assert tradewind("pools", "get", "default_pool").code == 0


def test_the_schema_is_not_touched_beside_a_scheduler(tradewind, home: Path) -> None:
    from tradewind.app.system import System

    with System(home).opened() as system:
        assert system.lock.try_acquire("scheduler")
        said = tradewind("db", "reset", "--yes")
        system.lock.release()
    assert (said.code, "stop it first" in said.err) == (1, True)


def test_what_is_old_is_forgotten(tradewind, failed_run) -> None:
    after = (failed_run.clock.now() + timedelta(days=1)).isoformat()
    dry = {
        one["table"]: one["rows"]
        for one in tradewind("db", "clean", "--before", after, "--dry-run", "-o", "json").json
    }
    assert dry["dag_run"] == 1
    assert tradewind("db", "clean", "--before", "2020-01-01").code == 0
    assert len(tradewind("runs", "list", "-o", "json").json) == 1
    gone = {
        one["table"]: one["rows"] for one in tradewind("db", "clean", "--before", after, "-o", "json").json
    }
    assert (gone["dag_run"], gone["task_instance"]) == (1, 5)
    assert tradewind("runs", "list", "-o", "json").json == []


def test_plugins_and_providers_are_listed(tradewind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_PLUGIN_AUTOLOAD", "0")
    (builtin,) = tradewind("plugins", "list", "-o", "json").json
    assert (builtin["name"], builtin["status"]) == ("builtin", "loaded")
    assert "local" in builtin["brings"]["executor"]
    assert tradewind("providers", "list", "-o", "json").json == []


def test_the_version_is_that_of_the_package(tradewind) -> None:
    import tradewind as package

    assert tradewind("version").out == f"{package.__version__}\n"
    assert tradewind("--version").out == f"{package.__version__}\n"

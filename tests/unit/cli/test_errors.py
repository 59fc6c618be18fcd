"""Exit codes, messages, and what stays true of stdout when something goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tradewind.cli import main as main_module
from tradewind.cli.main import exit_code_of, main
from tradewind.errors import ConfigError, Conflict, DefinitionError, NotFound, Refused, StoreError


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("dgas",), 2, "Did you mean `tradewind dags`?"),
        (("dags", "lits"), 2, "Did you mean `tradewind dags list`?"),
        (("dags",), 2, ""),
        (("dags", "show"), 2, "DAG is missing"),
        (("dags", "show", "nope"), 3, "There is no DAG 'nope'"),
        (("dags", "show", "../etc/passwd"), 2, "may only be made of"),
        (("dags", "show", "a\0b"), 2, "may only be made of"),
        (("dags", "show", "x" * 10_000), 2, "at most 250"),
        (("dags", "trigger", "nope", "--conf", "[1]"), 2, "JSON object"),
        (("dags", "list", "--limit", "0"), 2, "whole number"),
        (("runs", "show", "nope", "r"), 3, "There is no DAG 'nope'"),
        (("pools", "get", "nope"), 3, "tradewind pools set nope"),
        (("variables", "get", "nope"), 3, "There is no variable 'nope'"),
        (("connections", "get", "nope"), 3, "There is no connection 'nope'"),
        (("config", "get", "core.paralelism"), 3, "core.parallelism"),
        (("run", "/no/such/file.py"), 3, "There is no file"),
        (("completion", "tcsh"), 2, "bash, zsh, fish"),
        (("db", "downgrade", "--to", "9999"), 1, "9999"),
        (("up", "--dags-folder", "/no/such/folder"), 3, "There is no folder"),
    ],
)
def test_each_kind_of_mistake_has_its_code_and_one_clear_message(tradewind, words, code, told) -> None:
    said = tradewind(*words)
    assert said.code == code
    assert told in said.err
    assert "Traceback" not in said.err


def test_with_json_asked_for_an_error_is_json_too(tradewind) -> None:
    said = tradewind("dags", "show", "nope", "--output", "json")
    assert said.code == 3
    assert said.json["error"]["type"] == "NotFound"
    assert said.json["error"]["exit_code"] == 3
    said = tradewind("dags", "show", "-o", "json")
    assert (said.code, said.json["error"]["exit_code"]) == (2, 2)
    assert tradewind("dags", "show", "nope").out == ""


def test_errors_have_stable_codes() -> None:
    codes = {
        NotFound("DAG", "d"): 3,
        DefinitionError("no"): 2,
        ConfigError("no"): 2,
        Refused("no"): 1,
        Conflict("no"): 1,
        StoreError("no"): 1,
        OSError(28, "No space left on device"): 1,
        KeyError("x"): 70,
    }
    assert {error: exit_code_of(error) for error in codes} == codes


def test_a_fault_of_ours_is_one_line_and_the_traceback_is_there_for_the_asking(
    tradewind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(main_module.NOUNS, "version", ("no_such_file", ""))
    said = tradewind("version")
    assert said.code == 70
    assert "run again with TRADEWIND_DEBUG=1" in said.err
    assert "Traceback" not in said.err
    monkeypatch.setenv("TRADEWIND_DEBUG", "1")
    assert "Traceback" in tradewind("version").err


def test_a_setting_that_cannot_be_is_wrong_usage_and_names_its_place(tradewind, home: Path) -> None:
    (home / "tradewind.toml").write_text("[core]\nparalellism = 4\n")
    said = tradewind("dags", "list")
    assert said.code == 2
    assert "tradewind.toml:2" in said.err
    assert "parallelism" in said.err


def test_a_damaged_database_is_named_and_left_as_it_is(tradewind, home: Path) -> None:
    (home / "tradewind.db").write_bytes(b"this is no database" * 100)
    said = tradewind("dags", "list", "-o", "json")
    assert said.code == 1
    assert str(home / "tradewind.db") in said.err
    assert said.json["error"]["type"] == "StoreError"
    assert (home / "tradewind.db").read_bytes().startswith(b"this is no database")


def test_a_home_that_is_a_file_is_told(tradewind, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(home / "file"))
    (home / "file").write_text("")
    said = tradewind("dags", "list")
    assert said.code == 2
    assert "is a file" in said.err


def test_help_goes_to_stdout_and_is_no_error(tradewind) -> None:
    for words in (("--help",), ("dags", "--help"), ("dags", "list", "--help"), ("run", "--help"), ()):
        said = tradewind(*words)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("usage: tradewind")


def test_a_reader_that_went_away_ends_it_quietly(home: Path, monkeypatch, capsys) -> None:
    class Closed:
        encoding = "utf-8"

        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["version"]) == 141
    assert capsys.readouterr().err == ""

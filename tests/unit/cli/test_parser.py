"""How the arguments of a command are read."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

import pytest

from tradewind.cli.arguments import json_object, moment
from tradewind.cli.nouns import NOUNS, commands_of
from tradewind.cli.parser import Parser, UsageError
from tradewind.logic.params import objection


@pytest.fixture
def parser() -> Parser:
    made = Parser("tasks logs")
    made.place("dag_id", "the DAG")
    made.place("run_id", "the run")
    made.place("task_id", "the task", optional=True)
    made.add_argument("--try", dest="try_number", type=int)
    made.add_argument("--yes", action="store_true")
    return made


@pytest.mark.parametrize(
    "words",
    [
        ["d", "r", "t", "--try", "2"],
        ["d", "--try", "2", "r", "t"],
        ["--dag-id", "d", "r", "--try=2", "t"],
        ["--task-id", "t", "d", "--run-id", "r", "--try", "2"],
        ["--try", "2", "--", "d", "r", "t"],
    ],
)
def test_ids_stand_in_their_order_or_are_named_and_options_anywhere(parser: Parser, words: list[str]) -> None:
    found = parser.read(words)
    assert (found.dag_id, found.run_id, found.task_id, found.try_number) == ("d", "r", "t", 2)


def test_what_follows_two_dashes_is_a_value_whatever_it_looks_like(parser: Parser) -> None:
    assert parser.read(["d", "--", "--yes", "--"]).run_id == "--yes"


def test_a_negative_number_is_a_value(parser: Parser) -> None:
    assert parser.read(["d", "-1"]).run_id == "-1"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["d"], "RUN is missing"),
        (["d", "r", "t", "more"], "no place for the argument 'more'"),
        (["d", "r", "--yse"], "no option --yse. Did you mean --yes?"),
        (["d", "r", "--try", "x"], "--try"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong_and_shows_how_it_looks(
    parser: Parser, words: list[str], told: str
) -> None:
    with pytest.raises(UsageError) as raised:
        parser.read(words)
    assert told in str(raised.value)
    assert raised.value.usage == "usage: tradewind tasks logs DAG RUN [TASK] [options]\n"


def test_a_thousand_ids_are_taken() -> None:
    parser = Parser("dags pause")
    parser.place("dag_ids", "the DAGs", many=True)
    assert len(parser.read([f"d{number}" for number in range(1000)]).dag_ids) == 1000
    assert parser.read(["--dag-id", "a", "--dag-id", "b"]).dag_ids == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024-01-31T08:00", datetime(2024, 1, 31, 8)),
        ("2024-01-31T08:00:00.5Z", datetime(2024, 1, 31, 8, 0, 0, 500_000, UTC)),
    ],
)
def test_dates_are_iso_8601(text: str, meant: datetime) -> None:
    assert moment(text) == meant
    assert moment("2024-01-31T08:00+01:00").utcoffset() == timedelta(hours=1)


NO_DATES = (
    *("yesterday", "31.01.2024", "", "2024-13-01", "2026-02-30", "10000-01-01", "0000-01-01", "-2024-01-01"),
    *("2024-01-01T25:00", "2024-01-01\0", "1704067200", "1700123120000", "-1", "9" * 5000),
)


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_told_with_the_format(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it as 2024-01-31"):
        moment(text)


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_on_the_command_line_is_none_in_a_param_either(text: str) -> None:
    schema = {"type": "string", "format": "date-time"}
    assert "is no date-time in ISO 8601" in str(objection(text, schema))
    assert objection("2024-01-31T08:00+01:00", schema) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "{'a': 1}"])
def test_conf_must_be_a_json_object(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="JSON"):
        json_object(text)


def test_every_command_can_be_declared_and_has_a_help() -> None:
    for noun in NOUNS:
        for command in commands_of(noun):
            parser = Parser(f"{noun} {command.name}".strip(), command.help)
            command.declare(parser)
            assert "--help" in parser.format_help()

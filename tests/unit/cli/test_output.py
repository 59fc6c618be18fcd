"""What lists and objects look like, for a person and for a program."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.cli.output import Printer, cut, sanitized, text_width
from tradewind.cli.yaml import to_yaml
from tradewind.model.states import TaskState

AT = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=1)))
ROWS = [
    {"task_id": "a", "state": TaskState.SUCCESS, "start_date": AT, "duration": 1.5, "extra": {"n": 1}},
    {"task_id": "long" * 20, "state": None, "start_date": None, "duration": None, "extra": {}},
]


def shown(output: str, width: int | None = None, colour: bool = False) -> str:
    stream = io.StringIO()
    Printer(stream, output, width=width, colour=colour).records(ROWS, ("task_id", "state", "start_date"))
    return stream.getvalue()


def test_json_has_whole_objects_with_times_in_utc_to_the_microsecond() -> None:
    first, second = json.loads(shown("json"))
    assert first == {
        "task_id": "a",
        "state": "success",
        "start_date": "2024-01-01T01:00:00.000000+00:00",
        "duration": 1.5,
        "extra": {"n": 1},
    }
    assert second["state"] is None


def test_a_table_has_the_columns_that_were_chosen_aligned() -> None:
    head, first, second = shown("table").splitlines()
    assert head.split() == ["task_id", "state", "start_date"]
    assert first.split() == ["a", "success", "2024-01-01T01:00:00Z"]
    assert head.index("state") == first.index("success")
    assert second == "long" * 20


def test_a_table_fits_a_narrow_terminal_and_marks_what_it_cut() -> None:
    for line in shown("table", width=40).splitlines():
        assert len(line) <= 40
    assert "…" in shown("table", width=40)
    shown("table", width=1)


def test_plain_columns_are_separated_by_tabs_and_never_cut() -> None:
    lines = [line.split("\t") for line in shown("plain", width=20).splitlines()]
    assert lines[0] == ["task_id", "state", "start_date"]
    assert lines[2] == ["long" * 20, "", ""]


def test_states_are_coloured_where_colour_is_wanted() -> None:
    assert "\x1b[32m" in shown("table", colour=True)
    assert "\x1b" not in shown("table")


def test_an_empty_list_is_an_empty_array_for_programs_and_a_sentence_for_people() -> None:
    for output, expected in (("json", "[]\n"), ("yaml", "[]\n"), ("table", "None here.\n"), ("plain", "a\n")):
        stream = io.StringIO()
        Printer(stream, output).records([], ("a",), "None here.")
        assert stream.getvalue() == expected


def test_values_cannot_drive_the_terminal() -> None:
    assert sanitized("a\x1b[2Jb\nc\u202ed") == "a\\x1b[2Jb c\\u202ed"


def test_widths_are_those_of_a_terminal() -> None:
    assert text_width("日本") == 4
    assert text_width("é") == 1
    assert cut("日本語", 4) == "日…"
    assert cut("abcdef", 4, unicode=False) == "abc~"


def test_json_is_ascii_where_the_stream_is_not_unicode() -> None:
    class Latin(io.StringIO):
        encoding = "latin-1"

    stream = Latin()
    Printer(stream, "json").value({"name": "é€"})
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue()) == {"name": "é€"}


def test_yaml_is_what_people_expect_of_it() -> None:
    value = {
        "dag_id": "d",
        "tags": ["a", "no"],
        "conf": {},
        "owner": None,
        "count": 1,
        "t": [{"text": "1", "list": [2]}],
        "at": "10:00",
    }
    assert to_yaml(value) == (
        "dag_id: d\n"
        "tags:\n"
        "  - a\n"
        '  - "no"\n'
        "conf: {}\n"
        "owner: null\n"
        "count: 1\n"
        "t:\n"
        '  - text: "1"\n'
        "    list:\n"
        "      - 2\n"
        'at: "10:00"\n'
    )


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_yaml_reads_back_as_it_was(value: object) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; it reads back what was written")
    assert yaml.safe_load(to_yaml(value)) == value


@given(PLAIN)
def test_json_reads_back_as_it_was(value: object) -> None:
    stream = io.StringIO()
    Printer(stream, "json").value(value)
    assert json.loads(stream.getvalue()) == value


def test_a_moment_for_people_is_short() -> None:
    stream = io.StringIO()
    Printer(stream).record(
        {"start_date": datetime(2024, 1, 1, tzinfo=UTC), "tags": ["a", "b"], "is_paused": True, "n": None}
    )
    assert stream.getvalue().splitlines() == [
        "start_date  2024-01-01T00:00:00Z",
        "tags        a, b",
        "is_paused   yes",
        "n",
    ]

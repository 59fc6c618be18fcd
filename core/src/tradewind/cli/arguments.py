"""Types of arguments: ids, moments, JSON; and the arguments that several commands have."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tradewind.errors import InvalidId
from tradewind.logic.dates import read_moment
from tradewind.model.ids import check_id, check_run_id

if TYPE_CHECKING:
    from tradewind.cli.parser import Parser


def dag_id(text: str) -> str:
    """A DAG id."""
    return _checked("DAG", text)


def task_id(text: str) -> str:
    """A task id, or ``task_id[map_index]``."""
    plain, bracket, index = text.partition("[")
    if bracket and not (index.endswith("]") and index[:-1].isascii() and index[:-1].isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no task: an instance of a mapped task is written as task_id[0]"
        )
    _checked("task", plain)
    return text


def pool_name(text: str) -> str:
    """The name of a pool."""
    return _checked("pool", text)


def run_id(text: str) -> str:
    """A run id."""
    try:
        return check_run_id(text)
    except InvalidId as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _checked(kind: str, text: str) -> str:
    try:
        return check_id(kind, text)
    except InvalidId as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def moment(text: str) -> datetime:
    """A date, or date and time, in ISO 8601; naive where no offset is given."""
    try:
        return read_moment(text)
    except ValueError:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise argparse.ArgumentTypeError(
            f"{shown!r} is no date: write it as 2024-01-31, 2024-01-31T08:00 or 2024-01-31T08:00:00+01:00"
        ) from None


def json_object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"it is not valid JSON ({error}): write it as '{{\"key\": 1}}'"
        ) from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("it must be a JSON object, such as '{\"key\": 1}'")
    return value


def dag_place(parser: Parser, *, optional: bool = False) -> None:
    """The DAG."""
    parser.place("dag_id", "id of the DAG", kind=dag_id, optional=optional)


def run_place(parser: Parser, *, optional: bool = False) -> None:
    """The run."""
    parser.place(
        "run_id",
        "id of the run; `latest` is the DAG's newest run",
        kind=run_id,
        optional=optional,
    )


def task_place(parser: Parser, *, optional: bool = False) -> None:
    """The task."""
    parser.place("task_id", "id of the task", kind=task_id, optional=optional)


def date_range(parser: Parser) -> None:
    """``--from-date`` and ``--to-date``, or ``--start-date`` and ``--end-date``."""
    parser.add_argument(
        "-s",
        "--from-date",
        "--start-date",
        dest="from_date",
        type=moment,
        metavar="D",
        help="runs whose logical date is not before D",
    )
    parser.add_argument(
        "-e",
        "--to-date",
        "--end-date",
        dest="to_date",
        type=moment,
        metavar="D",
        help="runs whose logical date is not after D",
    )


def relatives(parser: Parser) -> None:
    """What else than the tasks that were named: ``--upstream``, ``--downstream``, ``--past``, ``--future``."""
    parser.add_argument(
        "-u", "--upstream", action="store_true", help="also the tasks upstream of those that were named"
    )
    parser.add_argument(
        "-d", "--downstream", action="store_true", help="also the tasks downstream of those that were named"
    )
    parser.add_argument("--past", action="store_true", help="in all earlier runs of the DAG too")
    parser.add_argument("--future", action="store_true", help="in all later runs of the DAG too")


def selection(parser: Parser) -> None:
    """Which tasks of a run: :func:`relatives`, ``--only-failed``, ``--only-running``, ``--task-regex``."""
    relatives(parser)
    parser.add_argument(
        "-f", "--only-failed", action="store_true", help="only those that are failed or upstream_failed"
    )
    parser.add_argument("--only-running", action="store_true", help="only those that are running")
    parser.add_argument("-t", "--task-regex", metavar="RE", help="tasks whose id matches this expression")

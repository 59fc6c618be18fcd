"""``tradewind variables``: values that tasks read by name."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.cli.records import MASK
from tradewind.errors import DefinitionError, NotFound


def _key_place(parser: Parser) -> None:
    parser.place("key", "name of the variable")


def _missing(invocation: Invocation, key: str) -> NotFound:
    return NotFound(
        "variable", key, invocation.system.variables.keys(), "`tradewind variables list` lists them."
    )


def _declare_list(parser: Parser) -> None:
    parser.add_argument(
        "--show-secrets", action="store_true", help="show values whose names sound like secrets"
    )
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.runner.secrets import is_secret_name

    records = [
        {
            "key": row.key,
            "value": MASK if is_secret_name(row.key) and not given.show_secrets else row.value,
            "description": row.description,
        }
        for row in invocation.system.variables.all()
    ]
    invocation.printer.records(records, ("key", "value", "description"), "There are no variables.")


def _declare_get(parser: Parser) -> None:
    _key_place(parser)
    parser.add_argument("--default", metavar="TEXT", help="what to print where there is no such variable")
    parser.output()


def _get(invocation: Invocation, given: argparse.Namespace) -> None:
    value = invocation.system.variables.get(given.key)
    if value is None:
        value = given.default
    if value is None:
        raise _missing(invocation, given.key)
    if given.output in ("json", "yaml"):
        invocation.printer.value({"key": given.key, "value": value})
    else:
        invocation.printer.line(value)


def _declare_set(parser: Parser) -> None:
    _key_place(parser)
    parser.place("value", "its value; `-` reads it from stdin")
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument("--json", action="store_true", help="check that the value is valid JSON")


def _set(invocation: Invocation, given: argparse.Namespace) -> None:
    value = given.value
    if value == "-":
        import sys

        value = sys.stdin.read().removesuffix("\n")
    if given.json:
        try:
            json.loads(value)
        except ValueError as error:
            raise DefinitionError(f"The value of {given.key!r} is not valid JSON: {error}.") from None
    invocation.system.variables.set(given.key, value, given.description)
    invocation.say(f"Set the variable {given.key}.")


def _declare_delete(parser: Parser) -> None:
    _key_place(parser)


def _delete(invocation: Invocation, given: argparse.Namespace) -> None:
    if not invocation.system.variables.delete(given.key):
        raise _missing(invocation, given.key)
    invocation.say(f"Deleted the variable {given.key}.")


def _declare_file(parser: Parser) -> None:
    parser.place("file", "a JSON file; `-` is stdin or stdout")


def _declare_import(parser: Parser) -> None:
    _declare_file(parser)
    parser.add_argument("--dry-run", action="store_true", help="only check the file")


def _export(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.exchange import write_objects

    rows = invocation.system.variables.all()
    objects = {
        row.key: row.value
        if row.description is None
        else {"value": row.value, "description": row.description}
        for row in rows
    }
    write_objects(given.file, objects)
    invocation.say(f"Exported {len(rows)} variables, secrets included.")


def _import(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.exchange import read_objects

    found = [_parsed(key, value) for key, value in read_objects(given.file, "variables").items()]
    if given.dry_run:
        invocation.say(f"{len(found)} variables could be imported.")
        return
    for key, value, description in found:
        invocation.system.variables.set(key, value, description)
    invocation.say(f"Imported {len(found)} variables.")


def _parsed(key: str, value: Any) -> tuple[str, str, str | None]:
    """A variable of a file: a text, ``{"value": ..., "description": ...}``, or any JSON, which is kept as its text."""
    if not key or not key.isprintable() or len(key) > 250:
        raise DefinitionError(f"{key[:40]!r} cannot name a variable. Nothing was changed.")
    description = None
    if isinstance(value, dict) and set(value) == {"value", "description"}:
        value, description = value["value"], value["description"]
        if description is not None and not isinstance(description, str):
            raise DefinitionError(
                f"The description of the variable {key!r} is not text. Nothing was changed."
            )
    return key, value if isinstance(value, str) else json.dumps(value), description


COMMANDS = (
    Command("list", "list the variables", _declare_list, _list),
    Command("get", "print the value of a variable", _declare_get, _get),
    Command("set", "make a variable, or change it", _declare_set, _set),
    Command("delete", "forget a variable", _declare_delete, _delete),
    Command("export", "write all variables to a file", _declare_file, _export),
    Command("import", "read variables from a file", _declare_import, _import),
)

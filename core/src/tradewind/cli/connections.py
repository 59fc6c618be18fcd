"""``tradewind connections``: how to reach outside systems."""

from __future__ import annotations

import argparse
from typing import Any

from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, UsageError
from tradewind.cli.records import connection_record
from tradewind.errors import Conflict, DefinitionError, NotFound
from tradewind.model.connection import Connection

_PARTS = ("type", "host", "login", "password", "schema", "port", "extra", "description")
_COLUMNS = ("connection_id", "conn_type", "host", "port", "login", "schema", "description")


def _id_place(parser: Parser) -> None:
    parser.place("conn_id", "id of the connection")


def _missing(invocation: Invocation, conn_id: str) -> NotFound:
    known = invocation.system.connections.ids()
    return NotFound("connection", conn_id, known, "`tradewind connections list` lists them.")


def _declare_list(parser: Parser) -> None:
    parser.add_argument("--show-secrets", action="store_true", help="show passwords too")
    parser.output()


def _list(invocation: Invocation, given: argparse.Namespace) -> None:
    found = invocation.system.connections.all()
    records = [connection_record(one, secrets=given.show_secrets) for one in found]
    columns = (*_COLUMNS, "password", "extra") if given.show_secrets else _COLUMNS
    invocation.printer.records(records, columns, "There are no connections.")


def _declare_get(parser: Parser) -> None:
    _id_place(parser)
    _declare_list(parser)


def _get(invocation: Invocation, given: argparse.Namespace) -> None:
    found = invocation.system.connections.get(given.conn_id)
    if found is None:
        raise _missing(invocation, given.conn_id)
    record = connection_record(found, secrets=given.show_secrets)
    if given.show_secrets:
        record["get_uri"] = found.get_uri()
    invocation.printer.record(record)


def _declare_add(parser: Parser) -> None:
    _id_place(parser)
    parser.add_argument(
        "--conn-uri", metavar="URI", help="type://login:password@host:port/schema?key=value; `-`: stdin"
    )
    parser.add_argument("--conn-json", metavar="JSON", help="all fields as a JSON object; `-`: stdin")
    for part in _PARTS:
        parser.add_argument(f"--conn-{part}", metavar=part.upper(), help=f"its {part}")
    parser.add_argument("--replace", action="store_true", help="take the place of the one that is there")


def _add(invocation: Invocation, given: argparse.Namespace) -> None:
    connection = _given_connection(given)
    if invocation.system.connections.get(given.conn_id) is not None and not given.replace:
        raise Conflict(f"There is a connection {given.conn_id!r} already: take its place with --replace.")
    invocation.system.connections.set(connection)
    invocation.say(f"Set the connection {given.conn_id}.")


def _given_connection(given: argparse.Namespace) -> Connection:
    parts = {part: getattr(given, f"conn_{part}") for part in _PARTS}
    parts = {part: value for part, value in parts.items() if value is not None}
    ways = [given.conn_uri is not None, given.conn_json is not None, bool(parts)]
    if sum(ways) != 1:
        raise UsageError(
            "Give the connection in one way: --conn-uri, --conn-json, or --conn-type with --conn-host ..."
        )
    if parts:
        if "type" not in parts:
            raise UsageError("--conn-type is missing.")
        import json

        fields = {"conn_type" if part == "type" else part: value for part, value in parts.items()}
        return _checked(Connection.from_json(given.conn_id, json.dumps(fields)))
    text = given.conn_uri if given.conn_uri is not None else given.conn_json
    if text == "-":
        import sys

        text = sys.stdin.read().strip()
    read = Connection.from_uri if given.conn_uri is not None else Connection.from_json
    return _checked(read(given.conn_id, text))


def _checked(connection: Connection) -> Connection:
    from tradewind.model.ids import check_id

    check_id("connection", connection.conn_id)
    if not connection.conn_type:
        raise DefinitionError(
            f"The connection {connection.conn_id!r} has no conn_type, such as postgres or http."
        )
    return connection


def _declare_delete(parser: Parser) -> None:
    _id_place(parser)


def _delete(invocation: Invocation, given: argparse.Namespace) -> None:
    if not invocation.system.connections.delete(given.conn_id):
        raise _missing(invocation, given.conn_id)
    invocation.say(f"Deleted the connection {given.conn_id}.")


def _declare_file(parser: Parser) -> None:
    parser.place("file", "a JSON file; `-` is stdin or stdout")


def _export(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.exchange import write_objects

    found = invocation.system.connections.all()
    write_objects(given.file, {one.conn_id: one.as_dict() for one in found})
    invocation.say(f"Exported {len(found)} connections, passwords included.")


def _declare_import(parser: Parser) -> None:
    _declare_file(parser)
    parser.add_argument("--replace", action="store_true", help="take the place of those that are there")
    parser.add_argument("--dry-run", action="store_true", help="only check the file")


def _import(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.exchange import read_objects

    found = [_parsed(conn_id, value) for conn_id, value in read_objects(given.file, "connections").items()]
    there = set(invocation.system.connections.ids())
    double = [one.conn_id for one in found if one.conn_id in there]
    if double and not given.replace:
        raise Conflict(
            f"There are connections {', '.join(sorted(double)[:5])} already: take their place with --replace. "
            f"Nothing was changed."
        )
    if given.dry_run:
        invocation.say(f"{len(found)} connections could be imported.")
        return
    for one in found:
        invocation.system.connections.set(one)
    invocation.say(f"Imported {len(found)} connections.")


def _parsed(conn_id: str, value: Any) -> Connection:
    if isinstance(value, str):
        return _checked(Connection.parse(conn_id, value))
    import json

    return _checked(Connection.from_json(conn_id, json.dumps(value)))


COMMANDS = (
    Command("list", "list the connections", _declare_list, _list),
    Command("get", "show a connection", _declare_get, _get),
    Command("add", "make a connection", _declare_add, _add),
    Command("delete", "forget a connection", _declare_delete, _delete),
    Command("export", "write all connections to a file", _declare_file, _export),
    Command("import", "read connections from a file", _declare_import, _import),
)

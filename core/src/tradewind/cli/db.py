"""``tradewind db``: the metadata database."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING

from tradewind.cli.arguments import moment
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser
from tradewind.errors import Refused, StoreError

if TYPE_CHECKING:
    from tradewind.store.engine import Store


def _as_it_is(invocation: Invocation) -> Store:
    """The database, opened without looking at its tables."""
    from tradewind.store.engine import open_store

    settings = invocation.system.settings
    return open_store(
        settings.database_address,
        synchronous=settings.database.synchronous,
        connect_timeout=settings.database.connect_timeout,
        prepare=False,
    )


def _refuse_beside_scheduler(store: Store) -> None:
    from tradewind.store.lock import scheduler_lock

    holder = scheduler_lock(store).holder()
    if holder is not None:
        raise Refused(
            f"The {holder.kind} with process id {holder.pid} works with the database: stop it first, then do this again."
        )


def _declare_nothing(parser: Parser) -> None:
    return None


def _migrate(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store import schema
    from tradewind.store.migrating import migrate

    with closing(_as_it_is(invocation)) as store:
        _refuse_beside_scheduler(store)
        before = migrate(store)
        if before is None:
            invocation.say(f"Made the metadata database {store.where} (revision {schema.HEAD}).")
        elif before == schema.HEAD:
            invocation.say(f"The metadata database {store.where} is up to date (revision {schema.HEAD}).")
        else:
            invocation.say(f"Migrated the metadata database {store.where} from {before} to {schema.HEAD}.")


def _check(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store import schema

    with closing(_as_it_is(invocation)) as store:
        if store.path is not None and not store.path.exists():
            raise StoreError(
                f"There is no metadata database at {store.path} yet: `tradewind db migrate` makes it."
            )
        schema.check(store)
        if store.dialect == "sqlite":
            _check_pages(store)
        invocation.say(f"The metadata database {store.where} is sound (revision {schema.HEAD}).")


def _check_pages(store: Store) -> None:
    from sqlalchemy import text

    with store.read() as connection:
        found = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(5)"))]
    if found != ["ok"]:
        raise StoreError(
            f"The metadata database {store.where} is damaged: {'; '.join(found)}. Stop Tradewind and put a backup in "
            f"its place."
        )


def _declare_downgrade(parser: Parser) -> None:
    parser.add_argument(
        "--to", "--to-revision", dest="to", required=True, metavar="REVISION", help="where to go back to"
    )
    parser.yes()


def _downgrade(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store.migrating import downgrade

    with closing(_as_it_is(invocation)) as store:
        _refuse_beside_scheduler(store)
        invocation.confirm(
            f"Take {store.where} back to revision {given.to}? What newer ones added is lost.", yes=given.yes
        )
        before = downgrade(store, given.to)
        invocation.say(f"Took the metadata database {store.where} from {before} back to {given.to}.")


def _declare_reset(parser: Parser) -> None:
    parser.yes()


def _reset(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store.migrating import downgrade, migrate

    with closing(_as_it_is(invocation)) as store:
        _refuse_beside_scheduler(store)
        question = f"Delete everything in {store.where}: all DAGs, runs, variables and connections?"
        invocation.confirm(question, yes=given.yes)
        migrate(store)
        downgrade(store, "base")
        migrate(store)
        invocation.say(f"The metadata database {store.where} is empty.")


def _declare_clean(parser: Parser) -> None:
    parser.add_argument(
        "--clean-before-timestamp", "--before", dest="before", type=moment, required=True, metavar="D",
        help="forget runs that ended before D, with all that belongs to them",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only say how much there is to forget")
    parser.yes()
    parser.output()


def _clean(invocation: Invocation, given: argparse.Namespace) -> None:
    from collections import Counter

    from tradewind.store.cleaning import Cleaner

    before = invocation.aware(given.before)
    assert before is not None
    cleaner = Cleaner(invocation.system.store)
    if given.dry_run:
        counts = {one.table: one.rows for one in cleaner.count(before)}
        _show_counts(invocation, counts)
        return
    runs = cleaner.old_runs(before)
    invocation.confirm(f"Forget {len(runs)} runs that ended before {before.isoformat()}?", yes=given.yes)
    deleted: Counter[str] = Counter()
    for run_pk in runs:
        _forget_spilled(invocation, run_pk)
        for one in cleaner.delete_run(run_pk):
            deleted[one.table] += one.rows
    for step in (cleaner.delete_unused_versions(before), cleaner.delete_others(before)):
        for one in step:
            deleted[one.table] += one.rows
    _show_counts(invocation, dict(deleted))


def _show_counts(invocation: Invocation, counts: dict[str, int]) -> None:
    records = [{"table": table, "rows": rows} for table, rows in sorted(counts.items()) if rows]
    invocation.printer.records(records, ("table", "rows"), "There is nothing to forget.")


def _forget_spilled(invocation: Invocation, run_pk: int) -> None:
    """Let the backends forget what they hold for a run; one that is not there any more keeps its values."""
    from tradewind.errors import TradewindError

    for xcom in invocation.system.xcoms.spilled([run_pk]):
        try:
            backend = invocation.system.plugins.get("xcom_backend", xcom.backend)()
            backend.delete(xcom.reference)
        except TradewindError as error:
            invocation.say(f"A value of XCom backend {xcom.backend!r} is left behind: {error}")


COMMANDS = (
    Command("init", "make the metadata database (another name of migrate)", _declare_nothing, _migrate),
    Command("migrate", "make the metadata database, or bring it to this version", _declare_nothing, _migrate),
    Command("check", "see that the metadata database can be used", _declare_nothing, _check),
    Command(
        "downgrade", "take the metadata database back to an older version", _declare_downgrade, _downgrade
    ),
    Command("clean", "forget what is old", _declare_clean, _clean),
    Command("reset", "delete everything in the metadata database", _declare_reset, _reset),
)

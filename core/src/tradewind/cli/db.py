"""``tradewind db``: the metadata database."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind.cli.arguments import moment
from tradewind.cli.invocation import Invocation
from tradewind.cli.parser import Command, Parser, whole_number
from tradewind.errors import Refused, StoreError

if TYPE_CHECKING:
    from tradewind.app.housekeeping import Retention
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
        "--clean-before-timestamp", "--before", dest="before", type=moment, metavar="D",
        help="forget runs that ended before D, with all that belongs to them (default: as `retention.days` says)",
    )  # fmt: skip
    parser.add_argument(
        "--keep-runs", type=whole_number, metavar="N",
        help="of each DAG keep so many of the newest runs at most (default: as `retention.runs_per_dag` says, where no "
        "date is given)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only say how much there is to forget")
    parser.yes()
    parser.output()


def _clean(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.app.housekeeping import Retention, forget, old_runs, retention_of

    kept = retention_of(invocation.system)
    if given.before is not None or given.keep_runs is not None:
        kept = Retention(invocation.aware(given.before), given.keep_runs or 0)
    runs = old_runs(invocation.system, kept)
    if given.dry_run:
        _show_counts(invocation, _countable(invocation, kept, runs))
        return
    invocation.confirm(f"Forget {len(runs)} runs with all that belongs to them?", yes=given.yes)
    _show_counts(invocation, dict(forget(invocation.system, kept, runs, invocation.say)))


def _countable(invocation: Invocation, kept: Retention, runs: list[int]) -> dict[str, int]:
    """How much there is to forget, as far as that can be told without doing it."""
    from tradewind.store.cleaning import Cleaner

    counts = {} if kept.since is None else Cleaner(invocation.system.store).count(kept.since)
    return {**{one.table: one.rows for one in counts}, "dag_run": len(runs)}


def _show_counts(invocation: Invocation, counts: dict[str, int]) -> None:
    records = [{"table": table, "rows": rows} for table, rows in sorted(counts.items()) if rows]
    invocation.printer.records(records, ("table", "rows"), "There is nothing to forget.")


def _declare_backup(parser: Parser) -> None:
    parser.place("file", "the backup to write; there must be none of this name", kind=Path)


def _backup(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.store.backup import back_up

    store, home = invocation.system.store, invocation.system.settings.home
    rows = back_up(store, given.file)
    invocation.say(f"Wrote {rows} rows of {store.where} to {given.file}.")
    invocation.say(
        f"Not in it: the key that variables and connections are encrypted with ({home.key_file}), logs, and large XComs "
        f"({home.xcom}). Keep copies of them beside it."
    )


def _declare_restore(parser: Parser) -> None:
    parser.place("file", "the backup", kind=Path)
    parser.add_argument(
        "--keep-on",
        action="store_true",
        help="leave all DAGs switched on that were; without it those with runs that are due, or were going on, are "
        "switched off",
    )
    parser.yes()
    parser.output()


def _restore(invocation: Invocation, given: argparse.Namespace) -> None:
    from tradewind.cli.restoring import due_after_restore, pause_backfills, switch_off
    from tradewind.store.backup import restore
    from tradewind.store.migrating import migrate

    with closing(_as_it_is(invocation)) as store:
        _refuse_beside_scheduler(store)
        question = f"Replace all that {store.where} holds by what {given.file} holds?"
        invocation.confirm(question, yes=given.yes)
        migrate(store)
        rows = restore(store, given.file)
        invocation.say(f"{store.where} has the {rows} rows of the backup.")
    due = due_after_restore(invocation.system)
    if due and not given.keep_on:
        switch_off(invocation.system, due)
        invocation.say(
            "These DAGs would run at once what may have been done since the backup, so they are switched off. "
            "`tradewind dags unpause` lets them go on."
        )
    paused = [] if given.keep_on else pause_backfills(invocation.system)
    if paused:
        numbers = ", ".join(map(str, paused))
        invocation.say(f"Backfills that were going on are paused ({numbers}): `tradewind backfill resume`.")
    records = [
        {"dag_id": one.dag_id, "due_runs": one.due, "open_runs": one.open, "first_due": one.first}
        for one in due
    ]
    columns = ("dag_id", "due_runs", "first_due", "open_runs")
    invocation.printer.records(records, columns, "No run is due, and none was going on.")


COMMANDS = (
    Command("init", "make the metadata database (another name of migrate)", _declare_nothing, _migrate),
    Command("migrate", "make the metadata database, or bring it to this version", _declare_nothing, _migrate),
    Command("check", "see that the metadata database can be used", _declare_nothing, _check),
    Command(
        "downgrade", "take the metadata database back to an older version", _declare_downgrade, _downgrade
    ),
    Command("clean", "forget what is old", _declare_clean, _clean),
    Command("backup", "write all that the metadata database holds to a file", _declare_backup, _backup),
    Command("restore", "put a backup in its place", _declare_restore, _restore),
    Command("reset", "delete everything in the metadata database", _declare_reset, _reset),
)

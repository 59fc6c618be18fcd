"""The versions of a DAG, and what each of them changed."""

from __future__ import annotations

from itertools import pairwise

from tradewind.cli.invocation import Invocation
from tradewind.cli.records import version_record
from tradewind.errors import NotFound
from tradewind.model.spec import DagVersion
from tradewind.serialization.changes import changes, summary
from tradewind.store.rows import VersionRow


def show_versions(invocation: Invocation, dag_id: str) -> None:
    """List the versions of a DAG, oldest first, each with what it changed."""
    dags = invocation.system.dags
    current = dags.get(dag_id).version_id
    rows = dags.versions(dag_id)
    loaded = [dags.load_version(row.id) for row in rows]
    told = ["", *(summary(changes(old, new)) for old, new in pairwise(loaded))]
    records = [
        {**version_record(row), "is_current": row.id == current, "changes": text}
        for row, text in zip(rows, told, strict=True)
    ]
    columns = ("version_number", "created_at", "is_current", "changes", "id")
    invocation.printer.records(records, columns)


def show_difference(invocation: Invocation, dag_id: str, old: int | None, new: int | None) -> None:
    """What the version ``new`` (the current one) changes against ``old`` (the one before it)."""
    dags = invocation.system.dags
    row = dags.get(dag_id)
    rows = dags.versions(dag_id)
    known = [it.number for it in rows]
    if new is None:
        new = next((it.number for it in rows if it.id == row.version_id), known[-1] if known else 1)
    if old is None:
        old = max((number for number in known if number < new), default=new)
    first, second = _version(invocation, dag_id, rows, old), _version(invocation, dag_id, rows, new)
    found = changes(first, second)
    records = [
        {"subject": it.subject, "change": it.change, "name": it.name, "old": it.old, "new": it.new}
        for it in found
    ]
    if invocation.printer.for_people:
        invocation.printer.line(f"{dag_id}, version {old} to {new}: {summary(found)}")
    if records or not invocation.printer.for_people:
        invocation.printer.records(records, ("subject", "change", "name", "old", "new"))


def _version(invocation: Invocation, dag_id: str, rows: list[VersionRow], number: int) -> DagVersion:
    for row in rows:
        if row.number == number:
            return invocation.system.dags.load_version(row.id)
    raise NotFound(
        f"version of the DAG {dag_id!r} with the number",
        str(number),
        cure=f"`tradewind dags versions {dag_id}` lists them.",
    )

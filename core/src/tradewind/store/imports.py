"""What importing DAG files found: DAGs, versions with their sources, errors and warnings."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from tradewind.model.commands import DagChanged
from tradewind.model.ids import shard_of
from tradewind.store.commands import row_of
from tradewind.store.engine import Store
from tradewind.store.rows import FoundDag, ImportErrorRow, ImportProblem, WarningRow
from tradewind.store.tables import command, dag, dag_version, dag_warning, import_error, source_file

_MICROSECOND = timedelta(microseconds=1)

# Built once: each import executes all of these, and building a statement takes longer than SQLite takes to execute it.
_SAME_VERSIONS = (
    select(dag_version.c.id)
    .where(
        *(dag_version.c[name] == bindparam(name) for name in ("dag_id", "spec_hash", "source_hash", "folder"))
    )
    .order_by(dag_version.c.number.desc())
)
_NEWEST_NUMBER = select(func.max(dag_version.c.number)).where(dag_version.c.dag_id == bindparam("dag_id"))
_DELETE_ERRORS = delete(import_error).where(
    import_error.c.folder == bindparam("in_folder"), import_error.c.file == bindparam("of_file")
)
_DELETE_WARNINGS = delete(dag_warning).where(dag_warning.c.dag_id == bindparam("of_dag"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileImport:
    """One import of one DAG file.

    :param folder: the DAG folder, absolute.
    :param file: relative to the folder, with forward slashes.
    :param seconds: how long the import took.
    :param visiting: the file is not of the folder that is served: a DAG that another folder has stays where it is, and only
        gets a version.
    """

    folder: str
    file: str
    dags: tuple[FoundDag, ...] = ()
    problems: tuple[ImportProblem, ...] = ()
    seconds: float = 0.0
    visiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import changed.

    :param new: DAGs that were not known before.
    :param changed: DAGs that now stand at another version, or are back; the new ones included.
    :param gone: DAGs that this file had and does not have at present.
    :param refused: DAGs that were not taken, since another file of the folder has them: (DAG, that file).
    :param versions: the version of each DAG that was found and taken.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    versions: dict[str, str] = field(default_factory=dict, compare=False)


class ImportRepository:
    """Keeps what the importer found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(
        self,
        found: FileImport,
        *,
        now: datetime,
        new_id: Callable[[], str],
        paused_default: bool = True,
        announce_as: str | None = None,
    ) -> ImportResult:
        """Keep one import in one transaction; it replaces what the last import of this file left.

        A DAG gets a new version where its spec or its sources are not those of any version that it had. DAGs that the
        file had before and that were not found now are marked stale, and runs of them go on; but not where the import had
        problems: then the last good version stays live.
        A DAG that another file of the folder has is not taken from it; that is an import error which names both.

        :param new_id: makes uuid7s, for versions and commands.
        :param paused_default: whether a DAG seen for the first time is switched off, where it does not say itself.
        :param announce_as: tell the scheduler of what changed, in the same transaction, under this name.
        """
        with self._store.write() as connection:
            known = _known(connection, found)
            others = {
                row.dag_id: row.file
                for row in known.values()
                if row.folder == found.folder and row.file != found.file and not row.is_stale
            }
            taken = [one for one in found.dags if one.dag_id not in others]
            refused = [one.dag_id for one in found.dags if one.dag_id in others]
            double = tuple(_defined_twice(dag_id, found.file, others[dag_id]) for dag_id in refused)
            _replace_errors(connection, replace(found, problems=found.problems + double), now)
            versions: dict[str, str] = {}
            changed = []
            for one in taken:
                before = known.get(one.dag_id)
                versions[one.dag_id] = _version(connection, found.folder, one, before, now, new_id)
                if _take(connection, found, one, before, versions[one.dag_id], now, paused_default):
                    changed.append(one.dag_id)
            here = {one.dag_id for one in taken}
            gone = [
                row.dag_id
                for row in known.values()
                if row.dag_id not in here
                and (row.folder, row.file) == (found.folder, found.file)
                and not row.is_stale
                and not found.problems
            ]
            _mark_stale(connection, gone)
            if announce_as is not None:
                _announce(connection, (*changed, *gone), announce_as, now, new_id)
        return ImportResult(
            new=tuple(dag_id for dag_id in changed if dag_id not in known),
            changed=tuple(changed),
            gone=tuple(gone),
            refused=tuple((dag_id, others[dag_id]) for dag_id in refused),
            versions=versions,
        )

    def forget(
        self,
        folder: str,
        files: Iterable[str],
        *,
        now: datetime | None = None,
        new_id: Callable[[], str] | None = None,
        announce_as: str | None = None,
    ) -> list[str]:
        """These files are gone: their import errors go, their DAGs become stale.

        :param announce_as: as for :meth:`record`; needs the two others.
        :returns: the DAGs that became stale.
        """
        stale: list[str] = []
        with self._store.write() as connection:
            for file in files:
                _replace_errors(connection, FileImport(folder=folder, file=file), None)
                here = (dag.c.folder == folder) & (dag.c.file == file) & dag.c.is_stale.is_(False)
                found = connection.scalars(select(dag.c.dag_id).where(here)).all()
                _mark_stale(connection, found)
                stale += found
            if announce_as is not None and now is not None and new_id is not None:
                _announce(connection, stale, announce_as, now, new_id)
        return stale

    def known_files(self, folder: str) -> set[str]:
        """The files of a DAG folder that have DAGs or import errors on record."""
        with self._store.read() as connection:
            return {
                file
                for table in (dag, import_error)
                for file in connection.scalars(select(table.c.file).where(table.c.folder == folder))
            }

    def errors(self, folder: str | None = None) -> list[ImportErrorRow]:
        """What could not be imported, by file."""
        query: Select[Any] = select(import_error).order_by(import_error.c.file, import_error.c.id)
        if folder is not None:
            query = query.where(import_error.c.folder == folder)
        with self._store.read() as connection:
            return [ImportErrorRow(**row) for row in connection.execute(query).mappings()]

    def warnings(self, dag_id: str | None = None) -> list[WarningRow]:
        """Warnings about DAGs, by DAG."""
        columns = [dag_warning.c[name] for name in WarningRow.__dataclass_fields__]
        query = select(*columns).order_by(dag_warning.c.dag_id, dag_warning.c.id)
        if dag_id is not None:
            query = query.where(dag_warning.c.dag_id == dag_id)
        with self._store.read() as connection:
            return [WarningRow(**row) for row in connection.execute(query).mappings()]


def _known(connection: Connection, found: FileImport) -> dict[str, Any]:
    """The rows of the DAGs that were found, and of those that the file had before."""
    of_file = (dag.c.folder == found.folder) & (dag.c.file == found.file)
    of_ids = dag.c.dag_id.in_([one.dag_id for one in found.dags])
    return {row.dag_id: row for row in connection.execute(select(dag).where(of_ids | of_file))}


def _defined_twice(dag_id: str, file: str, other: str) -> ImportProblem:
    return ImportProblem(
        file=file,
        message=f"The DAG {dag_id!r} is defined in {file} and in {other}. The one in {other} stays; "
        f"give one of them another dag_id, or remove it.",
    )


def _version(
    connection: Connection, folder: str, one: FoundDag, before: Any, now: datetime, new_id: Callable[[], str]
) -> str:
    """The version that is just what was found, made where there is none."""
    version_id = _same_version(connection, folder, one, before)
    if version_id is None:
        version_id = new_id()
        _add_version(connection, folder, one, version_id, now)
    return version_id


def _take(
    connection: Connection,
    found: FileImport,
    one: FoundDag,
    before: Any,
    version_id: str,
    now: datetime,
    paused_default: bool,
) -> bool:
    """Let the DAG stand at what was found; whether that differs from how it stood."""
    if found.visiting and before is not None and before.folder != found.folder and not before.is_stale:
        return False
    stands = {
        "version_id": version_id,
        "folder": found.folder,
        "file": found.file,
        "is_stale": False,
        "imported_at": now,
        "import_seconds": timedelta(seconds=found.seconds) // _MICROSECOND,
    }
    if before is None:
        asked = one.paused_at_creation
        first = {
            "dag_id": one.dag_id,
            "shard": shard_of(one.dag_id),
            "paused": paused_default if asked is None else asked,
        }
        connection.execute(dag.insert(), {**first, **stands})
    else:
        connection.execute(update(dag).where(dag.c.dag_id == one.dag_id).values(stands))
    _replace_warnings(connection, one, now)
    return before is None or before.version_id != version_id or before.is_stale


def _same_version(connection: Connection, folder: str, one: FoundDag, before: Any) -> str | None:
    """A version that the DAG had and that is just what was found; the current one, if it is among them."""
    wanted = {
        "dag_id": one.dag_id,
        "spec_hash": one.spec_hash,
        "source_hash": one.source_hash,
        "folder": folder,
    }
    same = connection.scalars(_SAME_VERSIONS, wanted).all()
    if before is not None and before.version_id in same:
        return str(before.version_id)
    return same[0] if same else None


def _add_version(connection: Connection, folder: str, one: FoundDag, version_id: str, now: datetime) -> None:
    newest = connection.execute(_NEWEST_NUMBER, {"dag_id": one.dag_id}).scalar()
    row = {
        "id": version_id,
        "dag_id": one.dag_id,
        "number": (newest or 0) + 1,
        "spec_hash": one.spec_hash,
        "source_hash": one.source_hash,
        "spec": one.spec_text,
        "folder": folder,
        "files": json.dumps(_keep_files(connection, one.files)),
        "created_at": now,
    }
    connection.execute(dag_version.insert(), row)


def _keep_files(connection: Connection, files: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Keep the contents that are not kept yet; the (path, sha256) of all."""
    named = [(path, sha256(content).hexdigest(), content) for path, content in files]
    wanted = {digest: content for _, digest, content in named}
    there = connection.scalars(select(source_file.c.sha256).where(source_file.c.sha256.in_(sorted(wanted))))
    for digest in set(wanted) - set(there):
        connection.execute(source_file.insert(), {"sha256": digest, "content": wanted[digest]})
    return [(path, digest) for path, digest, _ in named]


def _announce(
    connection: Connection, dag_ids: Iterable[str], actor: str, now: datetime, new_id: Callable[[], str]
) -> None:
    rows = [row_of(DagChanged(dag_id=it), id=new_id(), actor=actor, at=now) for it in dag_ids]
    if rows:
        connection.execute(command.insert(), rows)


def _mark_stale(connection: Connection, dag_ids: Collection[str]) -> None:
    if dag_ids:
        connection.execute(update(dag).where(dag.c.dag_id.in_(sorted(dag_ids))).values(is_stale=True))


def _replace_errors(connection: Connection, found: FileImport, now: datetime | None) -> None:
    connection.execute(_DELETE_ERRORS, {"in_folder": found.folder, "of_file": found.file})
    for problem in found.problems:
        row = {"folder": found.folder, "file": found.file, "line": problem.line, "message": problem.message}
        connection.execute(import_error.insert(), {**row, "traceback": problem.traceback, "at": now})


def _replace_warnings(connection: Connection, one: FoundDag, now: datetime) -> None:
    connection.execute(_DELETE_WARNINGS, {"of_dag": one.dag_id})
    for kind, message in one.warnings:
        row = {"dag_id": one.dag_id, "kind": kind, "message": message, "at": now}
        connection.execute(dag_warning.insert(), row)

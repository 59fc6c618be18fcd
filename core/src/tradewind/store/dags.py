"""DAGs and their versions, looked up."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Connection, select

from tradewind.errors import NotFound, StoreError
from tradewind.model.order import VersionBundle
from tradewind.model.spec import DagSpec, DagVersion, SourceFile
from tradewind.store.engine import Store
from tradewind.store.rows import DagRow, VersionRow
from tradewind.store.tables import dag, dag_version, source_file

_VERSION_FILES = select(dag_version.c.dag_id, dag_version.c.number, dag_version.c.folder, dag_version.c.files)


class DagRepository:
    """Looks DAGs up; :class:`tradewind.store.imports.ImportRepository` keeps them.

    :param decode_spec: reads a spec from its text; the serialization of this package where it is not given.
    """

    def __init__(self, store: Store, decode_spec: Callable[[str], DagSpec] | None = None) -> None:
        self._store = store
        self._decode_spec = decode_spec

    def get(self, dag_id: str) -> DagRow:
        """The DAG.

        :raises NotFound: naming close matches.
        """
        with self._store.read() as connection:
            row = connection.execute(select(dag).where(dag.c.dag_id == dag_id)).one_or_none()
            if row is not None:
                return _dag_of(row)
            known = connection.scalars(select(dag.c.dag_id)).all()
        raise NotFound(
            "DAG",
            dag_id,
            known,
            cure="`tradewind dags list` lists them, `tradewind dags list-import-errors` "
            "what could not be imported.",
        )

    def find(
        self, *, folder: str | None = None, paused: bool | None = None, with_stale: bool = False
    ) -> list[DagRow]:
        """DAGs by id.

        :param with_stale: those too whose file is gone or cannot be imported at present.
        """
        query = select(dag).order_by(dag.c.dag_id)
        if folder is not None:
            query = query.where(dag.c.folder == folder)
        if paused is not None:
            query = query.where(dag.c.paused.is_(paused))
        if not with_stale:
            query = query.where(dag.c.is_stale.is_(False))
        with self._store.read() as connection:
            return [_dag_of(row) for row in connection.execute(query)]

    def versions(self, dag_id: str) -> list[VersionRow]:
        """All versions of a DAG, oldest first."""
        columns = [dag_version.c[name] for name in VersionRow.__dataclass_fields__]
        query = select(*columns).where(dag_version.c.dag_id == dag_id).order_by(dag_version.c.number)
        with self._store.read() as connection:
            return [VersionRow(**row) for row in connection.execute(query).mappings()]

    def load_version(self, version_id: str) -> DagVersion:
        """A version with its spec.

        :raises NotFound: where there is no such version.
        """
        with self._store.read() as connection:
            row = connection.execute(select(dag_version).where(dag_version.c.id == version_id)).one_or_none()
        if row is None:
            raise _no_version(version_id)
        return DagVersion(
            id=row.id,
            dag_id=row.dag_id,
            number=row.number,
            spec=self._decode(row.spec),
            folder=row.folder,
            files=_files_of(row.files),
        )

    def current_version(self, dag_id: str) -> DagVersion:
        """The version at which the DAG stands.

        :raises NotFound: where there is no such DAG.
        """
        version_id = self.get(dag_id).version_id
        if version_id is None:
            raise NotFound("version of the DAG", dag_id, cure="Its file was never imported without an error.")
        return self.load_version(version_id)

    def current_texts(self, dag_ids: Collection[str], folder: str) -> dict[str, tuple[str, str]]:
        """Spec (as text) and source hash of the versions at which DAGs of this folder stand."""
        query = (
            select(dag.c.dag_id, dag_version.c.spec, dag_version.c.source_hash)
            .join(dag, dag.c.version_id == dag_version.c.id)
            .where(dag.c.dag_id.in_(sorted(dag_ids)), dag_version.c.folder == folder)
        )
        with self._store.read() as connection:
            return {row.dag_id: (row.spec, row.source_hash) for row in connection.execute(query)}

    def bundle(self, version_id: str) -> VersionBundle:
        """A version's files with their contents.

        :raises NotFound: where there is no such version.
        """
        with self._store.read() as connection:
            row = connection.execute(_VERSION_FILES.where(dag_version.c.id == version_id)).one_or_none()
            if row is None:
                raise _no_version(version_id)
            files = _files_of(row.files)
            contents = _contents(connection, {file.sha256 for file in files})
        missing = [file.path for file in files if file.sha256 not in contents]
        if missing:
            raise StoreError(
                f"The metadata database {self._store.where} lost the file {missing[0]!r} of version "
                f"{row.number} of the DAG {row.dag_id!r}. Save the DAG's file again, then clear the run with "
                f"its newest version."
            )
        return VersionBundle(
            version_id=version_id,
            dag_id=row.dag_id,
            folder=row.folder,
            file=files[0].path if files else "",
            files=tuple((file.path, contents[file.sha256]) for file in files),
        )

    def _decode(self, text: str) -> DagSpec:
        if self._decode_spec is None:
            from tradewind.serialization.specs import decode_spec

            self._decode_spec = decode_spec
        return self._decode_spec(text)


def _no_version(version_id: str) -> NotFound:
    return NotFound("DAG version", version_id, cure="`tradewind dags show` names a DAG's versions.")


def _contents(connection: Connection, digests: Collection[str]) -> dict[str, bytes]:
    query = select(source_file.c.sha256, source_file.c.content).where(
        source_file.c.sha256.in_(sorted(digests))
    )
    return {row.sha256: bytes(row.content) for row in connection.execute(query)}


def _files_of(text: str) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(path=path, sha256=digest) for path, digest in json.loads(text))


def _dag_of(row: Any) -> DagRow:
    fields = dict(row._mapping)
    took = fields.pop("import_seconds")
    return DagRow(**fields, import_seconds=None if took is None else took / 1_000_000)

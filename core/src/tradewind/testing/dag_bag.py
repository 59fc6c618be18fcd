"""A folder of DAG files, imported as Tradewind imports it: to be checked in one's own tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradewind.app.importing import import_folder
from tradewind.app.system import System
from tradewind.errors import NotFound
from tradewind.model.spec import DagSpec

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG


@dataclass(frozen=True, slots=True)
class BagProblem:
    """Something about a file or a DAG. ``where`` is ``file:line`` of an error, the DAG's id of a warning."""

    where: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class DagBag(Mapping[str, DagSpec]):
    """The DAGs of a folder, by id, as they would be scheduled; each file was imported in a process of its own.

    :param folder: the DAG folder.
    :param environ: where settings are read from; this process's environment where it is not given.
    :ivar import_errors: files and DAGs that could not be imported.
    :ivar warnings: what Tradewind, or a plugin's rule, has to say about DAGs.
    """

    def __init__(self, folder: str | os.PathLike[str], environ: Mapping[str, str] | None = None) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise NotFound("folder", str(self.folder))
        with tempfile.TemporaryDirectory(prefix="tradewind-testing-") as home:
            given = {**(os.environ if environ is None else environ)}
            given["TRADEWIND__CORE__DAGS_FOLDER"] = str(self.folder)
            given.pop("TRADEWIND__DATABASE__URL", None)  # whatever it is, it is not for tests
            with System(Path(home), given).opened() as system:
                import_folder(system)
                self._specs = {
                    row.dag_id: system.dags.load_version(row.version_id).spec
                    for row in system.dags.find()
                    if row.version_id is not None
                }
                self.import_errors = [
                    BagProblem(f"{it.file}:{it.line}" if it.line else it.file, it.message, it.traceback)
                    for it in system.imports.errors()
                ]
                self.warnings = [BagProblem(it.dag_id, it.message) for it in system.imports.warnings()]

    def __getitem__(self, dag_id: str) -> DagSpec:
        """The DAG's spec.

        :raises NotFound: naming close matches. It is a :class:`LookupError`.
        """
        if dag_id not in self._specs:
            raise NotFound("DAG", dag_id, self._specs)
        return self._specs[dag_id]

    def __contains__(self, dag_id: object) -> bool:
        return dag_id in self._specs

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def load(self, dag_id: str) -> DAG:
        """The DAG itself, imported into this process: for :func:`tradewind.testing.run_dag`."""
        from tradewind.runner.loading import load_dag

        folder = str(self.folder)
        return load_dag(dag_id, folder, self[dag_id].file, folder).dag

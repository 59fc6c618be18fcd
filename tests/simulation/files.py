"""DAG files: imported, changed, broken and removed, by the store's own code for what the importer found."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tradewind.errors import StoreError
from tradewind.model.spec import DagSpec
from tradewind.store.imports import FileImport, ImportRepository
from tradewind.store.rows import ImportProblem

from .dags import Draft, draft_dag, found
from .features import FEATURES

if TYPE_CHECKING:
    from .world import World

FOLDER = "/dags"
_SCHEDULE = ("timetable", "catchup", "start_date", "end_date", "extra")


class Files:
    """The DAG folder."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._imports = ImportRepository(world.store)
        self.drafts: dict[str, Draft] = {}
        self.specs: dict[str, DagSpec] = {}  #: by version

    def make(self, dag_id: str, dice: Random) -> None:
        """A file appears."""
        draft = draft_dag(dag_id, dice)
        for feature in FEATURES:
            feature.shape(draft, dice)
        before = self.drafts.get(dag_id)
        if before is not None:
            for name in _SCHEDULE:
                draft.fields.pop(name, None)
                if name in before.fields:
                    draft.fields[name] = before.fields[name]
        self.drafts[dag_id] = draft
        self.save(dag_id)

    def change(self, dag_id: str, dice: Random) -> None:
        """A file is changed."""
        self._world.story.note("author", "changes %s.py", dag_id)
        self.make(dag_id, dice)

    def save(self, dag_id: str) -> None:
        """The file is as its draft says, and imported."""
        spec = self.drafts[dag_id].spec()
        self._record(FileImport(folder=FOLDER, file=spec.file, dags=(found(spec),)), spec)

    def break_one(self, dag_id: str, dice: Random) -> None:
        """A file cannot be imported for a while: its last good version stays."""
        self._world.story.note("author", "breaks %s.py", dag_id)
        problem = ImportProblem(file=f"{dag_id}.py", message="SyntaxError: no")
        self._record(FileImport(folder=FOLDER, file=f"{dag_id}.py", problems=(problem,)))
        self._world.after(dice.choice((1.0, 600.0)), lambda: self.save(dag_id))

    def remove(self, dag_id: str, dice: Random) -> None:
        """A file is gone for a while; runs that go on are not touched."""
        self._world.story.note("author", "removes %s.py", dag_id)
        now, new_id = self._world.clock.now(), self._world.ids.new_id
        try:
            self._imports.forget(FOLDER, [f"{dag_id}.py"], now=now, new_id=new_id, announce_as="importer")
        except StoreError:
            return
        self._world.after(dice.choice((1.0, 600.0)), lambda: self.save(dag_id))

    def _record(self, record: FileImport, spec: DagSpec | None = None) -> None:
        try:
            result = self._imports.record(
                record,
                now=self._world.clock.now(),
                new_id=self._world.ids.new_id,
                paused_default=False,
                announce_as="importer",
            )
        except StoreError:
            self._world.after(5.0, lambda: self._record(record, spec))
            return
        if spec is not None:
            self.specs[result.versions[spec.dag_id]] = spec
        self._world.ring()

"""The importer's process: notices changed files, has them imported, and hands in what was found."""

from __future__ import annotations

import heapq
import logging
import os
import selectors
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tradewind.importing.client import TRIES, Answer, ImportServer
from tradewind.importing.folder import fingerprint, may_hold_dags, scan
from tradewind.importing.results import ImportOptions, ImportResult
from tradewind.importing.versions import Stored, Verdict, is_unsure, settle
from tradewind.importing.watcher import LOOK_EVERY, Watcher
from tradewind.ports.executor import BEAT_EVERY

log = logging.getLogger("tradewind.importer")

SETTLE = 0.05  #: seconds of silence after a change before the folder is looked at
SETTLE_AT_MOST = 0.5  #: the same in a folder that is never silent
_HEAD_START = 60.0  #: seconds by which a changed file goes before one that is only refreshed


@dataclass(frozen=True, slots=True)
class Saved:
    """What keeping a result, or forgetting files, came to.

    :param refused: the file has a DAG that another file has too.
    :param freed: a file no longer has a DAG that it had, and another may take it.
    """

    refused: bool = False
    freed: bool = False


class Sink(Protocol):
    """Where results go. Each call is one transaction."""

    def known_files(self) -> set[str]:
        """Files of the folder that results are on record for."""
        ...

    def stored(self, dag_ids: Collection[str]) -> Mapping[str, Stored]:
        """The current versions of DAGs, as far as this folder has them."""
        ...

    def save(
        self, result: ImportResult, stored: Mapping[str, Stored], verdicts: Mapping[str, Verdict]
    ) -> Saved:
        """Keep a result.

        :param stored: as it was when the verdicts were made.
        :param verdicts: about DAGs that are stored with the same sources.
        """
        ...

    def forget(self, files: Iterable[str]) -> Saved:
        """These files are gone."""
        ...


@dataclass(slots=True)
class _File:
    """What is known of a file."""

    looked_at: dict[str, str] = field(default_factory=dict)
    refresh_at: float = 0.0
    pending: bool = False  # waits for a server, or is with one
    missed: bool = False  # somebody looked in the meantime
    first: ImportResult | None = None  # the first of two imports that are compared
    lost: int = 0  # imports in a row that ended with their server
    refused: bool = False  # has a DAG that another file has


REST_AFTER = 5.0  #: seconds without an import until the servers are let go


class DagProcessor:
    """Keeps what is stored in step with a DAG folder.

    :param refresh: seconds after which a file is imported again although nothing changed.
    :param servers: how many files are imported at once.
    :param beat: called every few seconds while it serves.
    """

    def __init__(
        self,
        options: ImportOptions,
        sink: Sink,
        answer: Answer,
        *,
        refresh: float = 300.0,
        servers: int = 2,
        safe_mode: bool = True,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._options = options
        self._sink = sink
        self._refresh = refresh
        self._safe_mode = safe_mode
        self._servers = [ImportServer(options, answer, lean=True) for _ in range(servers)]
        self._watcher = Watcher()
        self._files: dict[str, _File] = {}
        self._queue: list[tuple[float, str]] = []  # a heap, by urgency
        self._due: list[tuple[float, str]] = []  # a heap, by the time of the refresh
        self._told: set[str] = set()
        self._rest_at: float | None = time.monotonic() + REST_AFTER
        self._beat = beat
        self._beat_at = time.monotonic()
        self.stopping = False

    def run(self, wake: int | None = None) -> None:
        """Serve until :attr:`stopping` is set.

        :param wake: a descriptor that can be read when that happens.
        """
        with selectors.DefaultSelector() as selector:
            if wake is not None:
                selector.register(wake, selectors.EVENT_READ)
            if self._watcher.source is not None:
                selector.register(self._watcher.source, selectors.EVENT_READ, self._watcher)
            self.look()
            since: float | None = None  # when the first change was told that nobody has looked at
            look_at: float | None = None
            while not self.stopping:
                ready = self._turn(selector, self._patience(look_at))
                now = time.monotonic()
                if self._watcher in ready and self._watcher.changed():
                    since = now if since is None else since
                    look_at = min(now + SETTLE, since + SETTLE_AT_MOST)
                if (look_at is not None and now >= look_at) or self._watcher.source is None:
                    since = look_at = None
                    self.look()
                self._queue_due(now)
                self._rest(now)
                if now >= self._beat_at:
                    self._beat_at = now + BEAT_EVERY
                    self._beat()

    def _rest(self, now: float) -> None:
        """Let servers go that have had nothing to do for a while: one is there again in a fraction of a second."""
        if self._queue or any(server.file is not None for server in self._servers):
            self._rest_at = now + REST_AFTER
        elif self._rest_at is not None and self._rest_at <= now:
            self._rest_at = None
            for server in self._servers:
                server.close()

    def import_all(self) -> None:
        """Look at the folder once, and import all that changed since."""
        self.look()
        with selectors.DefaultSelector() as selector:
            while self._queue or any(server.file is not None for server in self._servers):
                self._turn(selector, None)

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.close()
        self._watcher.close()

    def _turn(self, selector: selectors.BaseSelector, patience: float | None) -> list[object]:
        """Keep the servers busy, and wait for one of them or for something else; what can be read.

        :param patience: seconds to wait at most; ``None``: as long as there are imports.
        """
        self._hand_out()
        busy = [server for server in self._servers if server.file is not None]
        for server in busy:
            selector.register(server, selectors.EVENT_READ, server)
        ready = [key.data for key, _ in selector.select(patience if busy or patience else 0)]
        for server in busy:
            selector.unregister(server)
        for server in busy:
            if server in ready:
                self._read(server)
        return ready

    # -- what there is -------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Find out which files are there, which changed, and which are gone."""
        found = scan(self._options.folder)
        for problem in found.problems:
            if problem not in self._told:
                self._told.add(problem)
                log.warning("%s", problem)
        gone = (self._sink.known_files() | set(self._files)) - set(found.files)
        # A folder that cannot be read for a while is no reason to give up the DAGs in it.
        gone = {file for file in gone if not found.may_hold(file)}
        for file in gone:
            self._files.pop(file, None)
        if gone and self._sink.forget(sorted(gone)).freed:
            self._offer_freed()
        for file in found.files:
            self._look_at(file)
        rested_on = {os.path.dirname(path) or "." for it in self._files.values() for path in it.looked_at}
        self._watcher.watch(self._path(folder) for folder in {*found.folders, *rested_on})

    def _look_at(self, file: str) -> None:
        known = self._files.get(file)
        if known is None:
            known = self._files[file] = _File()
        elif known.pending:
            known.missed = True
            return
        elif not self._has_changed(known):
            return
        self._enqueue(file, known)

    def _has_changed(self, known: _File) -> bool:
        return any(fingerprint(self._path(path)) != mark for path, mark in known.looked_at.items())

    def _offer_freed(self) -> None:
        """A DAG id is free: maybe a file that could not have it takes it."""
        for file, known in self._files.items():
            if known.refused and not known.pending:
                self._enqueue(file, known)

    def _enqueue(self, file: str, known: _File, head_start: float = _HEAD_START) -> None:
        known.pending = True
        heapq.heappush(self._queue, (time.monotonic() - head_start, file))

    def _queue_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            moment, file = heapq.heappop(self._due)
            known = self._files.get(file)
            if known is not None and not known.pending and known.refresh_at == moment:
                self._enqueue(file, known, head_start=0.0)

    def _patience(self, look_at: float | None) -> float:
        now = time.monotonic()
        moments = [self._beat_at, now + self._refresh, *([self._due[0][0]] if self._due else ())]
        if self._rest_at is not None:
            moments.append(self._rest_at)
        moments += [look_at] if look_at is not None else []
        moments += [now + LOOK_EVERY] if self._watcher.source is None else []
        return float(max(0.0, min(moments) - now))

    # -- importing -----------------------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        for server in self._servers:
            while server.file is None and self._queue:
                _, file = heapq.heappop(self._queue)
                known = self._files.get(file)
                if known is None:
                    continue
                known.missed = False
                mark = fingerprint(self._path(file))
                if self._is_no_dag_file(file):
                    self._conclude(file, known, ImportResult(file=file, looked_at={file: mark}), {}, {})
                else:
                    server.begin(file)

    def _is_no_dag_file(self, file: str) -> bool:
        if not self._safe_mode:
            return False
        try:
            with open(self._path(file), "rb") as content:
                return not may_hold_dags(content.read(self._limit + 1))
        except OSError:
            return False  # the import says what is wrong with it

    @property
    def _limit(self) -> int:
        return int(self._options.limits.max_file_mb * 1024 * 1024)

    def _read(self, server: ImportServer) -> None:
        file = server.file
        result = server.read()
        if result is None or file is None:
            return
        known = self._files.get(file)
        if known is None:
            return  # it went while it was imported
        if result.failure is not None and result.failure.limit == "server":
            known.lost += 1
            if known.lost < TRIES:
                self._enqueue(file, known)
                return
        known.lost = 0
        stored = self._sink.stored([it.dag_id for it in result.dags])
        if known.first is None and is_unsure(result, stored):
            known.first = result
            self._enqueue(file, known)
            return
        first, known.first = known.first, None
        self._conclude(file, known, result, stored, settle(result, first, stored))

    def _conclude(
        self,
        file: str,
        known: _File,
        result: ImportResult,
        stored: Mapping[str, Stored],
        verdicts: Mapping[str, Verdict],
    ) -> None:
        known.pending = False
        # An import that was cut short did not get to all that it rests on: the last one knew.
        before = known.looked_at if result.failure is not None else {}
        known.looked_at = {
            file: fingerprint(self._path(file)),
            **{path: fingerprint(self._path(path)) for path in before},
            **result.looked_at,
        }
        known.refresh_at = time.monotonic() + self._refresh
        heapq.heappush(self._due, (known.refresh_at, file))
        if result.failure is not None:
            where = f"{file}:{result.failure.line}" if result.failure.line else file
            log.error("%s could not be imported: %s", where, result.failure.message)
        saved = self._sink.save(result, stored, verdicts)
        known.refused = saved.refused
        if saved.freed:
            self._offer_freed()
        if known.missed:
            known.missed = False
            self._look_at(file)

    def _path(self, file: str) -> str:
        return os.path.join(self._options.folder, *file.split("/"))

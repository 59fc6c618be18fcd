"""Imports one DAG file: runs in a process of its own, which ends afterwards. The only place that runs authors' code here."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import gc
import hashlib
import io
import os
import resource
import signal
import socket
import sys
import time
import warnings
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from tradewind.errors import DefinitionError, ImportTimeError, Refused
from tradewind.importing import failures, wire
from tradewind.importing.closure import Closure
from tradewind.importing.folder import fingerprint
from tradewind.importing.results import ImportedDag, ImportFailure, ImportOptions, ImportResult, LoadedFile
from tradewind.importing.runtime import ImportRuntime
from tradewind.model.spec import TimetableSpec
from tradewind.ports.runtime import serve
from tradewind.serialization.specs import encode_spec

#: The server sends this when time is over, to learn where the import hangs; the process is killed right after.
TRACE_SIGNAL = signal.SIGUSR2
#: Exit code of a child whose line to the server was closed by the file that it imported.
EXIT_NO_LINE = 113

MODULE_PREFIX = "tradewind_dag_"

_SPARE_FILES = 64  # for what we do after the file took all that it may
_SPARE_MEMORY = 256 << 20
_MAX_WARNINGS = 100
PR_SET_PDEATHSIG = 1
_GARBAGE_AFTER = 20_000  # objects: most files end before that, and need no collection at all


def run(file: str, options: ImportOptions, line: socket.socket, output: int, trace: int) -> NoReturn:
    """Import ``file``, hand in the result over ``line`` and end the process."""
    code = EXIT_NO_LINE
    own = os.getpid()
    try:
        lacking = [name for name in options.common if name not in sys.modules]
        line, trace = _settle_in(options, line, output, trace)
        result = _Import(file, options, line).run()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # streams may be closed or replaced by anything
                stream.flush()
        if os.getpid() != own:
            os._exit(0)  # the file forked, and this is the copy: it has nothing to hand in
        needed = tuple(name for name in lacking if name in sys.modules)
        line.sendall(_encoded(result, needed, options))
        code = 0
    except OSError:
        pass
    finally:
        os._exit(code)


def _settle_in(
    options: ImportOptions, line: socket.socket, output: int, trace: int
) -> tuple[socket.socket, int]:
    """Make the process its own: session, signals, streams, descriptors, limits."""
    os.setsid()
    gc.set_threshold(_GARBAGE_AFTER)
    control_process(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    # Free 0 .. 4 first: any of the descriptors that we are about to place may sit there.
    line_fd, output, trace, nothing = (_above(fd, 5) for fd in (line.detach(), output, trace, nothing))
    for source, target in ((nothing, 0), (output, 1), (output, 2), (line_fd, 3), (trace, 4)):
        os.dup2(source, target, inheritable=target < 3)
    os.closerange(5, max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1024))
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    sys.stdout, sys.stderr = _writer(1), _writer(2)
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, f"__{name}__", getattr(sys, name))
    faulthandler.enable(4)
    faulthandler.register(TRACE_SIGNAL, 4, all_threads=True, chain=False)
    for name in options.hidden:
        os.environ.pop(name, None)
    _limit(options)
    return socket.socket(fileno=3), 4


def control_process(option: int, value: int) -> None:
    """Call ``prctl`` where there is one (Linux)."""
    if sys.platform == "linux":
        _system_library().prctl(option, value, 0, 0, 0)


@cache
def _system_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _writer(fd: int) -> io.TextIOWrapper:
    # Line by line, so that what was printed before a crash is there.
    raw = io.BufferedWriter(io.FileIO(fd, "w", closefd=False))
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True)


def _above(fd: int, lowest: int) -> int:
    return fd if fd >= lowest else fcntl.fcntl(fd, fcntl.F_DUPFD, lowest)


def _limit(options: ImportOptions) -> None:
    limits = options.limits
    allowed = limits.memory_mb << 20
    # RLIMIT_DATA counts memory that can really be filled. RLIMIT_AS counts reservations too, of which numeric libraries make
    # many for each core, so it is only the outer fence (shared memory escapes the other one).
    used = _used_memory()
    _set_limit(resource.RLIMIT_DATA, used + allowed, _SPARE_MEMORY)
    _set_limit(resource.RLIMIT_AS, used + 8 * allowed, _SPARE_MEMORY)
    _set_limit(resource.RLIMIT_NOFILE, limits.open_files, _SPARE_FILES)
    _set_limit(resource.RLIMIT_CORE, 0, 0)
    # The wall clock is watched from outside. This one ends what nobody watches any more.
    _set_limit(resource.RLIMIT_CPU, int(limits.timeout + 1) * (os.cpu_count() or 1) + 1, 1)


def _used_memory() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 30


def _set_limit(kind: int, soft: int, spare: int) -> None:
    _, hard = resource.getrlimit(kind)
    top = soft + spare if hard == resource.RLIM_INFINITY else min(soft + spare, hard)
    with contextlib.suppress(ValueError, OSError):  # some systems know a limit and refuse to set it
        resource.setrlimit(kind, (min(soft, top), top))


def _lift_limits() -> None:
    """Let us finish where the file used everything up."""
    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NOFILE):
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (hard, hard))


def _encoded(result: ImportResult, needed: tuple[str, ...], options: ImportOptions) -> bytes:
    encoded = wire.encode(wire.Finished(result, needed))
    if len(encoded) <= options.limits.max_result_mb << 20:
        return encoded
    failure = ImportFailure(
        message=f"The file's DAGs and the files that they load come to {len(encoded) / 1e6:.1f} MB; at most "
        f"{options.limits.max_result_mb} MB are kept. Make fewer tasks, or read large files inside tasks.",
        file=result.file,
        limit="size",
    )
    return wire.encode(wire.Finished(ImportResult(file=result.file, failure=failure, seconds=result.seconds)))


class _Import:
    def __init__(self, file: str, options: ImportOptions, line: socket.socket) -> None:
        self._file = file
        self._options = options
        self._line = line
        self._path = os.path.join(options.folder, *file.split("/"))
        self._max_bytes = int(options.limits.max_file_mb * 1e6)
        self._closure = Closure(options.folder, self._max_bytes)
        self._warnings: list[str] = []
        self._asked = 0

    def run(self) -> ImportResult:
        began = time.perf_counter()
        failure = None
        dags: tuple[ImportedDag, ...] = ()
        files: dict[str, LoadedFile] = {}
        self._closure.looked_at[self._file] = fingerprint(self._path)
        try:
            with serve(ImportRuntime(self._ask, self._options.default_timezone)):
                module = self._load()
                found = self._collect(module)
                self._closure.stop()
                _lift_limits()
                files = self._closure.files()
                dags = self._describe(found, files)
        except (
            BaseException
        ) as error:  # whatever a DAG file raises, SystemExit included, is its own failure alone
            self._closure.stop()
            _lift_limits()
            failure = failures.of_exception(
                error, self._file, self._path, self._closure.relative, self._options.limits
            )
            self._note_missing(error)
        return ImportResult(
            file=self._file,
            dags=dags,
            files=tuple(files.values()),
            failure=failure,
            looked_at=self._closure.looked_at,
            warnings=(*self._warnings, *self._closure.warnings()),
            asked=self._asked > 0,
            seconds=time.perf_counter() - began,
        )

    def _load(self) -> ModuleType:
        size = os.path.getsize(self._path)
        if size > self._max_bytes:
            raise failures.Unreadable(
                f"The file is {size / 1e6:.1f} MB large; a DAG file may have {self._max_bytes / 1e6:g} MB. Move data "
                f"out of it, or raise the limit on file size."
            )
        sys.dont_write_bytecode = False
        sys.path.insert(0, self._options.folder)
        module = ModuleType(module_name(self._file))
        module.__file__ = self._path
        sys.modules[module.__name__] = module
        self._closure.install(module.__name__)
        content = self._closure.load(self._path)
        failures.check_source(content)
        warnings.showwarning = self._on_warning
        code = compile(content, self._path, "exec", dont_inherit=True)
        exec(code, module.__dict__)
        return module

    def _collect(self, module: ModuleType) -> list[Any]:
        name, _, attribute = self._options.collector.partition(":")
        return list(getattr(import_module(name), attribute)(module))

    def _describe(self, dags: list[Any], files: dict[str, LoadedFile]) -> tuple[ImportedDag, ...]:
        loaded = (self._file, *sorted(path for path in files if path != self._file))
        described: dict[str, ImportedDag] = {}
        for dag in dags:
            spec = replace(dag.spec(), file=self._file)
            spec = replace(spec, timetable=self._trigger_times(dag) or spec.timetable)
            if spec.dag_id in described:
                raise DefinitionError(
                    f"The file defines two DAGs with the id {spec.dag_id!r}. Give each one an id of its own.",
                    f"{self._path}:{spec.line}" if spec.line else None,
                )
            templates = self._closure.template_files(dag)
            files.update(templates)
            own = (*loaded, *sorted(path for path in templates if path not in loaded))
            described[spec.dag_id] = ImportedDag(dag_id=spec.dag_id, spec=encode_spec(spec), files=own)
        return tuple(described.values())

    def _trigger_times(self, dag: Any) -> TimetableSpec | None:
        crons, deltas = self._options.crons_trigger, self._options.deltas_trigger
        if not (crons or deltas):
            return None
        from tradewind.authoring.schedule import at_trigger_times

        return at_trigger_times(dag.schedule, dag.timezone, crons=crons, deltas=deltas)

    def _note_missing(self, error: BaseException | None) -> None:
        while error is not None:
            if isinstance(error, ModuleNotFoundError) and error.name:
                self._closure.missing_module(error.name)
            error = error.__cause__ or error.__context__

    def _on_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: Any = None,
        line: str | None = None,
    ) -> None:
        if len(self._warnings) < _MAX_WARNINGS:
            place = self._closure.relative(filename) or filename
            self._warnings.append(f"{place}:{lineno}: {category.__name__}: {message}"[:2000])

    def _ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        self._asked += 1
        self._line.sendall(wire.encode(wire.Question(self._asked, operation, arguments)))
        answer = wire.receive(self._line)
        if not isinstance(answer, wire.Answer) or answer.id != self._asked:
            raise ImportTimeError(f"The line to the DAG processor broke while {operation} was asked.")
        if answer.error is not None:
            raise Refused(answer.error)
        return answer.value


def module_name(file: str) -> str:
    """The name under which a DAG file is imported: its own for each path, so that it never hides another module."""
    stem = os.path.splitext(os.path.basename(file))[0]
    return f"{MODULE_PREFIX}{hashlib.sha256(file.encode(errors='surrogateescape')).hexdigest()[:16]}_{stem}"

"""The import server: a warm, single-threaded process that forks a child for each file and watches over it.

It serves one import at a time and never runs a DAG file itself. When the processor goes, it kills its child and ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import selectors
import signal
import socket
import time
import traceback
import warnings
from dataclasses import replace
from importlib import import_module
from typing import NoReturn

from tradewind.errors import ImportTimeError
from tradewind.importing import child, failures, wire
from tradewind.importing.folder import fingerprint
from tradewind.importing.results import ImportFailure, ImportOptions, ImportResult

_PR_SET_CHILD_SUBREAPER = 36
_TRACE_GRACE = 0.2  #: seconds for a child that hangs to say where
_SWEEPS = 50


def main(line: int) -> NoReturn:
    """What a server does that is a program of its own."""
    run(socket.socket(fileno=line))


def run(line: socket.socket) -> NoReturn:
    """What the server's process does until its owner hangs up."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        kept = line.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
        serve(line)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def serve(processor: socket.socket) -> None:
    """Import what the processor asks for until it hangs up."""
    setup = wire.receive(processor)
    if not isinstance(setup, wire.Setup):
        return
    _become_reaper()
    problems = _warm_up(setup.options)
    with _Bell() as bell:
        while isinstance(request := wire.receive(processor), wire.Import):
            with _Watch(request.file, setup.options, processor, bell) as watch:
                result = watch.run()
                if result is None:
                    return
                if problems:
                    result = replace(result, warnings=(*problems, *result.warnings))
                # Before the cleaning up, so that the processor has something to do meanwhile.
                processor.sendall(wire.encode(wire.Finished(result)))
            _learn(watch.needed)


def _warm_up(options: ImportOptions) -> tuple[str, ...]:
    """Import what every DAG file needs, so that each child is forked with it."""
    problems = []
    import_module(options.collector.partition(":")[0])
    for preparer in options.preparers:
        name, _, attribute = preparer.partition(":")
        try:
            getattr(import_module(name), attribute)()
        except Exception as error:
            problems.append(
                f"The plugin's {preparer} failed and was left out: {type(error).__name__}: {error}"
            )
    # Python shows deprecations where they are its user's own: here that is the DAG file.
    warnings.filterwarnings("default", category=DeprecationWarning, module=child.MODULE_PREFIX)
    gc.collect()
    gc.freeze()
    return tuple(problems)


def _learn(modules: tuple[str, ...]) -> None:
    """Import what the last file needed, so that the next children are forked with it."""
    for name in modules:
        # A module that cannot be imported here is a DAG file's trouble, and is told there.
        with contextlib.suppress(Exception):
            import_module(name)
    if modules:
        gc.collect()
        gc.freeze()


def _become_reaper() -> None:
    """Have processes that an import leaves behind become our children, so that they can be found and ended."""
    child.control_process(_PR_SET_CHILD_SUBREAPER, 1)


class _Bell:
    """Turns SIGCHLD into something that ``select`` sees."""

    def __enter__(self) -> _Bell:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)

    def fileno(self) -> int:
        return self._read

    def silence(self) -> None:
        try:
            while os.read(self._read, 4096):
                pass
        except BlockingIOError:
            pass


class _Output:
    """The start and the end of what a child prints."""

    def __init__(self, kib: int) -> None:
        self._limit = kib * 1024
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        room = self._limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if len(self._tail) > 2 * self._limit:
            self._trim()

    @property
    def size(self) -> int:
        """Bytes that came in so far."""
        return len(self._head) + len(self._tail) + self._dropped

    def text(self) -> str:
        self._trim()
        note = f"\n... {self._dropped:,} bytes left out ...\n".encode() if self._dropped else b""
        return (bytes(self._head) + note + bytes(self._tail)).decode(errors="replace")

    def _trim(self) -> None:
        extra = len(self._tail) - self._limit
        if extra > 0:
            del self._tail[:extra]
            self._dropped += extra


class _Watch:
    """One import, from fork to the last process that it left behind."""

    def __init__(self, file: str, options: ImportOptions, processor: socket.socket, bell: _Bell) -> None:
        self._file = file
        self._options = options
        self._path = os.path.join(options.folder, *file.split("/"))
        self._processor = processor
        self._bell = bell
        self._output = _Output(options.limits.output_kib)
        self._inbox = wire.Inbox((options.limits.max_result_mb << 20) + 1024)
        self._result: ImportResult | None = None
        self.needed: tuple[str, ...] = ()  #: modules that the child had to import and that many files need
        self._broken: ImportTimeError | None = None
        self._status: int | None = None

    def run(self) -> ImportResult | None:
        """The result; ``None`` when the processor is gone."""
        self._mark = fingerprint(self._path)
        began = time.monotonic()
        ours, theirs = socket.socketpair()
        output_read, output_write = os.pipe()
        trace_read, trace_write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            child.run(self._file, self._options, theirs, output_write, trace_write)
        theirs.close()
        os.close(output_write)
        os.close(trace_write)
        ours.setblocking(False)
        os.set_blocking(output_read, False)
        os.set_blocking(trace_read, False)
        self._line, self._output_fd, self._trace_fd = ours, output_read, trace_read
        timed_out = self._watch(began + self._options.limits.timeout)
        return None if timed_out is None else self._conclude(timed_out, time.monotonic() - began)

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all()
        self._line.close()
        os.close(self._output_fd)
        os.close(self._trace_fd)

    def _watch(self, deadline: float) -> bool | None:
        """Whether time ran out; ``None`` when the processor is gone."""
        with selectors.DefaultSelector() as selector:
            for source in (self._line, self._output_fd, self._bell, self._processor):
                selector.register(source, selectors.EVENT_READ)
            while self._result is None and self._broken is None and not self._has_ended():
                left = deadline - time.monotonic()
                if left <= 0:
                    return True
                for key, _ in selector.select(left):
                    if key.fileobj is self._processor:
                        if not self._pass_answer_on():
                            return None
                    elif key.fileobj is self._bell:
                        self._bell.silence()
                    elif not self._take(key.fileobj):
                        selector.unregister(key.fileobj)
        return False

    def _take(self, source: object) -> bool:
        """Read what is there; whether more may come."""
        return self._read_line() if source is self._line else self._read_output()

    def _read_line(self) -> bool:
        try:
            data = self._line.recv(1 << 20)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        self._feed(data)
        return bool(data)

    def _feed(self, data: bytes) -> None:
        """Take what the child says: questions go on to the processor, the result stays here."""
        try:
            for message in self._inbox.feed(data):
                if isinstance(message, wire.Finished):
                    self._result = message.result
                    self.needed = message.needed
                else:
                    self._processor.sendall(wire.encode(message))
        except ImportTimeError as error:
            self._broken = error

    def _read_output(self) -> bool:
        try:
            data = os.read(self._output_fd, 1 << 20)
        except BlockingIOError:
            return True
        self._output.add(data)
        return bool(data)

    def _pass_answer_on(self) -> bool:
        message = wire.receive(self._processor)
        if not isinstance(message, wire.Answer):
            return False
        try:
            # An answer is small and the child waits for it, so it fits the socket's buffer.
            self._line.sendall(wire.encode(message))
        except OSError:
            pass  # the child is gone or broken; its end tells
        return True

    def _has_ended(self) -> bool:
        """Whether the child is dead. It stays unreaped, so that its group's number cannot become somebody else's."""
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _conclude(self, timed_out: bool, seconds: float) -> ImportResult:
        trace = self._where_it_hangs() if timed_out else ""
        if self._result is None:
            self._end_child()
        if self._result is None and self._broken is None and not timed_out:
            while self._line_has_more():
                pass
        for _ in range(1024):  # bounded: somebody who escaped may still be printing
            before = self._output_size()
            self._read_output()
            if self._output_size() == before:
                break
        if self._result is not None:
            return replace(self._result, file=self._file, output=self._output.text())
        trace = trace or self._read_trace()
        return ImportResult(
            file=self._file,
            failure=self._failure(timed_out, trace),
            looked_at={self._file: self._mark, **self._named_in(trace)},
            output=self._output.text(),
            seconds=seconds,
        )

    def _failure(self, timed_out: bool, trace: str) -> ImportFailure:
        if timed_out:
            return failures.of_timeout(self._file, self._path, self._options.limits, trace)
        if self._broken is not None:
            return ImportFailure(
                message=f"The file wrote to a descriptor that is not its own, and the import was stopped: {self._broken}",
                file=self._file,
            )
        assert self._status is not None
        if os.waitstatus_to_exitcode(self._status) == child.EXIT_NO_LINE:
            return failures.of_lost_line(self._file)
        return failures.of_exit(self._file, self._path, self._status, trace)

    def _named_in(self, trace: str) -> dict[str, str]:
        """The files of the folder through which the import came to its end, with their fingerprints."""
        root = self._options.folder + os.sep
        paths = {path for path in failures.paths_in(trace) if path.startswith(root) and path != self._path}
        return {path[len(root) :].replace(os.sep, "/"): fingerprint(path) for path in paths}

    def _where_it_hangs(self) -> str:
        """Ask the child to print where it stands, and give it a moment to do so."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, child.TRACE_SIGNAL)
        trace = ""
        deadline = time.monotonic() + _TRACE_GRACE
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self._trace_fd], [], [], left)
            if not ready:
                break
            piece = self._read_trace()
            if not piece:
                break
            trace += piece
        return trace

    def _read_trace(self) -> str:
        try:
            return os.read(self._trace_fd, 65536).decode(errors="replace")
        except BlockingIOError:
            return ""

    def _line_has_more(self) -> bool:
        """Read what the child wrote before it ended; whether there may be more."""
        if self._result is not None or self._broken is not None:
            return False
        try:
            data = self._line.recv(1 << 20)
        except (BlockingIOError, ConnectionError):
            return False
        self._feed(data)
        return bool(data)

    def _output_size(self) -> int:
        return self._output.size

    def _end_child(self) -> None:
        """Kill the child with its process group, and reap it."""
        if self._status is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        _, self._status = os.waitpid(self._pid, 0)

    def _end_all(self) -> None:
        """Kill whatever the import left behind: orphans became our children."""
        self._end_child()
        for _ in range(_SWEEPS):
            left = _children()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                while os.waitpid(-1, 0 if left else os.WNOHANG)[0]:
                    left = left[1:]
            except ChildProcessError:
                return
            if not left:
                return


def _children() -> list[int]:
    """The processes whose parent is this one (Linux)."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as children:
            return [int(word) for word in children.read().split()]
    except OSError:
        return []

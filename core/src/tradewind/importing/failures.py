"""Why an import failed, in words: from the exception in the importing process, or from how that process ended."""

from __future__ import annotations

import os
import re
import signal
import tokenize
import traceback
from collections.abc import Callable
from io import BytesIO
from types import TracebackType

from tradewind.errors import DefinitionError, ImportTimeError
from tradewind.importing.results import ImportFailure, Limits

_MAX_TRACEBACK = 64 * 1024
_MAX_MESSAGE = 4 * 1024
_OURS = (os.path.join("tradewind", "importing"), "<frozen importlib")
_WHERE = re.compile(r"(?P<path>.+):(?P<line>\d+)\Z")
_FRAME = re.compile(r'File "(?P<path>.+?)", line (?P<line>\d+)')

#: by the name of the exception, so that subclasses elsewhere keep their own words
_CURES = {
    "EOFError": "Nobody can type anything in while a DAG file is imported: read a Variable or a param instead.",
    "SystemExit": "A DAG file must not end the process: leave out sys.exit(), or put it under "
    "`if __name__ == '__main__':`.",
    "RecursionError": "Look for a function or import that calls itself without end.",
}


class Unreadable(ImportTimeError):
    """A DAG file that cannot be read as Python source. Knows the line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def check_source(content: bytes) -> None:
    """Refuse, in plain words, what the compiler would refuse in its own.

    :raises Unreadable: for other encodings than the file says, and for null bytes.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("The file is encoded as UTF-16. Save it as UTF-8.", 1)
    if b"\0" in content:
        raise Unreadable(
            "The file holds null bytes, which Python source must not. Save it as plain UTF-8 text.",
            content.count(b"\n", 0, content.index(b"\0")) + 1,
        )
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"Byte {error.start} (0x{content[error.start]:02x}) is not {error.encoding}. Save the file as UTF-8, or name "
            f"its encoding in the first line: # -*- coding: latin-1 -*-",
            content.count(b"\n", 0, error.start) + 1,
        ) from error
    except SyntaxError as error:  # that is how detect_encoding says both of these
        raise Unreadable(
            f"The encoding cannot be told ({error.msg}). Save the file as UTF-8, or name its encoding in the first "
            f"line: # -*- coding: latin-1 -*-",
            _first_bad_line(content),
        ) from error


def of_exception(
    error: BaseException, file: str, path: str, relative: Callable[[str], str | None], limits: Limits
) -> ImportFailure:
    """The failure that an exception stands for.

    :param path: of the DAG file, as the compiler saw it.
    :param relative: makes paths below the DAG folder relative to it.
    """
    if isinstance(error, Unreadable):
        return ImportFailure(message=str(error), file=file, line=error.line)
    places = [(frame.filename, frame.lineno) for frame in _frames(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    if isinstance(error, DefinitionError) and error.where and (found := _WHERE.fullmatch(error.where)):
        places.append((found["path"], int(found["line"])))
    line = next((number for name, number in reversed(places) if name == path), None)
    elsewhere = relative(places[-1][0]) if places else None
    prefix = f"{elsewhere}:{places[-1][1]}: " if elsewhere not in (None, file) else ""
    limit = "memory" if isinstance(error, MemoryError) else ""
    return ImportFailure(
        message=(prefix + _words(error, limits))[:_MAX_MESSAGE],
        file=file,
        line=line,
        traceback=_shortened(error),
        limit=limit,
    )


def of_exit(file: str, path: str, status: int, trace: str) -> ImportFailure:
    """The failure of an import whose process ended without a word.

    :param status: as ``os.waitpid`` gives it.
    :param trace: what faulthandler wrote, if anything.
    """
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        message = (
            f"The process ended with exit code {code} while it imported the file. Something called os._exit({code}), "
            f"or the like; leave it out, or move it into a task."
        )
    else:
        message = (
            f"The process was killed by {_signal_name(-code)} while it imported the file. "
            + _SIGNAL_CURES.get(
                -code, "Look at what the file does when it is imported, and move it into a task."
            )
        )
    return ImportFailure(
        message=message, file=file, line=_line_in(trace, path), traceback=trace[:_MAX_TRACEBACK]
    )


def of_lost_line(file: str) -> ImportFailure:
    """The failure of an import whose process could not hand in its result."""
    return ImportFailure(
        message="The file closed descriptors that are not its own, such as the one over which its DAGs are handed in. "
        "Close only what the file itself opened.",
        file=file,
    )


def of_timeout(file: str, path: str, limits: Limits, trace: str) -> ImportFailure:
    """The failure of an import that took too long and was killed."""
    return ImportFailure(
        message=f"The import took longer than {limits.timeout:g} seconds and was stopped. Move slow work (network, "
        f"databases, waiting) into tasks, or raise the limit on import time.",
        file=file,
        line=_line_in(trace, path),
        traceback=trace[:_MAX_TRACEBACK],
        limit="timeout",
    )


_SIGNAL_CURES: dict[int, str] = {
    signal.SIGKILL: "Maybe the machine ran out of memory: see the system's log.",
    signal.SIGSEGV: "A compiled library crashed: the traceback shows where it was called.",
    signal.SIGXCPU: "It used more processor time than its time limit allows: move the work into a task.",
}


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def paths_in(trace: str) -> set[str]:
    """The files that a traceback names."""
    return {found["path"] for found in _FRAME.finditer(trace)}


def _line_in(trace: str, path: str) -> int | None:
    return next((int(found["line"]) for found in _FRAME.finditer(trace) if found["path"] == path), None)


def _first_bad_line(content: bytes) -> int | None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 1


def _words(error: BaseException, limits: Limits) -> str:
    name = type(error).__qualname__
    if isinstance(error, MemoryError):
        return (
            f"{name}: the import needed more than the {limits.memory_mb} MB of memory that it may use. Load large data "
            f"inside a task, or raise the limit on import memory."
        )
    text = _text(error)
    if isinstance(error, OSError) and error.errno == 24:
        text += f". The import may have {limits.open_files} files open at once: close them, or read them in a task"
    cure = _CURES.get(name, "")
    if isinstance(error, DefinitionError | ImportTimeError):
        return text
    return ": ".join(part for part in (name, text) if part) + (f". {cure}" if cure else "")


def _text(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg or ""
    try:
        return str(error)
    except Exception:  # a __str__ of the author's that fails is no reason to lose the error itself
        return ""


def _frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(trace) if not _is_ours(frame.filename)]


def _is_ours(filename: str) -> bool:
    return any(part in filename for part in _OURS)


def _shortened(error: BaseException) -> str:
    try:
        whole = traceback.TracebackException.from_exception(error, compact=True, limit=-200)
        _cut_ours(whole, set())
        text = "".join(whole.format())
    except Exception:  # exceptions can be made that cannot be shown; the message must still get through
        text = type(error).__qualname__
    if len(text) > _MAX_TRACEBACK:
        half = _MAX_TRACEBACK // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half:,} characters left out ...\n{text[-half:]}"
    return text


def _cut_ours(shown: traceback.TracebackException | None, seen: set[int]) -> None:
    if shown is None or id(shown) in seen:
        return
    seen.add(id(shown))
    shown.stack[:] = [frame for frame in shown.stack if not _is_ours(frame.filename)]
    _cut_ours(shown.__cause__, seen)
    _cut_ours(shown.__context__, seen)

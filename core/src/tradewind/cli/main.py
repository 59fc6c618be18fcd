"""From the arguments to an exit code: finds the command, runs it, and tells in one line what went wrong.

Exit codes: 0 done; 1 the run failed, or it could not be done; 2 wrong usage, settings or DAG file; 3 not found; 70 a fault
of Tradewind's own; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from tradewind.cli.nouns import NOUNS, commands_of
from tradewind.errors import ConfigError, DefinitionError, ImportTimeError, NotFound, TradewindError

DEBUG = "TRADEWIND_DEBUG"
FAULT, INTERRUPTED, PIPE_CLOSED = 70, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    :param argv: the arguments; ``None``: those of this process, which is then set up for it.
    :returns: the exit code.
    """
    if argv is None:
        _set_up_process()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            code = _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _let_go_of_stdout()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:  # --help
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        code = _report(error, arguments)
        _drop_what_cannot_be_written()
    return code


def exit_code_of(error: BaseException) -> int:
    """The exit code that an error stands for."""
    from tradewind.cli.parser import UsageError

    if isinstance(error, NotFound):
        return 3
    if isinstance(error, UsageError | DefinitionError | ConfigError | ImportTimeError):
        return 2
    return 1 if isinstance(error, TradewindError | OSError) else FAULT


def _run(arguments: list[str]) -> int:
    for word in arguments:
        if not _is_text(word):
            from tradewind.cli.parser import UsageError

            raise UsageError(f"The argument {word!a} is not UTF-8 text.")
    noun = arguments[0] if arguments else "--help"
    if noun in ("-h", "--help", "help"):
        print(_help())
        return 0
    if noun in ("-V", "--version"):
        noun = "version"
    if noun not in NOUNS:
        return _run_plugin(noun, arguments[1:])
    commands = {command.name: command for command in commands_of(noun)}
    verb, rest = ("", arguments[1:]) if "" in commands else ((arguments[1:2] or [""])[0], arguments[2:])
    if verb in ("", "-h", "--help", "help") and "" not in commands:
        print(_noun_help(noun))
        return 0 if verb else 2
    if verb not in commands:
        raise _unknown(f"tradewind {noun}", verb, commands)
    from tradewind.cli.invocation import Invocation
    from tradewind.cli.parser import Parser

    command = commands[verb]
    parser = Parser(f"{noun} {verb}".strip(), command.help[:1].upper() + command.help[1:] + ".")
    command.declare(parser)
    given = parser.read(rest)
    with Invocation(output=getattr(given, "output", "table")) as invocation:
        return command.body(invocation, given) or 0


def _run_plugin(noun: str, rest: list[str]) -> int:
    """A command that a plugin brings; plugins are looked for only now."""
    from tradewind.plugins.manager import discover

    plugins = discover()
    if noun in plugins.names("command"):
        return int(plugins.get("command", noun)(rest) or 0)
    raise _unknown("tradewind", noun, [*NOUNS, *plugins.names("command")])


def _unknown(before: str, word: str, known: Iterable[str]) -> TradewindError:
    from tradewind.cli.parser import UsageError

    close = difflib.get_close_matches(word, list(known), n=1)
    hint = f" Did you mean `{before} {close[0]}`?" if close else ""
    return UsageError(f"There is no command `{before} {word}`.{hint} `{before} --help` lists them.")


def _help() -> str:
    width = max(map(len, NOUNS))
    lines = [f"  {noun:<{width}}  {about}" for noun, (_, about) in NOUNS.items()]
    return "\n".join(
        [
            "usage: tradewind COMMAND ...",
            "",
            "Workflows as DAGs of Python tasks.",
            "",
            "commands:",
            *lines,
            "",
            "`tradewind COMMAND --help` tells more. Plugins may bring further commands: `tradewind plugins list`.",
        ]
    )


def _noun_help(noun: str) -> str:
    commands = commands_of(noun)
    width = max(len(command.name) for command in commands)
    lines = [f"  {command.name:<{width}}  {command.help}" for command in commands]
    about = NOUNS[noun][1]
    return "\n".join(
        [
            f"usage: tradewind {noun} COMMAND ...",
            "",
            about[:1].upper() + about[1:] + ".",
            "",
            "commands:",
            *lines,
        ]
    )


def _report(error: Exception, arguments: list[str]) -> int:
    code = exit_code_of(error)
    usage = getattr(error, "usage", "")
    if usage:
        print(usage, end="", file=sys.stderr)
    message = _message(error)
    print(f"tradewind: error: {message}", file=sys.stderr)
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exception(error)
    elif code == FAULT:
        print(
            f"This is a fault of Tradewind; run again with {DEBUG}=1 for the traceback.",
            file=sys.stderr,
        )
    if _wants_json(arguments):
        import json

        told = {"error": {"type": type(error).__name__, "message": message, "exit_code": code}}
        with suppress(OSError):  # stdout itself may be what cannot be written
            print(json.dumps(told))
    return code


def _message(error: Exception) -> str:
    if isinstance(error, TradewindError):
        return str(error)
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{place}"
    return f"{type(error).__name__}: {error}"


def _wants_json(arguments: list[str]) -> bool:
    """Whether the output is to be JSON, as far as can be told of arguments that may be wrong."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        word in ("--output=json", "-ojson") or (word in ("--output", "-o") and value == "json")
        for word, value in pairs
    )


def _set_up_process() -> None:
    """What holds for the whole process, and for those that it starts."""
    _open_missing_streams()
    # Python alone would compile every module anew at each start where this is set, as some images do.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if sys.getfilesystemencoding() != "utf-8" and not all(map(_is_text, sys.argv)):
        # In a locale such as C, whoever typed these letters meant UTF-8, and files have their names in it.
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _open_missing_streams() -> None:
    """Have something at descriptors 0, 1 and 2, so that no socket or file of ours ever comes to stand there."""
    while (nothing := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(nothing, True)
    os.close(nothing)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  open as long as the process is
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  likewise


def _is_text(word: str) -> bool:
    """Whether the word was decoded whole; bytes that could not be stand as surrogates in it."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)


def _drop_what_cannot_be_written() -> None:
    """Where output is left that cannot be written (a full disk), the error has said so; do not fail on it once more."""
    try:
        sys.stdout.flush()
    except OSError:
        _let_go_of_stdout()


def _let_go_of_stdout() -> None:
    """Keep the interpreter from writing to the closed pipe once more when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        return

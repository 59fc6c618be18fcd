"""The source of a function, so that it can run where its module is not."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from tradewind.errors import DefinitionError


def check_portable(function: object) -> None:
    """Refuse what cannot run in another Python, without reading its source.

    :raises tradewind.errors.DefinitionError: for anything but a plain function that stands on its own.
    """
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function) or name == "<lambda>":
        raise DefinitionError(
            f"{name} cannot run in another Python: only a function written with `def` can, since its source goes there.",
            _place(function),
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise DefinitionError(
            f"{name}() is async or a generator; write a plain function that returns.", _place(function)
        )
    if function.__code__.co_freevars:
        raise DefinitionError(
            f"{name}() uses {', '.join(function.__code__.co_freevars)} of the function around it, which will not be there "
            f"in the other Python: pass it as an argument.",
            _place(function),
        )


def portable_source(function: Callable[..., Any]) -> str:
    """A module that holds the function without its decorators, each line where it was, so that tracebacks tell true.

    Annotations stay, and are not evaluated: their names need not exist in the other Python.

    :raises tradewind.errors.DefinitionError: where the source cannot be found, or is no ``def`` on lines of its own.
    """
    where = _place(function)
    try:
        lines, first = inspect.getsourcelines(function)
        indented = lines[0][:1].isspace()
        block = ["if True:\n", *lines] if indented else lines
        statement = ast.parse("".join(block)).body[0]
    except (OSError, SyntaxError) as error:
        raise DefinitionError(
            f"The source of {function.__name__}() cannot be read ({error}): define it with `def` in a file.",
            where,
        ) from error
    definition = statement.body[0] if isinstance(statement, ast.If) else statement
    if not isinstance(definition, ast.FunctionDef):
        raise DefinitionError(
            f"The source of {function.__name__}() is not a `def` on lines of its own.", where
        )
    skipped = definition.lineno - 1 - indented  # the lines of its decorators
    head = ["from __future__ import annotations\n"]
    opening = ["if True:\n"] if indented else []
    padding = ["\n"] * (first + skipped - 1 - len(head) - len(opening))
    return "".join([*head, *padding, *opening, *lines[skipped:]])


def _place(function: object) -> str | None:
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None

"""Arguments of a command: ids may stand in their order or be named (``--dag-id``), mixed with options in any order."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from tradewind.errors import TradewindError

if TYPE_CHECKING:
    from tradewind.cli.invocation import Invocation

_NUMBER = re.compile(r"-\d+(\.\d*)?\Z|-\.\d+\Z")
OUTPUTS = ("table", "json", "yaml", "plain")


class UsageError(TradewindError):
    """A command line that cannot be understood.

    :param usage: how it should look; shown above the message.
    """

    def __init__(self, message: str, usage: str = "") -> None:
        super().__init__(message)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Command:
    """``tradewind <noun> <name>``; a noun without verbs has one command, whose name is empty.

    :param body: does the work; returns the exit code, ``None`` for 0.
    """

    name: str
    help: str
    declare: Callable[[Parser], None]
    body: Callable[[Invocation, argparse.Namespace], int | None]


@dataclass(frozen=True, slots=True)
class _Place:
    """An argument that is known by its place."""

    name: str
    kind: Callable[[str], Any]
    optional: bool
    many: bool

    @property
    def option(self) -> str:
        """``--dag-id`` for ``dag_id``, and for ``dag_ids``, where it may be repeated."""
        name = self.name.removesuffix("s") if self.many else self.name
        return f"--{name.replace('_', '-')}"

    @property
    def word(self) -> str:
        """How messages and help name it: ``DAG`` for ``dag_id``."""
        return self.option[2:].removesuffix("-id").upper()

    @property
    def shown(self) -> str:
        """As the usage shows it."""
        word = self.word + (" ..." if self.many else "")
        return f"[{word}]" if self.optional else word


class Parser(argparse.ArgumentParser):
    """The arguments of one command."""

    def __init__(self, words: str, description: str = "") -> None:
        super().__init__(prog=f"tradewind {words}".strip(), description=description, allow_abbrev=False)
        self._places: list[_Place] = []
        self._group: argparse._ArgumentGroup | None = None

    def place(
        self,
        name: str,
        help: str,
        *,
        kind: Callable[[str], Any] = str,
        optional: bool = False,
        many: bool = False,
    ) -> None:
        """Declare an argument that is given by its place, or by its name: ``dag_id`` is ``--dag-id`` too.

        :param many: takes all that is left; the value is a list.
        """
        place = _Place(name, kind, optional, many)
        self._places.append(place)
        if self._group is None:
            self._group = self.add_argument_group("arguments, by their place or by name")
        self._group.add_argument(
            place.option,
            dest=name,
            metavar=place.word,
            type=kind,
            help=help,
            action="append" if many else "store",
        )

    def output(self) -> None:
        """Declare ``--output``."""
        self.add_argument(
            "-o", "--output", choices=OUTPUTS, default="table", help="how the result is written to stdout"
        )

    def yes(self) -> None:
        """Declare ``--yes``."""
        self.add_argument("-y", "--yes", action="store_true", help="do not ask")

    def limit(self, default: int = 100) -> None:
        """Declare ``--limit``."""
        self.add_argument(
            "--limit", type=whole_number, default=default, metavar="N", help=f"at most N (default {default})"
        )

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The values of all arguments.

        :raises UsageError: saying what is wrong with which argument.
        """
        given, literal = _split(arguments)
        found, rest = self.parse_known_args(given)
        for word in rest:
            if word.startswith("-") and len(word) > 1 and " " not in word and not _NUMBER.match(word):
                self._refuse_option(word)
        self._fill(found, [*rest, *literal])
        return found

    def options(self) -> list[str]:
        """All long options, for shell completion."""
        return [
            option for action in self._actions for option in action.option_strings if option.startswith("--")
        ]

    def choices_of(self) -> dict[str, list[str]]:
        """The values of options that have a fixed set of them, for shell completion."""
        return {
            option: [str(choice) for choice in action.choices]
            for action in self._actions
            if action.choices
            for option in action.option_strings
        }

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process."""
        raise UsageError(message[:1].upper() + message[1:], self.format_usage())

    def format_usage(self) -> str:
        """One line: places first."""
        return f"usage: {self._line()}\n"

    def format_help(self) -> str:
        """The whole help."""
        self.usage = self._line().replace("%", "%%")
        return super().format_help()

    def _line(self) -> str:
        return " ".join([self.prog, *(place.shown for place in self._places), "[options]"])

    def _fill(self, found: argparse.Namespace, words: list[str]) -> None:
        for place in self._places:
            if getattr(found, place.name) is not None:
                continue
            if place.many:
                setattr(found, place.name, [self._value(place, word) for word in words])
                words = []
            elif words:
                setattr(found, place.name, self._value(place, words.pop(0)))
            if not place.optional and getattr(found, place.name) in (None, []):
                self.error(f"{place.shown} is missing (it can be given as {place.option} too).")
        if words:
            self.error(f"there is no place for the argument {words[0]!r}.")

    def _value(self, place: _Place, word: str) -> Any:
        try:
            return place.kind(word)
        except argparse.ArgumentTypeError as error:
            self.error(f"{place.word}: {error}")

    def _refuse_option(self, word: str) -> NoReturn:
        name = word.split("=")[0]
        close = difflib.get_close_matches(name, self.options(), n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        self.error(f"there is no option {name}.{hint} A value that begins with '-' goes behind '--'.")


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the first ``--``, and what stands behind it."""
    words = list(arguments)
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def whole_number(text: str) -> int:
    """A whole number, 1 or more."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number

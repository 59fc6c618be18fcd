"""One call of a command: the installation that it works on, and the person or program that it talks to."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tradewind.cli.output import Printer
from tradewind.errors import Refused

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.model.commands import Command
    from tradewind.model.run import RunRow

LATEST = "latest"  #: stands for a DAG's newest run


class Invocation:
    """What a command's body works with. Results go to stdout, all talk to stderr."""

    def __init__(self, output: str = "table", environ: Mapping[str, str] | None = None) -> None:
        self.environ = os.environ if environ is None else environ
        terminal = sys.stdout.isatty()
        self.printer = Printer(
            sys.stdout,
            output,
            width=shutil.get_terminal_size().columns if terminal else None,
            colour=terminal and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb",
        )
        self._opened = False

    def __enter__(self) -> Invocation:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened:
            self.system.close()

    @cached_property
    def system(self) -> System:
        """The installation."""
        from tradewind.app.system import System

        self._opened = True
        return System(environ=self.environ)

    def say(self, text: str) -> None:
        """Tell a person something, on stderr."""
        print(text, file=sys.stderr, flush=True)

    def warn(self, warnings: Iterable[str]) -> None:
        """Tell a person what is odd, yet no hindrance."""
        for warning in warnings:
            self.say(f"warning: {warning}")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask, where there is somebody to ask.

        :raises Refused: where the answer is no.
        """
        if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Refused("Nothing was changed.")

    def command(self, command: Command, *, goes_on: bool = False) -> dict[str, Any]:
        """Have a command carried out, and say so where there is no scheduler.

        :param goes_on: there is more to come of it, for which a scheduler is needed.
        """
        alone = not self.scheduler_runs
        result = self.system.command(command)
        if alone and goes_on:
            self.say("No scheduler is running: recorded; it will go on when `tradewind up` runs.")
        elif alone:
            self.say("No scheduler is running: done here.")
        return result

    @property
    def scheduler_runs(self) -> bool:
        """Whether there is somebody who makes runs go on; a process that sees to a single run or command is not."""
        holder = self.system.scheduler
        return holder is not None and holder.kind not in ("command", "run")

    def aware(self, moment: datetime | None) -> datetime | None:
        """A moment that somebody wrote, in UTC; without an offset it is one of the default time zone."""
        if moment is None:
            return None
        if moment.tzinfo is None:
            zone = self.system.settings.core.default_timezone
            if zone == "UTC":
                return moment.replace(tzinfo=UTC)
            from zoneinfo import ZoneInfo

            moment = moment.replace(tzinfo=ZoneInfo(zone))
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise Refused(f"The date {moment.isoformat()} is out of range.") from None

    def run_of(self, dag_id: str, run_id: str) -> RunRow:
        """The run; ``latest`` is the DAG's newest one.

        :raises NotFound: where there is no such DAG or run.
        """
        self.system.dags.get(dag_id)
        if run_id == LATEST:
            newest = self.system.runs.find(dag_id, limit=1)
            if newest:
                return newest[0]
        return self.system.runs.get(dag_id, run_id)

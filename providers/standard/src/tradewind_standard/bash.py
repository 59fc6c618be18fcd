"""The operator that runs a shell command."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Container, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tradewind import BaseOperator
from tradewind.errors import DefinitionError, SkipTask, TradewindError
from tradewind_standard.command import Command
from tradewind_standard.context_variables import context_variables

_LONGEST_ARGUMENT = 120_000  #: bytes; Linux takes 128 KiB for a single argument


class BashOperator(BaseOperator):
    """Run a command with bash; the task succeeds if its exit code is 0.

    The last line of its output, standard error included, is the task's XCom.

    :param bash_command: the command, a template; or the path of a ``.sh`` or ``.bash`` file that holds it.
    :param env: the command's whole environment, a template; with ``append_env`` it is added to the one of the task.
        The variables that say which task is running are always there.
    :param output_encoding: of the command's output; what cannot be decoded is logged as escapes.
    :param skip_on_exit_code: the exit code, or codes, by which the command says that there was nothing to do: the task
        ends skipped. ``None``: no code does.
    :param cwd: the folder to run it in, a template; without it, a temporary one that is deleted afterwards.
    :param output_processor: makes the XCom of the last line of output.
    """

    template_fields: Sequence[str] = ("bash_command", "env", "cwd")
    template_ext: Sequence[str] = (".sh", ".bash")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"bash_command": "bash", "env": "json"}
    ui_color = "#f0ede4"

    def __init__(
        self,
        *,
        bash_command: Any,
        env: Mapping[str, Any] | None = None,
        append_env: bool = False,
        output_encoding: str = "utf-8",
        skip_on_exit_code: int | Container[int] | None = 99,
        cwd: str | None = None,
        output_processor: Callable[[str], Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.bash_command = bash_command
        self.env = env
        self.append_env = append_env
        self.output_encoding = output_encoding
        self.skip_on_exit_code = skip_on_exit_code
        self.cwd = cwd
        self.output_processor = output_processor
        self._command: Command | None = None

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        """Run the command.

        :raises tradewind.errors.SkipTask: where its exit code asks for that.
        :raises tradewind.errors.TradewindError: where it fails, with the exit code and the last line of output.
        """
        if not isinstance(self.bash_command, str) or not self.bash_command.strip():
            raise DefinitionError(
                f"bash_command must be a command as text, not {self.bash_command!r}.", str(self.place)
            )
        # Every run has a folder of its own to leave things in, unless the author chose one.
        with tempfile.TemporaryDirectory(prefix="tradewind_bash_") as scratch:
            command = self._command = Command(encoding=self.output_encoding)
            ended = command.run(
                [_bash(), *_script(self.bash_command, Path(scratch))],
                env=self._environment(context),
                cwd=_folder(self.cwd) or scratch,
            )
        if ended.code in _codes(self.skip_on_exit_code):
            raise SkipTask(f"the command ended with {ended.reason}, which means: nothing to do")
        if ended.code != 0:
            said = (
                f"; the last line it wrote was: {ended.last_line}"
                if ended.last_line
                else " and wrote nothing"
            )
            raise TradewindError(f"The command ended with {ended.reason}{said}")
        return self.output_processor(ended.last_line) if self.output_processor else ended.last_line

    def on_kill(self) -> None:
        """End the command and everything that it started."""
        if self._command is not None:
            self._command.kill()

    def _environment(self, context: Mapping[str, Any]) -> dict[str, str]:
        given = {str(name): str(value) for name, value in (self.env or {}).items()}
        inherited = dict(os.environ) if self.env is None or self.append_env else {}
        return {**inherited, **given, **context_variables(context)}


def _bash() -> str:
    # Looked up here, not by the command's own environment, which may have no PATH.
    found = shutil.which("bash")
    if found is None:
        raise TradewindError("There is no bash on PATH on this machine: install it where the task runs.")
    return found


def _script(command: str, scratch: Path) -> list[str]:
    if len(command.encode()) <= _LONGEST_ARGUMENT:
        return ["-c", command]
    path = scratch / "command.sh"
    path.write_text(command)
    return [str(path)]


def _folder(cwd: str | None) -> str | None:
    if cwd is not None and not os.path.isdir(cwd):
        what = "is a file" if os.path.exists(cwd) else "does not exist"
        raise TradewindError(f"The folder {cwd!r} (cwd) {what} on this machine; give a folder that is there.")
    return cwd


def _codes(given: int | Container[int] | None) -> Container[int]:
    return () if given is None else (given,) if isinstance(given, int) else given

"""A sensor that asks a shell command."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping, Sequence
from typing import Any

from tradewind import BaseSensorOperator, FailTask, SkipTask
from tradewind.errors import TradewindError
from tradewind_standard.bash import BashOperator


class BashSensor(BaseSensorOperator):
    """Runs a command until its exit code is 0.

    :param bash_command: the command, a template; or the path of a ``.sh`` or ``.bash`` file that holds it.
    :param env: the command's whole environment, a template; without it, that of the task.
    :param retry_exit_code: the only exit code that means "not there yet"; any other fails the sensor at once. Without it,
        every exit code but 0 means that.
    """

    template_fields: Collection[str] = ("bash_command", "env")
    template_ext: Sequence[str] = (".sh", ".bash")

    def __init__(
        self,
        *,
        bash_command: Any,
        env: Mapping[str, Any] | None = None,
        output_encoding: str = "utf-8",
        retry_exit_code: int | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.bash_command = bash_command
        self.env = env
        self.output_encoding = output_encoding
        self.retry_exit_code = retry_exit_code
        self._command: BashOperator | None = None

    def poke(self, context: MutableMapping[str, Any]) -> bool:
        command = self._command = BashOperator(
            task_id=self.label,
            dag=None,
            bash_command=self.bash_command,
            env=self.env,
            output_encoding=self.output_encoding,
            skip_on_exit_code=self.retry_exit_code,
        )
        try:
            command.execute(context)
        except SkipTask:
            return False
        except TradewindError as error:
            if self.retry_exit_code is None:
                return False
            raise FailTask(str(error)) from error
        return True

    def on_kill(self) -> None:
        """End the command and everything that it started."""
        if self._command is not None:
            self._command.on_kill()

"""A sensor for files."""

from __future__ import annotations

import os
from collections.abc import Collection, MutableMapping
from datetime import timedelta
from typing import Any

from tradewind import BaseSensorOperator
from tradewind.ports import runtime
from tradewind_standard.triggers.file import FileTrigger, is_there


class FileSensor(BaseSensorOperator):
    """Waits for a file, or for a folder with any file below it.

    :param filepath: a template; may have ``*``, ``?`` and ``[...]`` in it. A relative path is below the ``path`` in the
        extra of the connection, if there is one.
    :param fs_conn_id: the connection.
    :param recursive: let ``**`` in the path stand for any number of folders.
    :param deferrable: wait without a slot.
    """

    template_fields: Collection[str] = ("filepath",)
    ui_color = "#91818a"

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        fs_conn_id: str = "fs_default",
        recursive: bool = False,
        deferrable: bool = False,
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.filepath: Any = filepath
        self.fs_conn_id = fs_conn_id
        self.recursive = recursive
        self.deferrable = deferrable

    @property
    def path(self) -> str:
        """Where it looks."""
        connection = runtime.current().connection(self.fs_conn_id)
        base = connection.extra_dejson.get("path", "") if connection is not None else ""
        return os.path.join(base, os.fspath(self.filepath))

    def poke(self, context: MutableMapping[str, Any]) -> bool:
        return is_there(self.path, self.recursive)

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        if not self.deferrable:
            return super().execute(context)
        if not self._look(context):
            self.defer(
                trigger=FileTrigger(self.path, self.recursive, self.poke_interval),
                timeout=timedelta(seconds=self.timeout),
            )
        return None

    def execute_complete(self, context: MutableMapping[str, Any], event: Any = None) -> None:
        """The file is there."""

"""Hooks: clients of outside systems, which find their address and secrets in a connection."""

from __future__ import annotations

from typing import Any, ClassVar

from tradewind.errors import NotFound
from tradewind.model.connection import Connection
from tradewind.ports import components, runtime


class BaseHook:
    """A client of an outside system: implement :meth:`get_conn`."""

    conn_name_attr: ClassVar[str] = "conn_id"
    default_conn_name: ClassVar[str] = ""
    conn_type: ClassVar[str] = ""
    hook_name: ClassVar[str] = ""

    def get_conn(self) -> Any:
        """The client of the library that is wrapped."""
        raise NotImplementedError(f"{type(self).__name__} has no get_conn() method: write one.")

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The connection of that id.

        :raises NotFound: where there is none; the message says how to make it.
        """
        return get_connection(conn_id)

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> Any:
        """A hook for the connection, of the class that its type asks for."""
        connection = get_connection(conn_id)
        hook = components.current().get("hook", connection.conn_type)
        return hook(**{hook.conn_name_attr: conn_id, **(hook_params or {})})


def get_connection(conn_id: str) -> Connection:
    """The connection of that id.

    :raises NotFound: where there is none; the message says how to make it.
    """
    found = runtime.current().connection(conn_id)
    if found is None:
        raise NotFound(
            "connection",
            conn_id,
            cure=f"Make it with `tradewind connections add {conn_id} --conn-uri ...`, or set "
            f"{runtime.CONNECTION_PREFIX}{conn_id.upper()} in the environment.",
        )
    return found

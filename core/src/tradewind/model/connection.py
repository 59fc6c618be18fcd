"""A connection: how to reach an outside system. Written as a URI or as JSON; secrets never show in its ``repr``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from tradewind.errors import DefinitionError

_FIELDS = ("conn_type", "host", "schema", "login", "password", "port", "extra", "description")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach an outside system.

    :param extra: further settings as a JSON object in text form.
    """

    conn_id: str = ""
    conn_type: str = ""
    host: str | None = None
    schema: str | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    port: int | None = None
    extra: str | None = field(default=None, repr=False)
    description: str | None = None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """``extra`` as a dict; empty where there is none or where it is no JSON object."""
        try:
            value = json.loads(self.extra) if self.extra else {}
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @classmethod
    def parse(cls, conn_id: str, text: str) -> Connection:
        """Read a connection from its URI or JSON form.

        :raises DefinitionError: where the text is neither; the text itself is not repeated, since it may hold a secret.
        """
        return cls.from_json(conn_id, text) if text.lstrip().startswith("{") else cls.from_uri(conn_id, text)

    @classmethod
    def from_json(cls, conn_id: str, text: str) -> Connection:
        """Read a connection from a JSON object with the fields ``conn_type host schema login password port extra``."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise DefinitionError(f"Connection {conn_id!r} is not valid JSON ({error}).") from None
        if not isinstance(given, dict):
            raise DefinitionError(
                f"Connection {conn_id!r} must be a JSON object with fields {', '.join(_FIELDS)}."
            )
        given.pop("conn_id", None)
        unknown = sorted(set(given) - set(_FIELDS))
        if unknown:
            raise DefinitionError(
                f"Connection {conn_id!r} has unknown fields {', '.join(unknown)}; known are {', '.join(_FIELDS)}."
            )
        if isinstance(given.get("extra"), dict):
            given["extra"] = json.dumps(given["extra"])
        if given.get("port") is not None:
            given["port"] = _port(conn_id, given["port"])
        return cls(conn_id=conn_id, **given)

    @classmethod
    def from_uri(cls, conn_id: str, uri: str) -> Connection:
        """Read ``type://login:password@host:port/schema?key=value``; every part may be percent-encoded or left out."""
        parts = urlsplit(uri)
        if not parts.scheme:
            raise DefinitionError(
                f"Connection {conn_id!r} has no type: write it as type://login:password@host:port/schema, "
                f"or as a JSON object."
            )
        userinfo, _, hostport = parts.netloc.rpartition("@")
        login, colon, password = userinfo.partition(":")
        host, port = _split_host(conn_id, hostport)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        extra = query.pop("__extra__", None) or (json.dumps(query) if query else None)
        return cls(
            conn_id=conn_id,
            conn_type=_type_of(parts.scheme),
            host=unquote(host) or None,
            schema=unquote(parts.path[1:]) or None,
            login=unquote(login) or None,
            password=unquote(password) if colon else None,
            port=port,
            extra=extra,
        )

    def get_uri(self) -> str:
        """The connection as a URI that :meth:`from_uri` reads back. Holds the password."""
        user = quote(self.login or "", safe="")
        if self.password is not None:
            user += ":" + quote(self.password, safe="")
        address = (user + "@" if user else "") + quote(self.host or "", safe="")
        if self.port is not None:
            address += f":{self.port}"
        path = "/" + quote(self.schema, safe="") if self.schema else ("/" if self.extra else "")
        extra = self.extra_dejson
        plain = bool(extra) and all(isinstance(value, str) for value in extra.values())
        query = "?" + urlencode(extra if plain else {"__extra__": self.extra}) if self.extra else ""
        return f"{self.conn_type.replace('_', '-')}://{address}{path}{query}"

    def as_dict(self) -> dict[str, Any]:
        """All fields but ``conn_id``, secrets included, those that are not set left out."""
        return {name: getattr(self, name) for name in _FIELDS if getattr(self, name) is not None}


def _type_of(scheme: str) -> str:
    name = scheme.replace("-", "_")
    return "postgres" if name == "postgresql" else name


def _split_host(conn_id: str, hostport: str) -> tuple[str, int | None]:
    if hostport.startswith("["):
        host, _, rest = hostport[1:].partition("]")
        return host, _port(conn_id, rest[1:]) if rest.startswith(":") else None
    host, colon, port = hostport.partition(":")
    return host, _port(conn_id, port) if colon and port else None


def _port(conn_id: str, value: object) -> int:
    try:
        port = int(str(value))
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise DefinitionError(
            f"Connection {conn_id!r} has the port {value!r}; it must be a number from 0 to 65535."
        )
    return port

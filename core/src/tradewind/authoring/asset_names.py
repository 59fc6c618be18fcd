"""What an asset may be called: names, and uris brought into one form, so that the same thing is always the same asset."""

from __future__ import annotations

import re
import warnings
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tradewind.authoring.checks import shown
from tradewind.authoring.places import calling_place
from tradewind.errors import DefinitionError

MAX_LENGTH = 1500
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*\Z")
#: Parameters of a function under ``@asset`` with these names do not stand for assets.
RESERVED = ("self", "context")


def name(value: Any, what: str) -> str:
    """The name of an asset, alias, group or watcher.

    :param what: as the message shall call it, as in ``"name of an Asset"``.
    :raises DefinitionError: saying what a name is.
    """
    if not isinstance(value, str):
        raise _refused(f"The {what} is text, not {shown(value)}.")
    if not value.strip():
        raise _refused(f"The {what} may not be empty: give it one.")
    if len(value) > MAX_LENGTH:
        raise _refused(
            f"The {what} {shown(value)} has {len(value)} characters; at most {MAX_LENGTH} are allowed."
        )
    if not value.isascii():
        raise _refused(f"The {what} {shown(value)} may have no characters beyond ASCII: spell it in those.")
    return value


def asset_name(value: Any) -> str:
    """The name of an asset."""
    checked = name(value, "name of an Asset")
    if checked in RESERVED:
        raise _refused(f"An Asset may not be named {checked!r}, which means something else under @asset.")
    return checked


def uri(value: Any) -> str:
    """The uri of an asset in its one form: scheme in small letters, no password, no ``/`` at the end, sorted query.

    What has no scheme is kept as it is, and so is what has one that begins with ``x-``.
    """
    text = name(value if isinstance(value, str) else str(value), "uri of an Asset")
    parts = urlsplit(text)
    scheme = parts.scheme.lower()
    if not scheme or not _SCHEME.match(scheme) or scheme.startswith("x-"):
        return text
    if scheme in ("airflow", "tradewind"):
        raise _refused(
            f"The uri {shown(text)} of an Asset has the scheme {scheme!r}, which is reserved: take another."
        )
    host = parts.netloc
    if parts.password:
        host = host.rpartition("@")[2]
        warnings.warn(
            f"{calling_place()}: The uri of an Asset should hold no password; user and password were taken out of it.",
            UserWarning,
            stacklevel=2,
        )
    query = urlencode(sorted(parse_qsl(parts.query))) if parts.query else ""
    path = parts.path.rstrip("/") or "/"
    return urlunsplit((scheme, host, path, query, ""))


def _refused(message: str) -> DefinitionError:
    return DefinitionError(message, str(calling_place()))

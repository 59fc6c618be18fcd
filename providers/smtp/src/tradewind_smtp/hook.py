"""A client of a mail server."""

from __future__ import annotations

import mimetypes
import re
import smtplib
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import cached_property
from pathlib import Path
from typing import Any

from tradewind import BaseHook, Connection
from tradewind.errors import DefinitionError

Addresses = str | Iterable[str]

_PAUSE = 1.0  #: seconds before the second try; each further one waits twice as long


class SmtpHook(BaseHook):
    """Speaks with the mail server of a connection of the type ``smtp``. Used as ``with SmtpHook() as smtp``, it keeps its
    line to the server until the end.

    :param smtp_conn_id: its fields are described in the package's README.
    """

    conn_name_attr = "smtp_conn_id"
    default_conn_name = "smtp_default"
    conn_type = "smtp"
    hook_name = "SMTP"

    def __init__(self, smtp_conn_id: str = default_conn_name) -> None:
        self.smtp_conn_id = smtp_conn_id
        self._client: smtplib.SMTP | None = None

    @cached_property
    def connection(self) -> Connection:
        """The connection."""
        return self.get_connection(self.smtp_conn_id)

    @cached_property
    def _extra(self) -> dict[str, Any]:
        return self.connection.extra_dejson

    @property
    def from_email(self) -> str | None:
        """The sender, where a message names none."""
        return self._extra.get("from_email") or self.connection.login

    @property
    def subject_template(self) -> str | None:
        """The file with the default subject of notifications."""
        return self._extra.get("subject_template")

    @property
    def html_content_template(self) -> str | None:
        """The file with the default body of notifications."""
        return self._extra.get("html_content_template")

    def __enter__(self) -> SmtpHook:
        self.get_conn()
        return self

    def __exit__(self, *raised: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(smtplib.SMTPException, OSError):
                client.quit()

    def get_conn(self) -> smtplib.SMTP:
        """The line to the server, logged in.

        :raises OSError: where the server cannot be reached.
        :raises smtplib.SMTPException: where it does not want us.
        """
        if self._client is None:
            self._client = self._with_patience(self._connect)
        return self._client

    def send(self, message: EmailMessage, recipients: list[str]) -> None:
        """Send a message that is made already."""

        def send() -> None:
            try:
                self.get_conn().send_message(message, to_addrs=recipients)
            except smtplib.SMTPServerDisconnected:
                self._client = None
                raise

        self._with_patience(send)

    def send_email_smtp(
        self,
        *,
        to: Addresses,
        subject: str,
        html_content: str,
        from_email: str | None = None,
        files: Iterable[str] | None = None,
        cc: Addresses | None = None,
        bcc: Addresses | None = None,
        mime_charset: str = "utf-8",
        custom_headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a message.

        :param to: addresses, as a list or as text with commas or semicolons between them; likewise ``cc`` and ``bcc``.
        :param files: paths of what is attached.
        :raises DefinitionError: where there is no sender, or nobody to send to.
        """
        sender = from_email or self.from_email
        if not sender:
            raise DefinitionError(
                f"The message has no sender: give from_email, or set it in the extra of the connection "
                f"{self.smtp_conn_id!r}."
            )
        receivers = [*addresses(to), *addresses(cc), *addresses(bcc)]
        if not receivers:
            raise DefinitionError("The message has nobody to go to: give an address in `to`.")
        message = EmailMessage()
        message["Subject"] = " ".join(subject.split())
        message["From"] = sender
        message["To"] = ", ".join(addresses(to))
        if cc:
            message["Cc"] = ", ".join(addresses(cc))
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = make_msgid()
        for name, value in (custom_headers or {}).items():
            message[name] = value
        message.set_content(html_content, subtype="html", charset=mime_charset)
        for path in map(Path, files or ()):
            kind, _, subkind = (mimetypes.guess_type(path.name)[0] or "application/octet-stream").partition(
                "/"
            )
            message.add_attachment(path.read_bytes(), maintype=kind, subtype=subkind, filename=path.name)
        self.send(message, receivers)

    def _connect(self) -> smtplib.SMTP:
        connection, extra = self.connection, self._extra
        with_ssl, with_tls = not _flag(extra, "disable_ssl"), not _flag(extra, "disable_tls")
        port = connection.port or (465 if with_ssl else 587 if with_tls else 25)
        host, timeout = connection.host or "localhost", float(extra.get("timeout", 30))
        client: smtplib.SMTP
        if with_ssl:
            client = smtplib.SMTP_SSL(host, port, timeout=timeout, context=ssl.create_default_context())
        else:
            client = smtplib.SMTP(host, port, timeout=timeout)
        try:
            if with_tls and not with_ssl:
                client.starttls(context=ssl.create_default_context())
            if connection.login:
                client.login(connection.login, connection.password or "")
        except BaseException:
            client.close()
            raise
        return client

    def _with_patience(self, call: Any) -> Any:
        """Try again where the server cannot be reached or hangs up; what it refuses is refused."""
        tries = max(1, int(self._extra.get("retry_limit", 5)))
        for number in range(1, tries + 1):
            try:
                return call()
            except (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError):
                if number == tries:
                    raise
                time.sleep(_PAUSE * 2 ** (number - 1))
        raise AssertionError("the last try returns or raises")


def addresses(given: Addresses | None) -> list[str]:
    """The addresses, one by one."""
    if given is None:
        return []
    several = re.split(r"[,;]", given) if isinstance(given, str) else given
    return [one.strip() for one in several if one.strip()]


def _flag(extra: Mapping[str, Any], name: str) -> bool:
    value = extra.get(name, False)
    return value.strip().lower() in ("1", "true", "yes", "on") if isinstance(value, str) else bool(value)

"""A mail server in this process, and what came to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from threading import Event, Thread
from typing import Any

import pytest

pytest.importorskip("aiosmtpd", reason="the tests need a mail server to speak with")

from aiosmtpd.smtp import SMTP, AuthResult


class MailServer:
    """Takes mail on a port of its own.

    :param hang_ups: how many connections are cut before the first mail is taken.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.hang_ups = 0
        self.port = 0
        self._ready = Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._serve)
        self._thread.start()
        self._ready.wait(10)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.hang_ups:
            self.hang_ups -= 1
            server.transport.abort()
            return "421 good bye"
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append((envelope.rcpt_tos, message))
        return "250 taken"

    def _login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)

    def _serve(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)

        def protocol() -> SMTP:
            return SMTP(
                self, hostname="localhost", authenticator=self._login, auth_require_tls=False, loop=loop
            )

        server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        loop.run_forever()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """The server, to which the connection ``smtp_default`` leads."""
    made = MailServer()
    extra = "disable_ssl=true&disable_tls=true&from_email=tw@example.com&retry_limit=1"
    monkeypatch.setenv("TRADEWIND_CONN_SMTP_DEFAULT", f"smtp://127.0.0.1:{made.port}?{extra}")
    yield made
    made.close()

"""An operator that sends an e-mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Required, Unpack

from tradewind import BaseOperator
from tradewind.authoring.arguments import TaskArguments
from tradewind_smtp.hook import Addresses, SmtpHook


class EmailArguments(TaskArguments, total=False):
    """What every operator takes, with its id."""

    task_id: Required[str]


class EmailOperator(BaseOperator):
    """Sends an e-mail.

    :param to: addresses, as a list or as text with commas between them; likewise ``cc`` and ``bcc``.
    :param html_content: the body; a name that ends in ``.html`` is that of a template file.
    :param from_email: the sender; left out, that of the connection.
    :param files: paths of what is attached.
    """

    template_fields = ("to", "subject", "html_content", "from_email", "files", "cc", "bcc", "conn_id")
    template_ext = (".html",)
    ui_color = "#e6faf9"

    def __init__(
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
        conn_id: str = SmtpHook.default_conn_name,
        custom_headers: Mapping[str, str] | None = None,
        **arguments: Unpack[EmailArguments],
    ) -> None:
        super().__init__(**arguments)
        self.to = to
        self.subject = subject
        self.html_content = html_content
        self.from_email = from_email
        self.files = files
        self.cc = cc
        self.bcc = bcc
        self.mime_charset = mime_charset
        self.conn_id = conn_id
        self.custom_headers = custom_headers

    def execute(self, context: MutableMapping[str, Any]) -> None:
        with SmtpHook(self.conn_id) as smtp:
            smtp.send_email_smtp(
                to=self.to,
                subject=self.subject,
                html_content=self.html_content,
                from_email=self.from_email,
                files=self.files,
                cc=self.cc,
                bcc=self.bcc,
                mime_charset=self.mime_charset,
                custom_headers=self.custom_headers,
            )

"""A notifier that sends an e-mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from tradewind import BaseNotifier
from tradewind_smtp.hook import Addresses, SmtpHook

SUBJECT = (
    "[Tradewind] {{ dag.dag_id }}{% if dag_run.state == 'running' and ti is defined %}.{{ ti.task_id }} is {{ ti.state }}"
    "{% else %} is {{ dag_run.state }}{% endif %}: run {{ run_id }}"
)
BODY = """\
<p>{% if dag_run.state == 'running' and ti is defined -%}
Task <b>{{ ti.task_id | e }}</b> of DAG <b>{{ dag.dag_id | e }}</b> is <b>{{ ti.state }}</b>.
{%- else -%}
A run of DAG <b>{{ dag.dag_id | e }}</b> is <b>{{ dag_run.state }}</b>.
{%- endif %}</p>
<table>
<tr><td>Run</td><td>{{ run_id | e }}</td></tr>
{% if ti is defined -%}
<tr><td>Task</td><td>{{ ti.task_id | e }}</td></tr>
<tr><td>Try</td><td>{{ ti.try_number }} of {{ ti.max_tries + 1 }}</td></tr>
{% endif -%}
<tr><td>Reason</td><td>{{ reason | e }}</td></tr>
{% if ti is defined and ti.log_url -%}
<tr><td>Log</td><td><a href="{{ ti.log_url | e }}">{{ ti.log_url | e }}</a></td></tr>
{% endif -%}
</table>
"""


class SmtpNotifier(BaseNotifier):
    """Sends an e-mail. Subject and body are templates; where they are left out, they say what has happened.

    :param to: addresses, as a list or as text with commas between them; likewise ``cc`` and ``bcc``.
    :param from_email: the sender; left out, that of the connection.
    :param files: paths of what is attached.
    """

    template_fields = ("from_email", "to", "subject", "html_content", "files", "cc", "bcc", "custom_headers")
    template_ext = (".html", ".jinja2")

    def __init__(
        self,
        to: Addresses,
        from_email: str | None = None,
        subject: str | None = None,
        html_content: str | None = None,
        files: Iterable[str] | None = None,
        cc: Addresses | None = None,
        bcc: Addresses | None = None,
        mime_charset: str = "utf-8",
        custom_headers: Mapping[str, str] | None = None,
        smtp_conn_id: str = SmtpHook.default_conn_name,
    ) -> None:
        self.to = to
        self.from_email = from_email
        self.subject = subject
        self.html_content = html_content
        self.files = files
        self.cc = cc
        self.bcc = bcc
        self.mime_charset = mime_charset
        self.custom_headers = custom_headers
        self.smtp_conn_id = smtp_conn_id

    def notify(self, context: MutableMapping[str, Any]) -> None:
        hook = SmtpHook(self.smtp_conn_id)
        subject, body = self.subject, self.html_content
        if subject is None:
            subject = self.render_template(_text(hook.subject_template, SUBJECT), context)
        if body is None:
            body = self.render_template(_text(hook.html_content_template, BODY), context)
        with hook:
            hook.send_email_smtp(
                to=self.to,
                subject=subject,
                html_content=body,
                from_email=self.from_email,
                files=self.files,
                cc=self.cc,
                bcc=self.bcc,
                mime_charset=self.mime_charset,
                custom_headers=self.custom_headers,
            )


send_smtp_notification = SmtpNotifier


def _text(path: str | None, otherwise: str) -> str:
    return Path(path).read_text(encoding="utf-8") if path else otherwise

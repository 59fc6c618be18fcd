"""Mail that is sent is the mail that comes to the server."""

from __future__ import annotations

import smtplib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tradewind import DAG, EmptyOperator
from tradewind.errors import DefinitionError, TemplateError
from tradewind_smtp import EmailOperator, SmtpHook, SmtpNotifier


def _context(**more: Any) -> dict[str, Any]:
    with DAG("sales") as dag:
        task = EmptyOperator(task_id="load")
    ti = SimpleNamespace(task_id="load", state="failed", try_number=2, max_tries=2, log_url="")
    run = SimpleNamespace(state="running")
    given = {"dag": dag, "task": task, "ti": ti, "dag_run": run, "run_id": "r1", "reason": "a < b & c"}
    return {**given, **more}


def test_a_notification_that_says_nothing_itself_says_what_has_happened(server: Any) -> None:
    SmtpNotifier(to="a@example.com, b@example.com")(_context())
    ((receivers, mail),) = server.mails
    assert receivers == ["a@example.com", "b@example.com"]
    assert (mail["From"], mail["To"]) == ("tw@example.com", "a@example.com, b@example.com")
    assert mail["Subject"] == "[Tradewind] sales.load is failed: run r1"
    body = mail.get_body(("html",)).get_content()
    assert "Task <b>load</b> of DAG <b>sales</b> is <b>failed</b>" in body
    assert "<td>2 of 3</td>" in body
    assert "a &lt; b &amp; c" in body


def test_a_notification_of_a_run_speaks_of_the_run(server: Any) -> None:
    context = _context(dag_run=SimpleNamespace(state="failed"))
    for name in ("ti", "task"):
        del context[name]
    SmtpNotifier(to=["a@example.com"])(context)
    ((_, mail),) = server.mails
    assert mail["Subject"] == "[Tradewind] sales is failed: run r1"
    assert "A run of DAG <b>sales</b> is <b>failed</b>" in mail.get_body(("html",)).get_content()


def test_its_own_templates_are_rendered_each_time(server: Any, tmp_path: Path) -> None:
    attached = tmp_path / "numbers.csv"
    attached.write_text("1,2\n")
    notifier = SmtpNotifier(
        to="{{ ti.task_id }}@example.com",
        subject="{{ run_id }} é\n{{ ti.state }}",
        html_content="<b>{{ reason }}</b>",
        from_email="me@example.com",
        cc="c@example.com",
        bcc=["d@example.com"],
        files=[str(attached)],
        custom_headers={"X-Run": "{{ run_id }}"},
    )
    notifier(_context())
    notifier(_context(run_id="r2"))
    (receivers, first), (_, second) = server.mails
    assert receivers == ["load@example.com", "c@example.com", "d@example.com"]
    assert (first["Subject"], second["Subject"]) == ("r1 é failed", "r2 é failed")
    assert (first["From"], first["Cc"], first["Bcc"], first["X-Run"]) == (
        "me@example.com",
        "c@example.com",
        None,
        "r1",
    )
    assert [part.get_content().strip() for part in first.iter_parts()] == ["<b>a < b & c</b>", "1,2"]


def test_the_connection_may_name_the_default_templates(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "subject").write_text("our {{ dag.dag_id }}")
    (tmp_path / "body").write_text("see {{ run_id }}")
    extra = f"&subject_template={tmp_path}/subject&html_content_template={tmp_path}/body"
    uri = f"smtp://127.0.0.1:{server.port}?disable_ssl=1&disable_tls=1&from_email=x@example.com"
    monkeypatch.setenv("TRADEWIND_CONN_SMTP_DEFAULT", uri + extra)
    SmtpNotifier(to="a@example.com")(_context())
    ((_, mail),) = server.mails
    assert (mail["Subject"], mail.get_content().strip()) == ("our sales", "see r1")


def test_the_operator_sends(server: Any) -> None:
    with DAG("d"):
        task = EmailOperator(
            task_id="tell", to=["a@example.com"], subject="hello", html_content="<p>there</p>"
        )
    task.execute({})
    ((_, mail),) = server.mails
    assert (mail["Subject"], mail.get_content_type()) == ("hello", "text/html")


def test_it_logs_in_where_the_connection_says_who(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "smtp://me%40example.com:{}@127.0.0.1:{}?disable_ssl=true&disable_tls=true&retry_limit=1"
    monkeypatch.setenv("TRADEWIND_CONN_SMTP_DEFAULT", uri.format("secret", server.port))
    SmtpNotifier(to="a@example.com", subject="s", html_content="b")(_context())
    assert server.logins == [(b"me@example.com", b"secret")]
    assert server.mails[0][1]["From"] == "me@example.com"

    monkeypatch.setenv("TRADEWIND_CONN_SMTP_DEFAULT", uri.format("wrong", server.port))
    with pytest.raises(smtplib.SMTPAuthenticationError):
        SmtpNotifier(to="a@example.com", subject="s", html_content="b")(_context())


def test_a_server_that_hangs_up_is_tried_again(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.hang_ups = 1
    with pytest.raises(smtplib.SMTPServerDisconnected):
        SmtpNotifier(to="a@example.com", subject="s", html_content="b")(_context())
    server.hang_ups = 1
    uri = f"smtp://127.0.0.1:{server.port}?disable_ssl=true&disable_tls=true&from_email=x@example.com"
    monkeypatch.setenv("TRADEWIND_CONN_SMTP_DEFAULT", uri)
    SmtpNotifier(to="a@example.com", subject="s", html_content="b")(_context())
    assert len(server.mails) == 1


def test_what_cannot_be_sent_says_why(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DefinitionError, match="nobody to go to"):
        SmtpNotifier(to=" , ", subject="s", html_content="b")(_context())
    with pytest.raises(TemplateError, match="subject cannot be rendered from"):
        SmtpNotifier(to="a@example.com", subject="{{ nothing }}")(_context())
    with pytest.raises(ValueError, match=r"[Hh]eader"):
        SmtpNotifier(to="a@example.com", subject="s", html_content="b", custom_headers={"X": "a\nBcc: b@c"})(
            _context()
        )
    uri = f"smtp://127.0.0.1:{server.port}?disable_ssl=true&disable_tls=true"
    monkeypatch.setenv("TRADEWIND_CONN_SMTP_DEFAULT", uri)
    with pytest.raises(DefinitionError, match="'smtp_default'"):
        SmtpNotifier(to="a@example.com", subject="s", html_content="b")(_context())
    assert server.mails == []


def test_the_hook_can_be_asked_for_by_the_type_of_a_connection(server: Any) -> None:
    assert isinstance(SmtpHook.get_hook("smtp_default"), SmtpHook)

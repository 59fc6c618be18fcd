"""What this package brings."""

from __future__ import annotations

from tradewind.plugins import Component, ConnectionField, ConnectionType, hookimpl


@hookimpl
def tradewind_register_operators() -> list[Component]:
    return [Component("EmailOperator", "tradewind_smtp.operator:EmailOperator", "sends an e-mail")]


@hookimpl
def tradewind_register_hooks() -> list[Component]:
    return [Component("smtp", "tradewind_smtp.hook:SmtpHook", "speaks with a mail server")]


@hookimpl
def tradewind_register_notifiers() -> list[Component]:
    return [Component("smtp", "tradewind_smtp.notifier:SmtpNotifier", "sends an e-mail")]


@hookimpl
def tradewind_register_connection_types() -> list[ConnectionType]:
    fields = (
        ConnectionField(name="from_email", label="From", doc="the sender, where none is named"),
        ConnectionField(name="disable_ssl", label="Without SSL", doc="do not speak TLS from the first byte"),
        ConnectionField(name="disable_tls", label="Without STARTTLS", doc="do not switch to TLS either"),
        ConnectionField(name="timeout", label="Timeout", doc="seconds to wait for the server"),
        ConnectionField(name="retry_limit", label="Tries", doc="how often to try a server that hangs up"),
        ConnectionField(name="subject_template", label="Subject", doc="file with the default subject"),
        ConnectionField(name="html_content_template", label="Body", doc="file with the default body"),
    )
    return [ConnectionType(name="smtp", label="SMTP", hook="smtp", default_port=465, fields=fields)]

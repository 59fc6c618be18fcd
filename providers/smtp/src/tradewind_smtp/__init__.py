"""E-mail by SMTP: a hook, a notifier and an operator."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind_smtp.hook import SmtpHook
    from tradewind_smtp.notifier import SmtpNotifier
    from tradewind_smtp.operator import EmailOperator

__version__ = "0.1.0"

_HOMES = {"EmailOperator": "operator", "SmtpHook": "hook", "SmtpNotifier": "notifier"}

__all__ = ["EmailOperator", "SmtpHook", "SmtpNotifier", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

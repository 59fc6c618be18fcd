"""Notifiers: callbacks that send a message somewhere, made once with their templates and called with the context."""

from __future__ import annotations

import copy
import importlib
from abc import ABC, abstractmethod
from collections.abc import Collection, MutableMapping, Sequence
from typing import Any


class BaseNotifier(ABC):
    """Sends a message: implement :meth:`notify`. An instance stands wherever a callback does.

    Name in ``template_fields`` the attributes in which Jinja templates are rendered before.

    >>> class Horn(BaseNotifier):
    ...     template_fields = ("message",)
    ...     def __init__(self, message):
    ...         self.message = message
    ...     def notify(self, context):
    ...         print("TOOT", self.message)
    """

    template_fields: Collection[str] = ()
    template_ext: Sequence[str] = ()  #: a template field that ends like this names a file with the template

    @abstractmethod
    def notify(self, context: MutableMapping[str, Any]) -> None:
        """Send the message; what it raises is recorded as the callback's failure."""

    def render_template_fields(self, context: MutableMapping[str, Any], jinja_env: Any = None) -> None:
        """Render all template fields, in place."""
        importlib.import_module("tradewind.runner.templates").render_notifier(self, context, jinja_env)

    def render_template(self, content: Any, context: MutableMapping[str, Any]) -> Any:
        """The template rendered; for what is known only in :meth:`notify`."""
        return importlib.import_module("tradewind.runner.templates").render_content(content, context)

    def __call__(self, context: MutableMapping[str, Any]) -> None:
        # A copy, since rendering writes into it, and it may be called again in this process.
        ready = copy.copy(self)
        ready.render_template_fields(context)
        ready.notify(context)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

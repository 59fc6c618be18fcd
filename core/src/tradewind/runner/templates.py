"""Fills in a task's template fields: Jinja templates are rendered, template files read, outputs of other tasks put in."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from typing import TYPE_CHECKING, Any

from tradewind.authoring.references import Reference
from tradewind.errors import TaskSignal, TemplateError, TradewindError
from tradewind.runner.tracebacks import reason_of

if TYPE_CHECKING:
    from jinja2 import Environment

    from tradewind.authoring.notifier import BaseNotifier
    from tradewind.authoring.operator import BaseOperator

_SHOWN = 200  #: characters of a template in an error


def render_task(
    task: BaseOperator, context: MutableMapping[str, Any], jinja_env: Environment | None = None
) -> None:
    """Render the template fields of ``task`` in place.

    :param jinja_env: used in place of the DAG's own environment.
    :raises TemplateError: naming task, field, template and cause.
    """
    _Rendering(task, context, jinja_env).fields_of(task, task.template_fields, task.template_ext)


def render_notifier(
    notifier: BaseNotifier, context: MutableMapping[str, Any], jinja_env: Environment | None = None
) -> None:
    """Render the template fields of ``notifier`` in place.

    :raises TemplateError: naming field, template and cause.
    """
    rendering = _Rendering(_task_of(context), context, jinja_env)
    rendering.fields_of(notifier, notifier.template_fields, notifier.template_ext, f"{notifier!r} ")


def render_content(content: Any, context: MutableMapping[str, Any]) -> Any:
    """The content with its templates rendered."""
    return _Rendering(_task_of(context), context, None).value(content, "content", ())


def _task_of(context: MutableMapping[str, Any]) -> BaseOperator:
    """The task that templates belong to; a nameless one of the DAG for a run without tasks."""
    if "task" in context:
        task: BaseOperator = context["task"]
        return task
    from tradewind.authoring.operator import BaseOperator

    nameless = BaseOperator(task_id="none")
    nameless.dag = context["dag"]
    return nameless


class _Rendering:
    """One pass over a task's fields; makes the Jinja environment when the first template needs it."""

    def __init__(
        self, task: BaseOperator, context: MutableMapping[str, Any], jinja_env: Environment | None
    ) -> None:
        self._task = task
        self._context = context
        self._env = jinja_env
        self._native = bool(task.dag is not None and task.dag.render_template_as_native_obj)
        self._seen: set[int] = set()
        self._ready = {id(value) for value in task.not_templates}

    def fields_of(
        self, owner: Any, names: Collection[str], endings: Collection[str], within: str = ""
    ) -> None:
        for name in names:
            if not hasattr(owner, name):
                raise TemplateError(
                    f"Task {self._task.task_id!r}: {type(owner).__name__} names {name!r} in template_fields, but has no "
                    f"such attribute: set it in __init__, or take it out of template_fields."
                )
            value = getattr(owner, name)
            if value:
                rendered = self.value(value, f"{within}{name}", tuple(endings))
                if rendered is not value:
                    setattr(owner, name, rendered)

    def value(self, value: Any, where: str, endings: tuple[str, ...]) -> Any:
        if self._ready and id(value) in self._ready:
            return value
        if isinstance(value, str):
            return self._text(value, where, endings)
        if isinstance(value, Reference):
            return self._explained(lambda: value.resolve(self._context), where, value.describe())
        if isinstance(value, tuple):
            items = [self.value(item, f"{where}[{n}]", endings) for n, item in enumerate(value)]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if isinstance(value, list):
            return [self.value(item, f"{where}[{n}]", endings) for n, item in enumerate(value)]
        if isinstance(value, dict):
            return {key: self.value(item, f"{where}[{key!r}]", endings) for key, item in value.items()}
        if isinstance(value, (set, frozenset)):
            return type(value)(self.value(item, where, endings) for item in value)
        self._object(value, where)
        return value

    def _object(self, value: Any, where: str) -> None:
        """An object that has template fields of its own."""
        names = getattr(type(value), "template_fields", None)
        if isinstance(names, (tuple, list, set, frozenset)) and id(value) not in self._seen:
            self._seen.add(id(value))
            self.fields_of(value, names, getattr(value, "template_ext", ()), f"{where}.")

    def _text(self, text: str, where: str, endings: tuple[str, ...]) -> Any:
        if endings and text.endswith(endings):
            return self._explained(lambda: self._render(self._environment().get_template(text)), where, text)
        # Jinja changes nothing but line ends in a text without braces; natively, "5" becomes a number.
        if not self._native and "{" not in text and "\n" not in text and "\r" not in text:
            return text
        return self._explained(lambda: self._render(self._environment().from_string(text)), where, text)

    def _environment(self) -> Environment:
        if self._env is None:
            from tradewind.runner import jinja

            self._env = jinja.environment_of(self._task)
        return self._env

    def _render(self, template: Any) -> Any:
        from tradewind.runner import jinja

        return jinja.render(template, self._context)

    def _explained(self, call: Callable[[], Any], where: str, template: str) -> Any:
        try:
            return call()
        except (TemplateError, TaskSignal):
            raise
        except Exception as error:
            shown = template if len(template) <= _SHOWN else template[: _SHOWN - 3] + "..."
            cause = str(error) if isinstance(error, TradewindError) else _cause(error)
            raise TemplateError(
                f"Task {self._task.task_id!r}: the template field {where} cannot be rendered from {shown!r}: {cause}"
            ) from error


def _cause(error: Exception) -> str:
    """Jinja's own errors are sentences; others need the name of their class."""
    kind = type(error)
    if kind.__module__.startswith("jinja2"):
        if kind.__name__ in ("TemplateNotFound", "TemplatesNotFound"):
            return f"there is no such file beside the DAG's file or in template_searchpath ({error})."
        if kind.__name__ == "UndefinedError":
            return f"{error}."
        line = getattr(error, "lineno", None)
        return f"{error}" + (f" (line {line} of the template)." if line else ".")
    return f"{reason_of(error)}."

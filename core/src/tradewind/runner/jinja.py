"""The sandbox in which templates are rendered. Imports Jinja, so it is itself imported with the first template."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, Undefined
from jinja2.exceptions import SecurityError
from jinja2.nativetypes import NativeCodeGenerator, native_concat
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from tradewind.runner import dates

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator

_LONGEST = 10_000_000  #: items or characters of what * makes in a template
_LARGEST_POWER = 10_000

_FILTERS = {
    "ds": dates.ds,
    "ds_nodash": dates.ds_nodash,
    "ts": dates.ts,
    "ts_nodash": dates.ts_nodash,
    "ts_nodash_with_tz": dates.ts_nodash_with_tz,
}


class TemplateEnvironment(SandboxedEnvironment):
    """Strict about names, safe about attributes, and bounded in what an expression can make."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply or raise to a power, within bounds."""
        if operator == "**" and isinstance(right, (int, float)) and abs(right) > _LARGEST_POWER:
            raise SecurityError(f"a power of {right} is too large for a template (at most {_LARGEST_POWER})")
        if operator == "*":
            for many, times in ((left, right), (right, left)):
                if hasattr(many, "__len__") and isinstance(times, int) and len(many) * times > _LONGEST:
                    raise SecurityError(
                        f"what * makes has more than {_LONGEST} items, too many for a template"
                    )
        return super().call_binop(context, operator, left, right)


class NativeTemplateEnvironment(TemplateEnvironment):
    """The same, but a template gives a Python value in place of text."""

    code_generator_class = NativeCodeGenerator
    concat = staticmethod(native_concat)  # type: ignore[assignment]


def environment_of(task: BaseOperator) -> SandboxedEnvironment:
    """The environment of the task's DAG: its macros, filters, options, and the folders of its template files."""
    dag = task.dag
    native = dag is not None and dag.render_template_as_native_obj
    kind = NativeTemplateEnvironment if native else TemplateEnvironment
    options: dict[str, Any] = {
        "undefined": (dag.template_undefined if dag is not None else None) or StrictUndefined,
        "loader": FileSystemLoader(template_folders(task)),
        "cache_size": 0,  # an attempt renders each template once
        **((dag.jinja_environment_kwargs or {}) if dag is not None else {}),
    }
    env = kind(**options)
    env.filters.update(_FILTERS)
    if dag is not None:
        env.globals.update(dag.user_defined_macros or {})
        env.filters.update(dag.user_defined_filters or {})
    return env


def template_folders(task: BaseOperator) -> list[str]:
    """Where template files are looked for: beside the DAG's file, then in ``template_searchpath``.

    A relative search path counts from the folder of the DAG's file.
    """
    dag = task.dag
    if dag is None:
        return [os.getcwd()]
    beside = os.path.dirname(os.path.abspath(dag.fileloc))
    given = dag.template_searchpath or ()
    paths: Iterable[str] = [given] if isinstance(given, str) else given
    return [beside, *(os.path.join(beside, path) for path in paths)]


def render(template: Template, context: MutableMapping[str, Any]) -> Any:
    """Render with names from ``context``, each looked up only where the template uses it."""
    # "shared": Jinja takes the names as they are; otherwise it would copy them, and so make every one of them.
    found = template.new_context(_Names(context, template.globals), shared=True)  # type: ignore[arg-type]
    parts = template.root_render_func(found)
    if not isinstance(template.environment, NativeTemplateEnvironment):
        return "".join(parts)
    value = native_concat(parts)
    if isinstance(value, Undefined):
        str(value)  # a strict one raises, as it would inside of text
    return value


class _Names(Mapping[str, Any]):
    """The names of a template: those of the context, then macros and functions of Jinja."""

    def __init__(self, context: Mapping[str, Any], others: Mapping[str, Any]) -> None:
        self._context = context
        self._others = others

    def __getitem__(self, name: str) -> Any:
        # A macro of the DAG may have the name of a context variable; the variable wins, as in Airflow.
        return self._context[name] if name in self._context else self._others[name]

    def __contains__(self, name: object) -> bool:
        return name in self._context or name in self._others

    def __iter__(self) -> Any:
        return iter(dict.fromkeys([*self._context, *self._others]))

    def __len__(self) -> int:
        return len(dict.fromkeys([*self._context, *self._others]))

"""Tasks with as many instances as there are items: ``partial`` and ``expand``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewind.authoring.construction import TASK_ARGUMENTS, known_arguments
from tradewind.authoring.expansion import (
    Expansion,
    Listed,
    Product,
    check_names,
    references_of,
    refuse_nesting,
)
from tradewind.authoring.operator import BaseOperator
from tradewind.authoring.places import calling_place
from tradewind.authoring.relations import link
from tradewind.errors import ArgumentError


class MappedOperator(BaseOperator):
    """A task that is mapped: stands for its instances while the file is imported, and becomes one when it runs.

    :param operator_class: the operator that each instance is.
    :param own: its arguments beside those that every operator takes.
    :param expansion: gives each instance the others.
    :param into: the argument, a dict, that these are put into; ``None``: they are arguments themselves.
    """

    def __init__(
        self,
        *,
        task_id: str,
        operator_class: type[BaseOperator],
        own: Mapping[str, Any],
        expansion: Expansion,
        into: str | None = None,
        unique: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(task_id=self._free(task_id) if unique else task_id, **common)
        self.operator_class = operator_class
        self.own = dict(own)
        self.expansion = self._over = expansion
        self.into = into
        self.common = common
        self.custom_operator_name = operator_class.custom_operator_name or operator_class.__name__
        for name in ("template_fields", "template_ext", "ui_color", "ui_fgcolor", "chooses", "runs_code"):
            setattr(self, name, getattr(operator_class, name))
        refuse_nesting(self.task_group, f"Task {self.task_id!r}", str(self.place))
        expansion.length()  # refuses what cannot be mapped over
        expansion.mark_sources()

    def _free(self, task_id: str) -> str:
        if self.intended_dag is None or self.task_group is None:
            return task_id
        whole = self.task_group.child_id(task_id)
        return task_id + self.intended_dag.free_id(whole)[len(whole) :]

    @property
    def task_type(self) -> str:
        return self.operator_class.__name__

    def link_inputs(self) -> tuple[tuple[str, str], ...]:
        inputs: dict[tuple[str, str], None] = {}
        for source in references_of([*self.own.values(), *self._over.values()]):
            inputs[source.operator.task_id, source.key] = None
            if source.operator.task_id not in self.upstream_ids or source.operator.dag is not self.dag:
                link(source, self)
        return tuple(inputs)

    def unmap(self, context: Mapping[str, Any], index: int) -> BaseOperator:
        """The task that the instance of that map index is.

        :raises Exception: whatever its class has against its arguments.
        """
        arguments, plain = self._over.arguments(context, index)
        own = dict(self.own)
        given = own.get(self.into, {}) if self.into else own
        twice = sorted(given.keys() & arguments.keys()) or sorted(
            self.common.keys() & arguments.keys() if not self.into else ()
        )
        if twice:
            raise ArgumentError(
                f"partial() and expand() both give the argument {twice[0]!r} to task {self.task_id!r}: take it out of one."
            )
        if self.into:
            own[self.into] = {**given, **arguments}
        else:
            own.update(arguments)
        task = self.operator_class.__new__(self.operator_class)
        task.detached = True
        task.__init__(task_id=self.task_id, default_args=self.defaults, **{**self.common, **own})  # type: ignore[misc]
        task.dag, task.task_group, task.task_id = self.dag, self.task_group, self.task_id
        task.upstream_ids, task.downstream_ids = self.upstream_ids, self.downstream_ids
        task.expansion = self.expansion
        task.not_templates = plain
        return task


class Partial:
    """An operator with some of its arguments; :meth:`expand` gives it the others, and makes a mapped task of it."""

    def __init__(self, operator: type[BaseOperator], arguments: dict[str, Any]) -> None:
        self._operator = operator
        self._arguments = arguments
        self._place = calling_place()
        self._check("partial", arguments)

    def expand(self, **mapped: Any) -> MappedOperator:
        """An instance for every combination of the items of what is given.

        :raises ArgumentError: a TypeError, where there is nothing to map over, or no such argument.
        """
        expansion = Product(mapped, calling_place())
        self._check("expand", mapped)
        for name in mapped:
            if name in self._arguments:
                raise ArgumentError(
                    f"partial() and expand() both give the argument {name!r}: take it out of one of them.",
                    str(calling_place()),
                )
            if name in TASK_ARGUMENTS or name == "task_id":
                raise ArgumentError(
                    f"{name!r} is the same for all instances of a task and cannot be mapped over: give it to partial().",
                    str(calling_place()),
                )
        return self._made(expansion)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """An instance for every dict of the list, which holds its arguments."""
        return self._made(Listed(kwargs, calling_place()))

    def _made(self, expansion: Expansion) -> MappedOperator:
        own = {name: value for name, value in self._arguments.items() if not _is_common(name)}
        common = {name: value for name, value in self._arguments.items() if _is_common(name)}
        return MappedOperator(operator_class=self._operator, own=own, expansion=expansion, **common)

    def _check(self, method: str, names: Mapping[str, Any]) -> None:
        known = known_arguments(self._operator)
        check_names(method, names, known, calling_place(), self._operator.__name__)

    def __repr__(self) -> str:
        return f"<{self._operator.__name__}.partial(...), not expanded yet>"


def _is_common(name: str) -> bool:
    return name in TASK_ARGUMENTS or name == "task_id"

"""Task groups: a name for tasks that belong together, which arrows may begin and end at."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from tradewind.authoring import scope
from tradewind.authoring.checks import checked, mapping, unknown_argument
from tradewind.authoring.expansion import (
    Expansion,
    Listed,
    MappedArgument,
    Product,
    check_names,
    references_of,
    refuse_nesting,
)
from tradewind.authoring.places import Place, calling_place
from tradewind.authoring.relations import Node, link
from tradewind.errors import ArgumentError, DefinitionError, DuplicateTaskId, NotFound
from tradewind.model.ids import check_id
from tradewind.model.spec import GroupSpec

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operator import BaseOperator


class GroupArguments(TypedDict, total=False):
    """What a task group takes beside its ``group_id``."""

    prefix_group_id: bool
    parent_group: TaskGroup | None
    dag: DAG | None
    default_args: Mapping[str, Any] | None
    tooltip: str
    ui_color: str
    ui_fgcolor: str
    add_suffix_on_collision: bool
    group_display_name: str


class TaskGroup(Node):
    """A group of tasks; ``with TaskGroup("clean"):`` puts the tasks made inside into it.

    :param group_id: unique in the DAG, together with the ids of tasks.
    :param prefix_group_id: put the group's id before those of its tasks, as in ``clean.sales``.
    :param add_suffix_on_collision: take ``clean__1`` where ``clean`` is taken, rather than to refuse.
    """

    expansion: Expansion | None = None  #: what it is mapped over

    def __init__(self, group_id: str, **arguments: Unpack[GroupArguments]) -> None:
        self.place: Place = calling_place()
        unknown = arguments.keys() - GroupArguments.__annotations__.keys()
        if unknown:
            raise unknown_argument(
                f"TaskGroup {group_id!r}", min(unknown), GroupArguments.__annotations__, self.place
            )
        parent = arguments.get("parent_group")
        dag = arguments.get("dag") or (parent.dag if parent is not None else None) or scope.current_dag()
        if dag is None:
            raise DefinitionError(
                f"Task group {group_id!r} is in no DAG: make it inside `with DAG(...)`, or give it dag=...",
                str(self.place),
            )
        self.dag: DAG = dag
        self.parent: TaskGroup | None = parent if parent is not None else scope.current_group(dag)
        self.prefix_group_id = arguments.get("prefix_group_id", True)
        self.tooltip = arguments.get("tooltip", "")
        self.ui_color = arguments.get("ui_color", "CornflowerBlue")
        self.ui_fgcolor = arguments.get("ui_fgcolor", "#000")
        self.display_name = arguments.get("group_display_name") or None
        given = checked(mapping, arguments.get("default_args") or {}, "default_args", self.place)
        self.default_args: dict[str, Any] = {**self.parent.default_args, **given}
        self.children: dict[str, BaseOperator | TaskGroup] = {}
        check_id("task group", group_id, str(self.place))
        whole = self.parent.child_id(group_id)
        if arguments.get("add_suffix_on_collision"):
            whole = dag.free_id(whole)
        self.group_id: str | None = whole
        dag.add_group(self)

    @classmethod
    def root_of(cls, dag: DAG) -> TaskGroup:
        """The nameless group that holds a DAG's tasks."""
        root = cls.__new__(cls)
        root.place, root.dag, root.parent, root.group_id = dag.place, dag, None, None
        root.prefix_group_id, root.tooltip, root.display_name = False, "", None
        root.ui_color, root.ui_fgcolor = "CornflowerBlue", "#000"
        root.default_args, root.children = {}, {}
        return root

    def child_id(self, name: str) -> str:
        """The whole id of a task or group of that name in this group."""
        return f"{self.group_id}.{name}" if self.group_id is not None and self.prefix_group_id else name

    @property
    def mapped_group(self) -> TaskGroup | None:
        """The group that is mapped: itself, or the closest around it."""
        group: TaskGroup | None = self
        while group is not None and group.expansion is None:
            group = group.parent
        return group

    def tasks(self) -> Iterator[BaseOperator]:
        """Its tasks, with those of the groups in it."""
        pending: list[BaseOperator | TaskGroup] = list(self.children.values())[::-1]
        while pending:
            child = pending.pop()
            if isinstance(child, TaskGroup):
                pending.extend(list(child.children.values())[::-1])
            else:
                yield child

    iter_tasks = tasks

    def __iter__(self) -> Iterator[BaseOperator]:
        return self.tasks()

    def add(self, task: BaseOperator) -> None:
        """Take in a task that was made elsewhere; it keeps its id.

        :raises DefinitionError: where it belongs to another group, or another DAG.
        """
        home = task.task_group
        if task.dag is not None and task.dag is not self.dag:
            raise DefinitionError(
                f"Task {task.task_id!r} belongs to DAG {task.dag.dag_id!r}, its group to {self.dag.dag_id!r}.",
                str(calling_place()),
            )
        if home is not None and home is not self and home.group_id is not None:
            raise DefinitionError(
                f"Task {task.task_id!r} is in the group {home.group_id!r} already: make it in one of the two.",
                str(calling_place()),
            )
        if home is not None:
            home.children.pop(task.task_id, None)
        task.task_group = self
        if task.dag is None:
            self.dag.add_task(task)
        self.children[task.task_id] = task

    @property
    def label(self) -> str | None:
        """Its id without those of the groups around it; ``None`` for the root."""
        return None if self.group_id is None else self.group_id.removeprefix(self._prefix_of_parent())

    @property
    def is_root(self) -> bool:
        """Whether it stands for the DAG itself."""
        return self.group_id is None

    def _prefix_of_parent(self) -> str:
        return self.parent.child_id("") if self.parent is not None else ""

    def get_child_by_label(self, label: str) -> BaseOperator | TaskGroup:
        """The task or group directly in it that was given this id.

        :raises NotFound: naming close matches.
        """
        found = self.children.get(self.child_id(label)) or self.children.get(label)
        if found is None:
            raise NotFound(
                f"task or group in the group {self.group_id or self.dag.dag_id!r} named", label, self.children
            )
        return found

    def has_task(self, task: BaseOperator) -> bool:
        """Whether the task is in it, or in a group in it."""
        return any(one is task for one in self.tasks())

    def get_roots(self) -> Iterator[BaseOperator]:
        """:attr:`roots`, one after another."""
        return iter(self.roots)

    def get_leaves(self) -> Iterator[BaseOperator]:
        """:attr:`leaves`, one after another."""
        return iter(self.leaves)

    @property
    def roots(self) -> list[BaseOperator]:
        inside = {task.task_id: task for task in self.tasks()}
        return [task for task in inside.values() if not task.upstream_ids.keys() & inside.keys()]

    @property
    def leaves(self) -> list[BaseOperator]:
        """Its last tasks, teardowns aside: what comes after a group does not wait for them, nor depend on their success.

        A setup that has only teardowns behind it counts where nothing else does, and teardowns where there is nothing else.
        """
        inside = {task.task_id: task for task in self.tasks()}

        def is_last(task: BaseOperator) -> bool:
            return all(inside[after].is_teardown for after in task.downstream_ids if after in inside)

        def is_alone(task: BaseOperator) -> bool:
            return not task.downstream_ids.keys() & inside.keys()

        last = [task for task in inside.values() if not task.is_teardown and is_last(task)]
        work = [task for task in last if not task.is_setup or is_alone(task)]
        return work or last or [task for task in inside.values() if is_alone(task)]

    def spec(self) -> GroupSpec:
        """The frozen form."""
        assert self.group_id is not None, "the root group stands for the DAG itself"
        return GroupSpec(
            group_id=self.group_id,
            parent=self.parent.group_id if self.parent is not None else None,
            tooltip=self.tooltip,
            display_name=self.display_name,
            prefix=self.prefix_group_id,
            mapped=self.expansion.length() if self.expansion is not None else None,
        )

    def __enter__(self) -> TaskGroup:
        scope.enter(self.dag, self)
        return self

    def __exit__(self, *raised: object) -> None:
        scope.leave()
        if self.expansion is not None:
            for source in references_of(list(self.expansion.values())):
                link(source, self)

    def map_over(self, expansion: Expansion) -> None:
        """Let its tasks have an instance for each item.

        :raises DefinitionError: where a group around it is mapped already.
        """
        refuse_nesting(self.parent, f"Task group {self.group_id!r}", str(self.place))
        expansion.length()  # refuses what cannot be mapped over
        expansion.mark_sources()
        self.expansion = expansion

    def __repr__(self) -> str:
        return f"<TaskGroup: {self.group_id}>"


class GroupFactory:
    """A function under ``@task_group``: each call makes a group and runs the function inside it."""

    def __init__(self, function: Callable[..., Any], group_id: str | None, arguments: GroupArguments) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._group_id = group_id
        self._arguments = arguments
        self._partial: dict[str, Any] = {}  # arguments of the function that were given already

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result, or the group where it returns nothing."""
        if self._partial:
            raise ArgumentError(
                f"{self._name} was given arguments by partial(), so it is made a group by expand() or expand_kwargs().",
                str(calling_place()),
            )
        return self._make(None, args, kwargs)

    def partial(self, **kwargs: Any) -> GroupFactory:
        """The same function with these arguments given, the same for all instances; to be followed by :meth:`expand`."""
        self._check("partial", kwargs)
        made = GroupFactory(self.function, self._group_id, self._arguments)
        made._partial = {**self._partial, **kwargs}
        return made

    def expand(self, **mapped: Any) -> Any:
        """A group whose tasks have an instance for every combination of the items of what is given.

        :raises ArgumentError: a TypeError, where there is nothing to map over, or no such argument.
        """
        expansion = Product(mapped, calling_place())
        self._check("expand", mapped)
        twice = sorted(mapped.keys() & self._partial.keys())
        if twice:
            raise ArgumentError(
                f"{self._name}: partial() and expand() both give {twice[0]!r}: take it out of one of them.",
                str(calling_place()),
            )
        return self._expanded(expansion, mapped)

    def expand_kwargs(self, kwargs: Any) -> Any:
        """A group whose tasks have an instance for every dict of the list, which holds the function's arguments."""
        names = [name for name in inspect.signature(self.function).parameters if name not in self._partial]
        return self._expanded(Listed(kwargs, calling_place()), names)

    def _expanded(self, expansion: Expansion, names: Iterable[str]) -> Any:
        mapped = {name: MappedArgument(expansion, name) for name in names}
        return self._make(expansion, (), {**self._partial, **mapped})

    def _make(self, expansion: Expansion | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        try:
            inspect.signature(self.function).bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{self._name}: {error}", str(calling_place())) from None
        arguments: GroupArguments = {"add_suffix_on_collision": True, **self._arguments}
        if self.function.__doc__:
            arguments.setdefault("tooltip", inspect.cleandoc(self.function.__doc__))
        with TaskGroup(self._group_id or self.function.__name__, **arguments) as group:
            if expansion is not None:
                group.map_over(expansion)
            result = self.function(*args, **kwargs)
        return group if result is None else result

    @property
    def _name(self) -> str:
        return f"@task_group {self.function.__name__!r}"

    def _check(self, method: str, names: Mapping[str, Any]) -> None:
        parameters = inspect.signature(self.function).parameters
        if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
            check_names(method, names, parameters, calling_place(), self._name)

    def override(self, group_id: str | None = None, **arguments: Unpack[GroupArguments]) -> GroupFactory:
        """The same function with other arguments for its group."""
        made = GroupFactory(self.function, group_id or self._group_id, {**self._arguments, **arguments})
        made._partial = self._partial
        return made


@overload
def task_group(function: Callable[..., Any], /) -> GroupFactory: ...


@overload
def task_group(
    *, group_id: str | None = None, **arguments: Unpack[GroupArguments]
) -> Callable[[Callable[..., Any]], GroupFactory]: ...


@overload
def task_group(
    function: str, /, **arguments: Unpack[GroupArguments]
) -> Callable[[Callable[..., Any]], GroupFactory]: ...


def task_group(
    function: Callable[..., Any] | str | None = None,
    /,
    *,
    group_id: str | None = None,
    **arguments: Unpack[GroupArguments],
) -> GroupFactory | Callable[[Callable[..., Any]], GroupFactory]:
    """Make task groups from a function whose body makes the tasks.

    Write ``@task_group`` or ``@task_group(group_id="g", ...)`` before it; each call makes a group.
    """
    if callable(function):
        return GroupFactory(function, group_id, arguments)
    chosen = function or group_id
    return lambda decorated: GroupFactory(decorated, chosen, arguments)


def refuse_taken_id(kind: str, new_id: str, place: Place, other: BaseOperator | TaskGroup) -> DuplicateTaskId:
    """The error for an id that is given twice in one DAG."""
    what = "task group" if isinstance(other, TaskGroup) else "task"
    return DuplicateTaskId(
        f"The {kind} id {new_id!r} is taken: the {what} made at {other.place} has it. "
        f"Give one of them another id.",
        str(place),
    )

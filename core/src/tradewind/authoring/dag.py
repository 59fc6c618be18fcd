"""The DAG: tasks and what they wait for, when they run, and within what limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Unpack

from tradewind.authoring import scope
from tradewind.authoring.arguments import DAG_CHECKS, DAG_CURES, Callbacks, DagArguments
from tradewind.authoring.checks import checked, moment, shown, unknown_argument
from tradewind.authoring.group import TaskGroup, refuse_taken_id
from tradewind.authoring.params import ParamsDict
from tradewind.authoring.places import FINISHED_DAGS, Place, calling_place, importing_namespace
from tradewind.authoring.references import DagParam
from tradewind.authoring.relations import Node, link
from tradewind.authoring.schedule import split_schedule, timetable_of
from tradewind.errors import DefinitionError, NotFound
from tradewind.model.ids import check_id
from tradewind.model.spec import DagSpec, TimetableSpec
from tradewind.ports import runtime
from tradewind.timetables.zones import timezone_name
from tradewind.timetables.zones import zone as zone_named

if TYPE_CHECKING:
    from tradewind.authoring.deadline import DeadlineAlert
    from tradewind.authoring.operator import BaseOperator


class DAG:
    """A pipeline. Tasks made inside ``with DAG(...):`` belong to it, or those that are given ``dag=``.

    :param dag_id: unique in the installation.
    :param arguments: see :class:`tradewind.authoring.arguments.DagArguments`.

    >>> with DAG("hello", schedule="@daily") as dag:
    ...     first = EmptyOperator(task_id="first")
    ...     first >> EmptyOperator(task_id="second")
    <Task(EmptyOperator): second>
    """

    description: str | None = None
    schedule: Any = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    catchup: bool = False
    max_active_runs: int = 16
    max_active_tasks: int = 16
    max_consecutive_failed_dag_runs: int = 0
    dagrun_timeout: timedelta | None = None
    fail_fast: bool = False
    doc_md: str | None = None
    template_searchpath: str | Sequence[str] | None = None
    template_undefined: Any = None
    user_defined_macros: Mapping[str, Any] | None = None
    user_defined_filters: Mapping[str, Any] | None = None
    render_template_as_native_obj: bool = False
    jinja_environment_kwargs: Mapping[str, Any] | None = None
    is_paused_upon_creation: bool | None = None
    dag_display_name: str | None = None
    on_success_callback: Callbacks = None
    on_failure_callback: Callbacks = None
    deadline: Sequence[DeadlineAlert] = ()
    access_control: Mapping[str, Any] | None = None
    auto_register: bool = True
    executor: str | None = None

    def __init__(self, dag_id: str, **arguments: Unpack[DagArguments]) -> None:
        self.place: Place = calling_place()
        self.dag_id: str = check_id("DAG", dag_id, str(self.place))
        self.default_args: dict[str, Any] = {}
        self.owner_links: dict[str, str] = {}
        self.task_dict: dict[str, BaseOperator] = {}
        self.group_dict: dict[str, TaskGroup] = {}
        self.edge_labels: dict[tuple[str, str], str] = {}
        self.postponed_links: list[tuple[Node, Node, str]] = []
        self._suffixes: dict[str, int] = {}
        for name, value in arguments.items():
            self._accept(name, value)
        self.params = ParamsDict(
            {**(self.default_args.get("params") or {}), **(arguments.get("params") or {})}
        )
        self.tags: tuple[str, ...] = self._check_tags(arguments.get("tags"))
        self._take_dates()
        self.asset_schedule, by_time = split_schedule(self.schedule)
        self.timetable: TimetableSpec | None = checked(
            lambda value, _: timetable_of(value, self.timezone), by_time, "schedule", self.place
        )
        self.task_group = TaskGroup.root_of(self)

    def _accept(self, name: str, value: Any) -> None:
        if name not in DagArguments.__annotations__:
            raise unknown_argument(
                f"DAG {self.dag_id!r}",
                name,
                DagArguments.__annotations__,
                self.place,
                DAG_CURES.get(name, ""),
            )
        if value is None or name in ("params", "tags"):
            return
        check = DAG_CHECKS.get(name)
        if check is not None:
            value = checked(check, value, f"DAG {self.dag_id!r}: {name}", self.place)
        setattr(self, name, value)

    def _check_tags(self, tags: Any) -> tuple[str, ...]:
        given = [] if tags is None else [tags] if isinstance(tags, str) else list(tags)
        for tag in given:
            if not isinstance(tag, str) or not tag or len(tag) > 100:
                raise DefinitionError(
                    f"DAG {self.dag_id!r}: a tag is text of 1 to 100 characters, not {shown(tag)}.",
                    str(self.place),
                )
        # A set has no order of its own: sorted, so that the same file always makes the same spec.
        return tuple(sorted(set(given)) if isinstance(tags, (set, frozenset)) else dict.fromkeys(given))

    def _take_dates(self) -> None:
        """The first date of the file names the DAG's time zone, else the settings do; dates without one are in it."""
        for name in ("start_date", "end_date"):
            if getattr(self, name) is None and self.default_args.get(name) is not None:
                setattr(self, name, checked(moment, self.default_args[name], name, self.place))
        zone = (self.start_date and self.start_date.tzinfo) or (self.end_date and self.end_date.tzinfo)
        self.tzinfo: tzinfo = zone or zone_named(runtime.current().default_timezone)
        self.timezone: str = checked(
            lambda value, _: timezone_name(value), self.tzinfo, "timezone", self.place
        )

    # Tasks and groups

    def add_task(self, task: BaseOperator) -> None:
        """Take the task in.

        :raises DuplicateTaskId: naming both places, where another task or group has its id.
        """
        taken = self.task_dict.get(task.task_id) or self.group_dict.get(task.task_id)
        if taken is task:
            return
        if taken is not None:
            raise refuse_taken_id("task", task.task_id, task.place, taken)
        if task.dag is not None and task.dag is not self:
            raise DefinitionError(
                f"Task {task.task_id!r} belongs to DAG {task.dag.dag_id!r} already; "
                f"make another one for {self.dag_id!r}.",
                str(calling_place()),
            )
        task.dag = self
        if task.task_group is None or task.task_group.dag is not self:
            task.task_group = self.task_group
        self.task_dict[task.task_id] = task
        task.task_group.children[task.task_id] = task

    def add_group(self, group: TaskGroup) -> None:
        """Take the group in.

        :raises DuplicateTaskId: naming both places, where another task or group has its id.
        """
        group_id = str(group.group_id)
        taken = self.task_dict.get(group_id) or self.group_dict.get(group_id)
        if taken is not None:
            raise refuse_taken_id("task group", group_id, group.place, taken)
        self.group_dict[group_id] = group
        if group.parent is not None:
            group.parent.children[group_id] = group

    def free_id(self, wanted: str) -> str:
        """``wanted``, or ``wanted__1``, ``wanted__2`` ... where it is taken."""
        free, number = wanted, self._suffixes.get(wanted, 0)
        while free in self.task_dict or free in self.group_dict:
            number += 1
            free = f"{wanted}__{number}"
        self._suffixes[wanted] = number
        return free

    @property
    def tasks(self) -> list[BaseOperator]:
        """All tasks, in the order in which they were made."""
        return list(self.task_dict.values())

    @property
    def task_ids(self) -> list[str]:
        """The ids of all tasks."""
        return list(self.task_dict)

    def get_task(self, task_id: str) -> BaseOperator:
        """The task of that id.

        :raises NotFound: naming the closest ids.
        """
        try:
            return self.task_dict[task_id]
        except KeyError:
            raise NotFound(f"task in DAG {self.dag_id!r} with the id", task_id, self.task_dict) from None

    def has_task(self, task_id: str) -> bool:
        """Whether there is a task of that id."""
        return task_id in self.task_dict

    @property
    def roots(self) -> list[BaseOperator]:
        """The tasks that wait for none."""
        return [task for task in self.tasks if not task.upstream_ids]

    @property
    def leaves(self) -> list[BaseOperator]:
        """The tasks that none waits for."""
        return [task for task in self.tasks if not task.downstream_ids]

    @property
    def owner(self) -> str:
        """The distinct owners of its tasks, sorted and joined by commas."""
        return ", ".join(sorted({task.owner for task in self.tasks}))

    @property
    def deadlines(self) -> list[DeadlineAlert]:
        """Its deadline alerts."""
        return list(self.deadline)

    @property
    def fileloc(self) -> str:
        """The file that made it."""
        return self.place.file

    def param(self, name: str, default: Any = None) -> DagParam:
        """The run's value of a parameter, as an argument for tasks; adds the parameter where it is new."""
        if default is not None or name not in self.params:
            self.params[name] = default
        return DagParam(name)

    # From the file to the spec

    def settle(self) -> None:
        """Draw the arrows that had to wait for the whole file; it does no harm to do so twice."""
        postponed, self.postponed_links = self.postponed_links, []
        for before, after, label in postponed:
            if before.leaves and after.roots:
                link(before, after, label)

    def spec(self) -> DagSpec:
        """The frozen description that is stored and scheduled.

        :raises DefinitionError: where the DAG cannot run as it is, for instance because of a circle.
        """
        # The way back from the spec's module to this one would be a circle.
        from tradewind.authoring.freezing import freeze

        return freeze(self)

    def register(self) -> None:
        """Let the module that is being imported know of this DAG, even if none of its variables does."""
        namespace = importing_namespace()
        if self.auto_register and namespace is not None:
            namespace.setdefault(FINISHED_DAGS, []).append(self)

    def __enter__(self) -> DAG:
        scope.enter(self, self.task_group)
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        scope.leave()
        if kind is None:
            self.register()

    def __repr__(self) -> str:
        return f"<DAG: {self.dag_id}>"

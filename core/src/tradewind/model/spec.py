"""The frozen description of a DAG: what the importer makes, the store keeps and the scheduler works on.

Nothing in it can run. Durations are seconds, moments are aware datetimes in UTC, and everything is plain data, so that a
spec goes to JSON and back without loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tradewind.model.states import TriggerRule

DEFAULT_POOL = "default_pool"
DEFAULT_QUEUE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimetableSpec:
    """When a DAG runs: the registered name of a timetable and its parameters (plain JSON values)."""

    type: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamSpec:
    """A parameter of a DAG's runs: its default and the JSON schema that a given value must meet."""

    default: Any = None
    has_default: bool = True
    schema: dict[str, Any] = field(default_factory=dict)
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthSpec:
    """How many instances a mapped task has: a number, the length of what a task returns, or what follows from others.

    ``zip`` stops with the shortest, ``zip_longest`` with the longest; ``concat`` puts one behind the other; ``product``
    pairs everything with everything.
    """

    kind: Literal["known", "xcom", "zip", "zip_longest", "concat", "product"]
    length: int = 0  #: of ``known``
    task_id: str = ""  #: of ``xcom``
    of: tuple[LengthSpec, ...] = ()  #: of the others

    def sources(self) -> Iterator[str]:
        """Ids of the tasks whose output it depends on."""
        if self.kind == "xcom":
            yield self.task_id
        for part in self.of:
            yield from part.sources()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """A task group: a name for tasks that belong together. ``group_id`` is the whole dotted id."""

    group_id: str
    parent: str | None = None
    tooltip: str = ""
    display_name: str | None = None
    prefix: bool = True
    mapped: LengthSpec | None = None  #: its tasks have as many instances, each of them for one item


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRuleSpec:
    """What becomes of failures by exceptions of some kinds.

    :param exceptions: qualified names of their classes; empty: any.
    :param action: ``retry`` | ``fail`` | ``default``.
    :param delay: seconds before the next try; ``None``: as the task has it.
    """

    exceptions: tuple[str, ...] = ()
    action: str = "retry"
    delay: float | None = None
    reason: str | None = None
    subclasses: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """One task of a DAG: everything that the scheduler or an agent enforces."""

    task_id: str
    operator: str = "EmptyOperator"
    downstream: tuple[str, ...] = ()
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    runs_code: bool = True  #: False: nothing to execute; the scheduler ends it on the spot
    chooses: bool = False  #: may end by choosing which of its downstream tasks go on
    chooses_all: bool = False  #: its choice may skip all that is downstream of it, however far
    owner: str = "tradewind"
    retries: int = 0
    retry_delay: float = 300.0  #: seconds
    retry_backoff: float = 0.0  #: multiplier per failed try; 0: the delay stays the same
    max_retry_delay: float | None = None  #: seconds
    retry_rules: tuple[
        RetryRuleSpec, ...
    ] = ()  #: the first that matches decides; for what its process did not judge
    execution_timeout: float | None = None  #: seconds
    pool: str = DEFAULT_POOL
    pool_slots: int = 1
    priority_weight: int = 1  #: as the weight rule made it
    queue: str = DEFAULT_QUEUE
    executor: str | None = None
    depends_on_past: bool = False
    wait_for_downstream: bool = False
    ignore_first_depends_on_past: bool = True
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    at_most_once: bool = False  #: a lost attempt ends as failed ("may have run") and is never repeated
    do_xcom_push: bool = True
    inputs: tuple[tuple[str, str], ...] = ()  #: (task id, key) of XComs that its arguments name
    group_id: str | None = None
    mapped: LengthSpec | None = None  #: it has as many instances; ``None``: it is not mapped by itself
    is_setup: bool = False
    is_teardown: bool = False  #: undoes what the setups directly upstream of it did
    on_failure_fail_dagrun: bool = False  #: of a teardown: the run fails where it does
    callbacks: tuple[str, ...] = ()  #: names of the callbacks that are set, as "on_failure_callback"
    template_fields: tuple[str, ...] = ()
    display_name: str | None = None
    doc: str | None = None
    ui_color: str = "#fff"
    extra: dict[str, Any] = field(default_factory=dict)  #: what later versions or providers add


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineSpec:
    """By when a run is to have succeeded.

    :param reference: what it counts from: ``queued_at`` | ``logical_date`` | ``fixed`` | ``average_runtime``.
    :param interval: seconds after that.
    :param moment: of ``fixed``.
    :param max_runs: of ``average_runtime``: how many runs are looked at, ``min_runs`` at the least.
    """

    reference: str
    interval: float = 0.0
    moment: datetime | None = None
    max_runs: int = 10
    min_runs: int = 10
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DagSpec:
    """A DAG, whole. ``tasks`` are in the order in which the file made them."""

    dag_id: str
    tasks: tuple[TaskSpec, ...] = ()
    timetable: TimetableSpec | None = None  #: None: runs only when triggered
    timezone: str = "UTC"
    start_date: datetime | None = None
    end_date: datetime | None = None
    catchup: bool = False
    max_active_runs: int = 16
    max_active_tasks: int = 16
    max_consecutive_failed_dag_runs: int = 0
    dagrun_timeout: float | None = None  #: seconds
    fail_fast: bool = False
    is_paused_upon_creation: bool | None = None
    description: str | None = None
    doc_md: str | None = None
    display_name: str | None = None
    tags: tuple[str, ...] = ()
    owner_links: dict[str, str] = field(default_factory=dict)
    params: dict[str, ParamSpec] = field(default_factory=dict)
    groups: tuple[GroupSpec, ...] = ()
    edge_labels: tuple[tuple[str, str, str], ...] = ()  #: (upstream, downstream, label)
    render_template_as_native_obj: bool = False
    executor: str | None = None
    callbacks: tuple[str, ...] = ()
    deadlines: tuple[DeadlineSpec, ...] = ()
    file: str = ""  #: relative to the DAG folder, with forward slashes
    line: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """The distinct owners of its tasks, sorted and joined by commas."""
        return ", ".join(sorted({task.owner for task in self.tasks}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file below the DAG folder that a DAG was made from. ``path`` is relative, with forward slashes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DagVersion:
    """A DAG as it was at one time: its spec and the files it came from. A run keeps the version it began with."""

    id: str
    dag_id: str
    number: int  #: 1, 2, 3 ... for people
    spec: DagSpec
    folder: str  #: the DAG folder, absolute, as it was on the importing machine
    files: tuple[SourceFile, ...] = ()

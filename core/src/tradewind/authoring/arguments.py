"""The arguments that every operator and every DAG takes: their types for editors, their checks for everyone.

The types and the checks stand side by side in this one file; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from tradewind.authoring.checks import (
    Check,
    any_of,
    backoff,
    callbacks,
    deadlines,
    duration,
    flag,
    limit,
    mapping,
    moment,
    named,
    retry_policy,
    text,
    trigger_rule,
    whole,
)

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.deadline import DeadlineAlert
    from tradewind.authoring.group import TaskGroup
    from tradewind.authoring.retry_policy import RetryPolicy

Callback = Callable[..., Any]
Callbacks = Callback | Sequence[Callback] | None


class TaskArguments(TypedDict, total=False):
    """What every operator takes beside its own arguments and ``task_id``."""

    dag: DAG | None
    task_group: TaskGroup | None
    default_args: Mapping[str, Any] | None
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: bool | float
    max_retry_delay: timedelta | float | None
    retry_policy: RetryPolicy | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_downstream: bool
    wait_for_past_depends_before_skipping: bool
    params: Mapping[str, Any] | None
    priority_weight: int
    weight_rule: str
    queue: str
    pool: str | None
    pool_slots: int
    execution_timeout: timedelta | float | None
    on_execute_callback: Callbacks
    on_failure_callback: Callbacks
    on_success_callback: Callbacks
    on_retry_callback: Callbacks
    on_skipped_callback: Callbacks
    pre_execute: Callback | None
    post_execute: Callback | None
    trigger_rule: str
    resources: Mapping[str, Any] | None
    run_as_user: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: Mapping[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    map_index_template: str | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    allow_nested_operators: bool
    at_most_once: bool


#: How given values are checked; what is not named is kept as it is. ``None`` always stands for the default.
TASK_CHECKS: dict[str, Check] = {
    "default_args": mapping,
    "owner": text,
    "email_on_retry": flag,
    "email_on_failure": flag,
    "retries": whole(0, 1_000_000),
    "retry_delay": duration,
    "retry_exponential_backoff": backoff,
    "max_retry_delay": duration,
    "retry_policy": retry_policy,
    "start_date": moment,
    "end_date": moment,
    "depends_on_past": flag,
    "ignore_first_depends_on_past": flag,
    "wait_for_downstream": flag,
    "wait_for_past_depends_before_skipping": flag,
    "priority_weight": whole(-(2**31)),
    "weight_rule": any_of("downstream", "upstream", "absolute"),
    "queue": named("queue"),
    "pool": named("pool"),
    "pool_slots": whole(1),
    "execution_timeout": limit,
    "on_execute_callback": callbacks,
    "on_failure_callback": callbacks,
    "on_success_callback": callbacks,
    "on_retry_callback": callbacks,
    "on_skipped_callback": callbacks,
    "pre_execute": callbacks,
    "post_execute": callbacks,
    "trigger_rule": trigger_rule,
    "max_active_tis_per_dag": whole(1),
    "max_active_tis_per_dagrun": whole(1),
    "executor": text,
    "do_xcom_push": flag,
    "multiple_outputs": flag,
    "map_index_template": text,
    "doc": text,
    "doc_md": text,
    "doc_json": text,
    "doc_yaml": text,
    "doc_rst": text,
    "task_display_name": text,
    "allow_nested_operators": flag,
    "at_most_once": flag,
}

#: Arguments that no longer exist, and what to write instead.
TASK_CURES: dict[str, str] = {
    "provide_context": " Remove it: a function gets what its parameters name, and all with **context.",
    "task_concurrency": " It is called max_active_tis_per_dag now.",
    "xcom_push": " It is called do_xcom_push now.",
    "sla": " Service level agreements are gone: use execution_timeout, or a callback.",
    "execution_date": " It is called logical_date now.",
}


class DagArguments(TypedDict, total=False):
    """What a DAG takes beside its ``dag_id``; the same for ``DAG(...)`` and ``@dag(...)``."""

    description: str | None
    schedule: Any
    start_date: datetime | None
    end_date: datetime | None
    catchup: bool
    default_args: Mapping[str, Any] | None
    max_active_runs: int
    max_active_tasks: int
    max_consecutive_failed_dag_runs: int
    dagrun_timeout: timedelta | float | None
    fail_fast: bool
    tags: Sequence[str] | None
    doc_md: str | None
    params: Mapping[str, Any] | None
    owner_links: Mapping[str, str] | None
    template_searchpath: str | Sequence[str] | None
    template_undefined: Any
    user_defined_macros: Mapping[str, Any] | None
    user_defined_filters: Mapping[str, Callable[..., Any]] | None
    render_template_as_native_obj: bool
    jinja_environment_kwargs: Mapping[str, Any] | None
    is_paused_upon_creation: bool | None
    dag_display_name: str | None
    on_success_callback: Callbacks
    on_failure_callback: Callbacks
    deadline: DeadlineAlert | Sequence[DeadlineAlert] | None
    access_control: Mapping[str, Any] | None
    auto_register: bool
    executor: str | None


DAG_CHECKS: dict[str, Check] = {
    "description": text,
    "start_date": moment,
    "end_date": moment,
    "catchup": flag,
    "default_args": mapping,
    "max_active_runs": whole(0),
    "max_active_tasks": whole(1),
    "max_consecutive_failed_dag_runs": whole(0),
    "dagrun_timeout": limit,
    "fail_fast": flag,
    "doc_md": text,
    "owner_links": mapping,
    "user_defined_macros": mapping,
    "user_defined_filters": mapping,
    "render_template_as_native_obj": flag,
    "jinja_environment_kwargs": mapping,
    "is_paused_upon_creation": flag,
    "dag_display_name": text,
    "on_success_callback": callbacks,
    "on_failure_callback": callbacks,
    "deadline": deadlines,
    "auto_register": flag,
    "executor": text,
}

DAG_CURES: dict[str, str] = {
    "schedule_interval": " It is called schedule now.",
    "timetable": " It is called schedule now, and takes timetables too.",
    "concurrency": " It is called max_active_tasks now.",
    "fail_stop": " It is called fail_fast now.",
    "sla_miss_callback": " Service level agreements are gone: use dagrun_timeout with on_failure_callback.",
    "default_view": " Remove it: people choose the view in the page.",
    "orientation": " Remove it: people choose the layout in the page.",
}

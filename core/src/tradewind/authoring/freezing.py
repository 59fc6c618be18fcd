"""From a live DAG to its frozen spec."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from tradewind.authoring.arguments import TASK_CURES, DagArguments
from tradewind.authoring.checks import checked, did_you_mean
from tradewind.authoring.construction import TASK_ARGUMENTS, known_arguments
from tradewind.authoring.graph import find_circle, reversed_edges, topological_order, weight_totals
from tradewind.authoring.schedule import in_utc
from tradewind.authoring.setups import check_scopes
from tradewind.errors import CycleError, DefinitionError
from tradewind.model.spec import DagSpec, ParamSpec, TaskSpec

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.operator import BaseOperator

TASK_CALLBACKS = (
    "on_execute_callback",
    "on_failure_callback",
    "on_success_callback",
    "on_retry_callback",
    "on_skipped_callback",
)
EMAIL_CALLBACKS = ("email_on_failure", "email_on_retry")
DAG_CALLBACKS = ("on_success_callback", "on_failure_callback")

_WEIGHT_LIMIT = 2**31 - 1
_SHOWN_OF_CIRCLE = 12


def freeze(dag: DAG) -> DagSpec:
    """The frozen description of a DAG.

    :raises DefinitionError: where the DAG cannot run as it is.
    """
    dag.settle()
    # Outputs may have been set into template fields after the tasks were made.
    inputs = [task.link_inputs() for task in dag.tasks]
    check_scopes(dag.tasks)
    weights = _weights(dag)
    _warn_of_unused_defaults(dag)
    start, end = (_in_utc(dag, moment) for moment in (dag.start_date, dag.end_date))
    if start is not None and end is not None and end < start:
        raise DefinitionError(
            f"DAG {dag.dag_id!r} ends ({end.isoformat()}) before it starts ({start.isoformat()}): "
            f"change one of them.",
            str(dag.place),
        )
    return DagSpec(
        dag_id=dag.dag_id,
        tasks=tuple(
            _freeze_task(task, names, weight, start, dag.tzinfo)
            for task, names, weight in zip(dag.tasks, inputs, weights, strict=True)
        ),
        timetable=dag.timetable,
        timezone=dag.timezone,
        start_date=start,
        end_date=end,
        catchup=dag.catchup,
        max_active_runs=dag.max_active_runs,
        max_active_tasks=dag.max_active_tasks,
        max_consecutive_failed_dag_runs=dag.max_consecutive_failed_dag_runs,
        dagrun_timeout=_seconds(dag.dagrun_timeout),
        fail_fast=dag.fail_fast,
        is_paused_upon_creation=dag.is_paused_upon_creation,
        description=dag.description,
        doc_md=dag.doc_md,
        display_name=dag.dag_display_name,
        tags=dag.tags,
        owner_links=dict(dag.owner_links),
        params=_params(dag),
        groups=tuple(group.spec() for group in dag.group_dict.values()),
        edge_labels=tuple((first, second, label) for (first, second), label in dag.edge_labels.items()),
        render_template_as_native_obj=dag.render_template_as_native_obj,
        executor=dag.executor,
        callbacks=tuple(name for name in DAG_CALLBACKS if getattr(dag, name)),
        deadlines=tuple(alert.spec(_in_utc(dag, alert.reference.moment)) for alert in dag.deadlines),
        line=dag.place.line,
    )


def _freeze_task(
    task: BaseOperator,
    inputs: tuple[tuple[str, str], ...],
    weight: int,
    dag_start: datetime | None,
    zone: tzinfo,
) -> TaskSpec:
    start = in_utc(task.start_date, zone)
    group_id = task.task_group.group_id if task.task_group is not None else None
    return TaskSpec(
        task_id=task.task_id,
        operator=task.operator_name,
        downstream=tuple(task.downstream_ids),
        trigger_rule=task.trigger_rule,
        runs_code=task.runs_code,
        chooses=task.chooses,
        chooses_all=task.chooses_all,
        owner=task.owner,
        retries=task.retries,
        retry_delay=task.retry_delay.total_seconds(),
        retry_backoff=task.retry_exponential_backoff,
        max_retry_delay=_seconds(task.max_retry_delay),
        retry_rules=task.retry_policy.rules_for_scheduler() if task.retry_policy is not None else (),
        execution_timeout=_seconds(task.execution_timeout),
        pool=task.pool,
        pool_slots=task.pool_slots,
        priority_weight=weight,
        queue=task.queue,
        executor=task.executor,
        depends_on_past=task.depends_on_past,
        wait_for_downstream=task.wait_for_downstream,
        ignore_first_depends_on_past=task.ignore_first_depends_on_past,
        max_active_tis_per_dag=task.max_active_tis_per_dag,
        max_active_tis_per_dagrun=task.max_active_tis_per_dagrun,
        # A start that is not later than the DAG's says nothing new.
        start_date=start if start is not None and (dag_start is None or start > dag_start) else None,
        end_date=in_utc(task.end_date, zone),
        at_most_once=task.at_most_once,
        do_xcom_push=task.do_xcom_push,
        inputs=inputs,
        group_id=group_id,
        is_setup=task.is_setup,
        is_teardown=task.is_teardown,
        on_failure_fail_dagrun=task.on_failure_fail_dagrun,
        mapped=task.expansion.length() if task.expansion is not None else None,
        callbacks=_callbacks(task),
        template_fields=tuple(task.template_fields),
        display_name=task.task_display_name,
        doc=task.doc_md or task.doc or task.doc_rst or task.doc_json or task.doc_yaml,
        ui_color=task.ui_color,
        extra={**({"run_as_user": task.run_as_user} if task.run_as_user else {}), **task.extra_spec()},
    )


def _callbacks(task: BaseOperator) -> tuple[str, ...]:
    """Names of what a change of the task's state calls."""
    emails = EMAIL_CALLBACKS if task.email else ()
    return tuple(name for name in (*TASK_CALLBACKS, *emails) if getattr(task, name))


def _weights(dag: DAG) -> list[int]:
    """The priority of each task, as its weight rule makes it.

    :raises CycleError: where tasks wait for each other in a circle.
    """
    tasks = dag.tasks
    number = {task.task_id: index for index, task in enumerate(tasks)}
    downstream = [[number[task_id] for task_id in task.downstream_ids] for task in tasks]
    order = topological_order(downstream)
    if len(order) < len(tasks):
        raise _circle(dag, [tasks[index].task_id for index in find_circle(downstream, order)])
    own = [task.priority_weight for task in tasks]
    totals = {"absolute": own}
    rules = {task.weight_rule for task in tasks}
    if "downstream" in rules:
        totals["downstream"] = weight_totals(downstream, order, own)
    if "upstream" in rules:
        totals["upstream"] = weight_totals(reversed_edges(downstream), order[::-1], own)
    chosen = (totals[task.weight_rule][index] for index, task in enumerate(tasks))
    return [max(-_WEIGHT_LIMIT, min(_WEIGHT_LIMIT, weight)) for weight in chosen]


def _circle(dag: DAG, task_ids: Sequence[str]) -> CycleError:
    shown = list(task_ids)
    if len(shown) > _SHOWN_OF_CIRCLE:
        skipped = len(shown) - _SHOWN_OF_CIRCLE
        shown = [*shown[: _SHOWN_OF_CIRCLE // 2], f"... {skipped} more ...", *shown[-_SHOWN_OF_CIRCLE // 2 :]]
    return CycleError(
        f"The tasks of DAG {dag.dag_id!r} wait for each other in a circle: {' >> '.join(shown)}. "
        f"Take one of these arrows out.",
        str(dag.get_task(task_ids[0]).place),
    )


def _params(dag: DAG) -> dict[str, ParamSpec]:
    by_itself = dag.timetable is not None
    return {
        name: checked(lambda given, key: given.spec(key, runs_by_itself=by_itself), param, name, dag.place)
        for name, param in dag.params.params().items()
    }


def _in_utc(dag: DAG, moment: datetime | None) -> datetime | None:
    found: datetime | None = checked(lambda value, _: in_utc(value, dag.tzinfo), moment, "date", dag.place)
    return found


def _warn_of_unused_defaults(dag: DAG) -> None:
    """A misspelt default argument would do nothing, without a word."""
    unknown = dag.default_args.keys() - TASK_ARGUMENTS
    if not unknown or not dag.task_dict:
        return
    kinds = {getattr(task, "operator_class", type(task)) for task in dag.tasks}
    taken = {name for kind in kinds for name in known_arguments(kind)}
    for name in sorted(unknown - taken):
        hint = did_you_mean(name, taken) or TASK_CURES.get(name) or " Take it out."
        if name in DagArguments.__annotations__:
            hint = " Give it to the DAG itself."
        warnings.warn(
            f"{dag.place}: DAG {dag.dag_id!r} has {name!r} in its default_args, "
            f"which none of its tasks takes.{hint}",
            UserWarning,
            stacklevel=2,
        )


def _seconds(duration: timedelta | None) -> float | None:
    return duration.total_seconds() if duration is not None else None

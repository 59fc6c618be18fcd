"""Instances of mapped tasks: which arguments they have, what they are called, and what may be mapped over."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tradewind.errors import SerializationError
from tradewind.model.facts import INSTANCE_NAME, XCom
from tradewind.runner.tracebacks import reason_of

if TYPE_CHECKING:
    from tradewind.authoring.operator import BaseOperator
    from tradewind.runner.attempt import Attempt
    from tradewind.runner.context import TaskContext

log = logging.getLogger("tradewind.task")

_LONGEST_NAME = 250  #: characters


def become_instance(attempt: Attempt, context: TaskContext) -> None:
    """Put the instance, with its own arguments, in the place of the mapped task.

    :raises Exception: whatever keeps it from having them.
    """
    mapped: Any = attempt.task
    if not hasattr(mapped, "unmap"):
        return  # one of a mapped group: its arguments are references
    ti = context["ti"]
    attempt.task = ti.task = context["task"] = mapped.unmap(context, ti.map_index)


def become_instance_if_it_can(attempt: Attempt, context: TaskContext) -> None:
    """The same for callbacks, which are called even where the instance's arguments cannot be had."""
    try:
        become_instance(attempt, context)
    except Exception as error:
        log.warning(
            "The arguments of the instance cannot be had, so `task` is the mapped task: %s", reason_of(error)
        )


def name_of_instance(context: TaskContext) -> tuple[XCom, ...]:
    """What ``map_index_template`` makes of the instance, to travel with its values; nothing where there is no template."""
    ti = context["ti"]
    template = ti.task.map_index_template
    if not template:
        return ()
    from tradewind.runner import jinja

    try:
        name = str(jinja.render(jinja.environment_of(ti.task).from_string(template), context))
    except Exception as error:
        log.error("map_index_template %r cannot be rendered: %s", template, reason_of(error))
        return ()
    ti.rendered_map_index = name[:_LONGEST_NAME]
    return (XCom(key=INSTANCE_NAME, value=ti.rendered_map_index.encode()),)


def check_mapped_over(task: BaseOperator, result: Any, most: int) -> None:
    """Refuse a result that the tasks behind could not be mapped over.

    :raises SerializationError: naming the task and what to return.
    """
    if result is None or not task.do_xcom_push:
        raise SerializationError(
            f"Another task is mapped over what task {task.task_id!r} returns, and it returned nothing: let it return a list "
            f"or a dict, be it an empty one."
        )
    if not isinstance(result, (list, tuple, dict)) and not getattr(result, "kept_as_list", False):
        raise SerializationError(
            f"Another task is mapped over what task {task.task_id!r} returns, so that must be a list or a dict, and it is "
            f"of type {type(result).__name__}."
        )
    if len(result) > most:
        raise SerializationError(
            f"Another task is mapped over what task {task.task_id!r} returns, and that has {len(result)} items; "
            f"core.max_map_length allows {most}: raise it, or return batches."
        )

"""WHAT A DAG AUTHOR WRITES: DAGs, operators, ``@task``, groups, references; ``DAG.spec()`` freezes it.

What operators and providers are built on can be imported from here; what DAG files use, from ``tradewind``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.authoring.context import CONTEXT_KEYS, Context, get_current_context
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.decorated import DecoratedOperator, make_task_decorator, task_decorator_factory
    from tradewind.authoring.hook import BaseHook
    from tradewind.authoring.operator import BaseOperator
    from tradewind.authoring.operators.branch import BaseBranchOperator, follow_branch
    from tradewind.authoring.operators.python import PythonOperator
    from tradewind.authoring.references import Reference, XComArg
    from tradewind.authoring.sensor import BaseSensorOperator, PokeReturnValue
    from tradewind.authoring.signals import RescheduleTask, TaskDeferred
    from tradewind.authoring.triggers import BaseTrigger, RunsAwaited, TriggerEvent

_HOMES = {
    "CONTEXT_KEYS": "context",
    "DAG": "dag",
    "BaseBranchOperator": "operators.branch",
    "BaseHook": "hook",
    "BaseOperator": "operator",
    "BaseSensorOperator": "sensor",
    "BaseTrigger": "triggers",
    "Context": "context",
    "DecoratedOperator": "decorated",
    "PokeReturnValue": "sensor",
    "PythonOperator": "operators.python",
    "Reference": "references",
    "RescheduleTask": "signals",
    "RunsAwaited": "triggers",
    "TaskDeferred": "signals",
    "TriggerEvent": "triggers",
    "XComArg": "references",
    "follow_branch": "operators.branch",
    "get_current_context": "context",
    "make_task_decorator": "decorated",
    "task_decorator_factory": "decorated",
}

__all__ = [
    "CONTEXT_KEYS",
    "DAG",
    "BaseBranchOperator",
    "BaseHook",
    "BaseOperator",
    "BaseSensorOperator",
    "BaseTrigger",
    "Context",
    "DecoratedOperator",
    "PokeReturnValue",
    "PythonOperator",
    "Reference",
    "RescheduleTask",
    "RunsAwaited",
    "TaskDeferred",
    "TriggerEvent",
    "XComArg",
    "follow_branch",
    "get_current_context",
    "make_task_decorator",
    "task_decorator_factory",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

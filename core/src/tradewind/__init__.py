"""A workflow orchestrator: pipelines are DAGs of Python tasks, scheduled in milliseconds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.authoring.context import Context, get_current_context
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.deadline import AsyncCallback, DeadlineAlert, DeadlineReference, SyncCallback
    from tradewind.authoring.group import TaskGroup, task_group
    from tradewind.authoring.hook import BaseHook
    from tradewind.authoring.notifier import BaseNotifier
    from tradewind.authoring.operator import BaseOperator
    from tradewind.authoring.operators.branch import BaseBranchOperator, BranchPythonOperator
    from tradewind.authoring.operators.empty import EmptyOperator
    from tradewind.authoring.operators.latest_only import LatestOnlyOperator
    from tradewind.authoring.operators.python import PythonOperator
    from tradewind.authoring.operators.short_circuit import ShortCircuitOperator
    from tradewind.authoring.params import Param, ParamsDict
    from tradewind.authoring.references import XComArg
    from tradewind.authoring.relations import Label, chain, chain_linear, cross_downstream
    from tradewind.authoring.retry_policy import (
        ChainRetryPolicy,
        ExceptionRetryPolicy,
        RetryAction,
        RetryDecision,
        RetryPolicy,
        RetryRule,
    )
    from tradewind.authoring.sensor import BaseSensorOperator, PokeReturnValue
    from tradewind.authoring.setup_teardown import setup, teardown
    from tradewind.authoring.signals import TaskDeferred
    from tradewind.authoring.taskflow import dag, task
    from tradewind.authoring.triggers import BaseTrigger, TriggerEvent
    from tradewind.authoring.variable import Variable
    from tradewind.authoring.weights import WeightRule
    from tradewind.errors import FailTask, SkipTask
    from tradewind.model.connection import Connection
    from tradewind.model.states import TriggerRule

__version__ = "0.1.0"

#: Where each public name lives. Imported at its first use: ``import tradewind`` costs next to nothing.
_HOMES = {
    "DAG": "tradewind.authoring.dag",
    "AsyncCallback": "tradewind.authoring.deadline",
    "BaseBranchOperator": "tradewind.authoring.operators.branch",
    "BaseHook": "tradewind.authoring.hook",
    "BaseNotifier": "tradewind.authoring.notifier",
    "BaseOperator": "tradewind.authoring.operator",
    "BaseSensorOperator": "tradewind.authoring.sensor",
    "BaseTrigger": "tradewind.authoring.triggers",
    "BranchPythonOperator": "tradewind.authoring.operators.branch",
    "ChainRetryPolicy": "tradewind.authoring.retry_policy",
    "Connection": "tradewind.model.connection",
    "Context": "tradewind.authoring.context",
    "DeadlineAlert": "tradewind.authoring.deadline",
    "DeadlineReference": "tradewind.authoring.deadline",
    "EmptyOperator": "tradewind.authoring.operators.empty",
    "ExceptionRetryPolicy": "tradewind.authoring.retry_policy",
    "FailTask": "tradewind.errors",
    "Label": "tradewind.authoring.relations",
    "LatestOnlyOperator": "tradewind.authoring.operators.latest_only",
    "Param": "tradewind.authoring.params",
    "ParamsDict": "tradewind.authoring.params",
    "PokeReturnValue": "tradewind.authoring.sensor",
    "PythonOperator": "tradewind.authoring.operators.python",
    "RetryAction": "tradewind.authoring.retry_policy",
    "RetryDecision": "tradewind.authoring.retry_policy",
    "RetryPolicy": "tradewind.authoring.retry_policy",
    "RetryRule": "tradewind.authoring.retry_policy",
    "ShortCircuitOperator": "tradewind.authoring.operators.short_circuit",
    "SkipTask": "tradewind.errors",
    "SyncCallback": "tradewind.authoring.deadline",
    "TaskDeferred": "tradewind.authoring.signals",
    "TaskGroup": "tradewind.authoring.group",
    "TriggerEvent": "tradewind.authoring.triggers",
    "TriggerRule": "tradewind.model.states",
    "Variable": "tradewind.authoring.variable",
    "WeightRule": "tradewind.authoring.weights",
    "XComArg": "tradewind.authoring.references",
    "chain": "tradewind.authoring.relations",
    "chain_linear": "tradewind.authoring.relations",
    "cross_downstream": "tradewind.authoring.relations",
    "dag": "tradewind.authoring.taskflow",
    "get_current_context": "tradewind.authoring.context",
    "setup": "tradewind.authoring.setup_teardown",
    "task": "tradewind.authoring.taskflow",
    "task_group": "tradewind.authoring.group",
    "teardown": "tradewind.authoring.setup_teardown",
}

__all__ = [
    "DAG",
    "AsyncCallback",
    "BaseBranchOperator",
    "BaseHook",
    "BaseNotifier",
    "BaseOperator",
    "BaseSensorOperator",
    "BaseTrigger",
    "BranchPythonOperator",
    "ChainRetryPolicy",
    "Connection",
    "Context",
    "DeadlineAlert",
    "DeadlineReference",
    "EmptyOperator",
    "ExceptionRetryPolicy",
    "FailTask",
    "Label",
    "LatestOnlyOperator",
    "Param",
    "ParamsDict",
    "PokeReturnValue",
    "PythonOperator",
    "RetryAction",
    "RetryDecision",
    "RetryPolicy",
    "RetryRule",
    "ShortCircuitOperator",
    "SkipTask",
    "SyncCallback",
    "TaskDeferred",
    "TaskGroup",
    "TriggerEvent",
    "TriggerRule",
    "Variable",
    "WeightRule",
    "XComArg",
    "__version__",
    "chain",
    "chain_linear",
    "cross_downstream",
    "dag",
    "get_current_context",
    "setup",
    "task",
    "task_group",
    "teardown",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tradewind' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Shell commands, Python environments of their own, sensors, runs of other DAGs, and questions to people, for Tradewind.

>>> from tradewind_standard import BashOperator

imports the operator's module alone: nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind_standard.bash import BashOperator
    from tradewind_standard.branching import BranchDateTimeOperator, BranchDayOfWeekOperator
    from tradewind_standard.hitl import ApprovalOperator, HITLBranchOperator, HITLEntryOperator, HITLOperator
    from tradewind_standard.sensors.bash import BashSensor
    from tradewind_standard.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
    from tradewind_standard.sensors.filesystem import FileSensor
    from tradewind_standard.sensors.python import PythonSensor
    from tradewind_standard.sensors.timed import (
        DateTimeSensor,
        DateTimeSensorAsync,
        DayOfWeekSensor,
        TimeDeltaSensor,
        TimeDeltaSensorAsync,
        TimeSensor,
        TimeSensorAsync,
        WaitSensor,
    )
    from tradewind_standard.trigger_dagrun import TriggerDagRunOperator
    from tradewind_standard.triggers.external_task import ExternalTaskTrigger
    from tradewind_standard.triggers.file import FileTrigger
    from tradewind_standard.triggers.temporal import DateTimeTrigger, TimeDeltaTrigger
    from tradewind_standard.virtualenv import (
        BranchExternalPythonOperator,
        BranchPythonVirtualenvOperator,
        ExternalPythonOperator,
        PythonVirtualenvOperator,
    )
    from tradewind_standard.weekdays import WeekDay

__version__ = "0.1.0"
__all__ = [
    "ApprovalOperator",
    "BashOperator",
    "BashSensor",
    "BranchDateTimeOperator",
    "BranchDayOfWeekOperator",
    "BranchExternalPythonOperator",
    "BranchPythonVirtualenvOperator",
    "DateTimeSensor",
    "DateTimeSensorAsync",
    "DateTimeTrigger",
    "DayOfWeekSensor",
    "ExternalPythonOperator",
    "ExternalTaskMarker",
    "ExternalTaskSensor",
    "ExternalTaskTrigger",
    "FileSensor",
    "FileTrigger",
    "HITLBranchOperator",
    "HITLEntryOperator",
    "HITLOperator",
    "PythonSensor",
    "PythonVirtualenvOperator",
    "TimeDeltaSensor",
    "TimeDeltaSensorAsync",
    "TimeDeltaTrigger",
    "TimeSensor",
    "TimeSensorAsync",
    "TriggerDagRunOperator",
    "WaitSensor",
    "WeekDay",
]

_MODULES = {
    "ApprovalOperator": "tradewind_standard.hitl",
    "BashOperator": "tradewind_standard.bash",
    "BashSensor": "tradewind_standard.sensors.bash",
    "DateTimeSensor": "tradewind_standard.sensors.timed",
    "DateTimeSensorAsync": "tradewind_standard.sensors.timed",
    "DateTimeTrigger": "tradewind_standard.triggers.temporal",
    "DayOfWeekSensor": "tradewind_standard.sensors.timed",
    "BranchDateTimeOperator": "tradewind_standard.branching",
    "BranchDayOfWeekOperator": "tradewind_standard.branching",
    "BranchExternalPythonOperator": "tradewind_standard.virtualenv",
    "BranchPythonVirtualenvOperator": "tradewind_standard.virtualenv",
    "ExternalPythonOperator": "tradewind_standard.virtualenv",
    "ExternalTaskMarker": "tradewind_standard.sensors.external_task",
    "ExternalTaskSensor": "tradewind_standard.sensors.external_task",
    "ExternalTaskTrigger": "tradewind_standard.triggers.external_task",
    "FileSensor": "tradewind_standard.sensors.filesystem",
    "FileTrigger": "tradewind_standard.triggers.file",
    "HITLBranchOperator": "tradewind_standard.hitl",
    "HITLEntryOperator": "tradewind_standard.hitl",
    "HITLOperator": "tradewind_standard.hitl",
    "PythonSensor": "tradewind_standard.sensors.python",
    "PythonVirtualenvOperator": "tradewind_standard.virtualenv",
    "TimeDeltaSensor": "tradewind_standard.sensors.timed",
    "TimeDeltaSensorAsync": "tradewind_standard.sensors.timed",
    "TimeDeltaTrigger": "tradewind_standard.triggers.temporal",
    "TimeSensor": "tradewind_standard.sensors.timed",
    "TimeSensorAsync": "tradewind_standard.sensors.timed",
    "TriggerDagRunOperator": "tradewind_standard.trigger_dagrun",
    "WaitSensor": "tradewind_standard.sensors.timed",
    "WeekDay": "tradewind_standard.weekdays",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

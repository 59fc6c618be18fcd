"""Shell commands and Python environments of their own, for Tradewind.

>>> from tradewind_standard import BashOperator

imports the operator's module alone: nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind_standard.bash import BashOperator
    from tradewind_standard.branching import BranchDateTimeOperator, BranchDayOfWeekOperator, WeekDay
    from tradewind_standard.virtualenv import (
        BranchExternalPythonOperator,
        BranchPythonVirtualenvOperator,
        ExternalPythonOperator,
        PythonVirtualenvOperator,
    )

__version__ = "0.1.0"
__all__ = [
    "BashOperator",
    "BranchDateTimeOperator",
    "BranchDayOfWeekOperator",
    "BranchExternalPythonOperator",
    "BranchPythonVirtualenvOperator",
    "ExternalPythonOperator",
    "PythonVirtualenvOperator",
    "WeekDay",
]

_MODULES = {
    "BashOperator": "tradewind_standard.bash",
    "BranchDateTimeOperator": "tradewind_standard.branching",
    "BranchDayOfWeekOperator": "tradewind_standard.branching",
    "BranchExternalPythonOperator": "tradewind_standard.virtualenv",
    "BranchPythonVirtualenvOperator": "tradewind_standard.virtualenv",
    "ExternalPythonOperator": "tradewind_standard.virtualenv",
    "PythonVirtualenvOperator": "tradewind_standard.virtualenv",
    "WeekDay": "tradewind_standard.branching",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

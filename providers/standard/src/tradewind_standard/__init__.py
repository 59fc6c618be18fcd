"""Shell commands, Python environments of their own and runs of other DAGs, for Tradewind.

>>> from tradewind_standard import BashOperator

imports the operator's module alone: nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind_standard.bash import BashOperator
    from tradewind_standard.trigger_dagrun import TriggerDagRunOperator
    from tradewind_standard.virtualenv import ExternalPythonOperator, PythonVirtualenvOperator

__version__ = "0.1.0"
__all__ = ["BashOperator", "ExternalPythonOperator", "PythonVirtualenvOperator", "TriggerDagRunOperator"]

_MODULES = {
    "BashOperator": "tradewind_standard.bash",
    "ExternalPythonOperator": "tradewind_standard.virtualenv",
    "PythonVirtualenvOperator": "tradewind_standard.virtualenv",
    "TriggerDagRunOperator": "tradewind_standard.trigger_dagrun",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""WHEN A DAG RUNS: pure functions of time. Knows the model alone; croniter is imported when it is needed."""

from tradewind.timetables.base import PlannedRun, Timetable
from tradewind.timetables.registry import resolve

__all__ = ["PlannedRun", "Timetable", "resolve"]

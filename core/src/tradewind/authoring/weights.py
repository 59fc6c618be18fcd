"""How a task's priority counts the tasks around it."""

from __future__ import annotations

from enum import StrEnum


class WeightRule(StrEnum):
    """What is added to a task's own ``priority_weight``."""

    DOWNSTREAM = "downstream"  #: the weights of all tasks behind it: what much waits for goes first
    UPSTREAM = "upstream"  #: the weights of all tasks before it: runs that are far along finish first
    ABSOLUTE = "absolute"  #: nothing

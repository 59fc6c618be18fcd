"""Deliberate faults, each of which the checker must notice: what the simulator is worth is what it finds.

A fault breaks one piece of the real code for as long as it is injected. Here alone a method of ours is replaced.
"""

from . import core, features  # each fault adds itself
from .base import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "core", "features"]

"""The features that the simulation knows: one small module for those that belong together.

A new one is a subclass of :class:`Feature` in a module of its own, added to :data:`FEATURES`.
"""

from .assets import Assets
from .backfills import Backfills
from .base import Feature
from .callbacks import Callbacks
from .commands import Clearing, Marking, Pausing, Triggering
from .deferral import Deferral
from .endings import AtMostOnce, Branching, FailFast, RunTimeout, Sensing, Skipping
from .graph import EmptyTasks, Executors, Retries, TriggerRules
from .importing import BadFiles, Versions
from .limits import Limits, Pools, Priorities
from .mapping import Mapping
from .schedules import Schedules
from .setups import Setups

#: in the order in which they shape a DAG
FEATURES: tuple[Feature, ...] = (
    TriggerRules(),
    Retries(),
    EmptyTasks(),
    Branching(),
    Skipping(),
    Sensing(),
    Deferral(),
    Mapping(),
    Setups(),
    AtMostOnce(),
    FailFast(),
    RunTimeout(),
    Executors(),
    Callbacks(),
    Pools(),
    Limits(),
    Priorities(),
    Schedules(),
    Assets(),
    Triggering(),
    Backfills(),
    Pausing(),
    Clearing(),
    Marking(),
    Versions(),
    BadFiles(),
)
BY_NAME = {feature.name: feature for feature in FEATURES if feature.name}

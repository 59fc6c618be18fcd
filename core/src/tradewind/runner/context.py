"""The context of a running task: every name that templates and callables may use, each made when it is first asked for."""

from __future__ import annotations

import importlib
import logging
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tradewind.errors import DefinitionError
from tradewind.model.states import RunType
from tradewind.ports.clock import Clock
from tradewind.ports.runtime import Runtime
from tradewind.runner import dates
from tradewind.runner.accessors import Connections, Macros, Variables
from tradewind.runner.task_instance import TaskInstance

if TYPE_CHECKING:
    import pendulum

    from tradewind.authoring.dag import DAG
    from tradewind.model.assets import OutletEvent
    from tradewind.model.run import RunInfo

log = logging.getLogger("tradewind.context")


class TaskContext(MutableMapping[str, Any]):
    """The context. Names can be set and taken away like those of a dict.

    Going through all names (``dict(context)``, ``**context``) leaves out those that would ask the system, such as
    ``prev_start_date_success``; they are there when they are asked for.

    :param macros: what plugins bring, as in :class:`tradewind.runner.settings.RunnerSettings`.
    """

    def __init__(
        self, dag: DAG, ti: TaskInstance, info: RunInfo, runtime: Runtime, clock: Clock, macros: Macros
    ) -> None:
        self.ti = ti
        self.info = info
        self.runtime = runtime
        self._values: dict[str, Any] = {
            "dag": dag,
            "dag_run": ti.dag_run,
            "macros": macros,
            "run_id": info.run_id,
            "task": ti.task,
            "task_instance": ti,
            "ti": ti,
        }
        self._hidden: set[str] = set()
        self._told: set[str] = set()
        # Names that somebody who goes through all of them was given and has not looked up yet.
        self._passing: deque[str] = deque()
        self._clock = clock
        self._preceding: pendulum.DateTime | None = None
        ti.context = self

    def __getitem__(self, name: str) -> Any:
        in_passing = bool(self._passing) and self._is_in_passing(name)
        if name in self._values:
            return self._values[name]
        if name in self._hidden:
            raise KeyError(name)
        if name in _MAKERS:
            value = _MAKERS[name](self)
        elif name in _ASKING:
            value = _ASKING[name](self)
        elif name in _OLDER and self._has_dates(name):
            if not in_passing:
                self._tell(name)
            return _OLDER[name][0](self)
        elif name in _DATED and self._has_dates(name):
            value = _DATED[name](self)
        elif name == "clock":
            return self._clock
        else:
            raise KeyError(name)
        self._values[name] = value
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = value
        self._hidden.discard(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._values.pop(name, None)
        self._hidden.add(name)

    def __contains__(self, name: object) -> bool:
        if name in self._values:
            return True
        if name in self._hidden:
            return False
        if name in _MAKERS or name in _ASKING:
            return True
        return (name in _OLDER or name in _DATED) and self._has_dates(str(name))

    def __iter__(self) -> Iterator[str]:
        dated = [*_DATED, *_OLDER]
        names = dict.fromkeys([*self._values, *_MAKERS, *(name for name in dated if self._has_dates(name))])
        self._passing.clear()
        for name in names:
            if name not in self._hidden and name not in _ASKING and self._is_of_use(name):
                self._passing.append(name)
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<TaskContext of {self.ti.dag_id}.{self.ti.task_id} {self.ti.run_id}>"

    def _has_dates(self, name: str) -> bool:
        """Whether the run has what this name is about: a run without a logical date has no ``ds``."""
        if name.startswith("data_interval"):
            return self.info.data_interval is not None
        return self.info.logical_date is not None or name == "test_mode"

    def _is_of_use(self, name: str) -> bool:
        """Whether whoever goes through all names is given this one: events of assets, where the task has any."""
        task = self.ti.task
        return bool((task.outlets or name != "outlet_events") and (task.inlets or name != "inlet_events"))

    def _is_in_passing(self, name: str) -> bool:
        """Whether ``dict(context)`` or the like looks the name up: in the order in which it was given the names."""
        if self._passing[0] == name:
            self._passing.popleft()
            return True
        self._passing.clear()
        return False

    def _tell(self, name: str) -> None:
        """Say once that the name is an older one."""
        if name not in self._told:
            self._told.add(name)
            log.warning("%r is an older name of the context: use %s", name, _OLDER[name][1])

    # What names are made of. None of it looks a name up: that would be taken for the end of a passing through.

    @property
    def logical_date(self) -> pendulum.DateTime:
        """The logical date; asked for only where the run has one."""
        assert self.info.logical_date is not None
        return dates.to_pendulum(self.info.logical_date)

    @property
    def dag(self) -> DAG:
        """The DAG."""
        found: DAG = self._values["dag"]
        return found

    def said_of_outlets(self) -> tuple[OutletEvent, ...]:
        """What the task says of the assets that it updated."""
        events = self._values.get("outlet_events")
        return events.said() if events is not None else ()

    def interval(self, end: bool) -> pendulum.DateTime:
        """A border of the data interval; asked for only where the run has one."""
        assert self.info.data_interval is not None
        return dates.to_pendulum(self.info.data_interval.end if end else self.info.data_interval.start)

    def params(self) -> dict[str, Any]:
        """The params of DAG and task, with the run's conf over them, checked."""
        from tradewind.authoring.params import ParamsDict

        merged = ParamsDict(self.dag.params)
        merged.update(self.ti.task.params.params())
        merged.update(self.info.conf)
        try:
            return merged.dump()
        except DefinitionError as error:
            raise DefinitionError(f"The params of run {self.info.run_id!r} cannot be used: {error}") from None

    def following(self) -> pendulum.DateTime:
        """The next execution date of older times."""
        moment = dates.next_moment(self.logical_date, self.info.data_interval, self.dag.timetable)
        return dates.to_pendulum(moment)

    def preceding(self) -> pendulum.DateTime:
        """The previous execution date of older times."""
        if self._preceding is None:
            moment = dates.previous_moment(self.logical_date, self.info.data_interval, self.dag.timetable)
            self._preceding = dates.to_pendulum(moment)
        return self._preceding

    def previous_success(self, pick: Callable[[RunInfo], datetime | None]) -> pendulum.DateTime | None:
        """A moment of the newest successful run before this one."""
        previous = self.runtime.previous_run(success_only=True)
        moment = pick(previous) if previous is not None else None
        return dates.to_pendulum(moment) if moment is not None else None


def _asset_events() -> Any:
    """Imported where it is used: most tasks have nothing to do with assets."""
    return importlib.import_module("tradewind.runner.asset_events")


_DAY = timedelta(days=1)

#: always there
_MAKERS: dict[str, Callable[[TaskContext], Any]] = {
    "conn": lambda c: Connections(),
    "inlet_events": lambda c: _asset_events().InletEvents(c.ti.task.inlets, c.runtime),
    "inlets": lambda c: list(c.ti.task.inlets),
    "map_index_template": lambda c: c.ti.task.map_index_template,
    "outlet_events": lambda c: _asset_events().OutletEvents(c.ti.task.outlets),
    "outlets": lambda c: list(c.ti.task.outlets),
    "params": TaskContext.params,
    "start_date": lambda c: c.ti.start_date,
    "triggering_asset_events": lambda c: (
        _asset_events().triggering(c.runtime) if c.info.run_type is RunType.ASSET_TRIGGERED else {}
    ),
    "var": lambda c: Variables(),
}

#: there where the run has a logical date, or a data interval
_DATED: dict[str, Callable[[TaskContext], Any]] = {
    "data_interval_end": lambda c: c.interval(end=True),
    "data_interval_start": lambda c: c.interval(end=False),
    "ds": lambda c: dates.ds(c.info.logical_date),
    "ds_nodash": lambda c: dates.ds_nodash(c.info.logical_date),
    "logical_date": lambda c: c.logical_date,
    "task_instance_key_str": lambda c: (
        f"{c.ti.dag_id}__{c.ti.task_id}__{dates.ds_nodash(c.info.logical_date)}"
    ),
    "ts": lambda c: dates.ts(c.info.logical_date),
    "ts_nodash": lambda c: dates.ts_nodash(c.info.logical_date),
    "ts_nodash_with_tz": lambda c: dates.ts_nodash_with_tz(c.info.logical_date),
}

#: there, but each asks the system
_ASKING: dict[str, Callable[[TaskContext], Any]] = {
    "prev_data_interval_end_success": lambda c: c.previous_success(
        lambda run: run.data_interval.end if run.data_interval else None
    ),
    "prev_data_interval_start_success": lambda c: c.previous_success(
        lambda run: run.data_interval.start if run.data_interval else None
    ),
    "prev_end_date_success": lambda c: c.previous_success(lambda run: run.end_date),
    "prev_execution_date_success": lambda c: c.previous_success(lambda run: run.logical_date),
    "prev_start_date_success": lambda c: c.previous_success(lambda run: run.start_date),
}

#: names of Airflow 2, and what stands in their place
_OLDER: dict[str, tuple[Callable[[TaskContext], Any], str]] = {
    "execution_date": (lambda c: c.logical_date, "logical_date"),
    "next_ds": (lambda c: dates.ds(c.following()), "data_interval_end | ds"),
    "next_ds_nodash": (lambda c: dates.ds_nodash(c.following()), "data_interval_end | ds_nodash"),
    "next_execution_date": (TaskContext.following, "data_interval_end"),
    "prev_ds": (lambda c: dates.ds(c.preceding()), "a date reckoned from data_interval_start"),
    "prev_ds_nodash": (lambda c: dates.ds_nodash(c.preceding()), "a date reckoned from data_interval_start"),
    "prev_execution_date": (TaskContext.preceding, "a date reckoned from data_interval_start"),
    "test_mode": (lambda c: False, "nothing: it is always False"),
    "tomorrow_ds": (lambda c: dates.ds(c.logical_date + _DAY), "macros.ds_add(ds, 1)"),
    "tomorrow_ds_nodash": (
        lambda c: dates.ds_nodash(c.logical_date + _DAY),
        "logical_date.add(days=1) | ds_nodash",
    ),
    "yesterday_ds": (lambda c: dates.ds(c.logical_date - _DAY), "macros.ds_add(ds, -1)"),
    "yesterday_ds_nodash": (
        lambda c: dates.ds_nodash(c.logical_date - _DAY),
        "logical_date.subtract(days=1) | ds_nodash",
    ),
}

"""``macros.<name>`` of templates, as far as the core brings them."""

from __future__ import annotations

import importlib
import json
import random as _random
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from tradewind.errors import NotFound


def ds_add(ds: str, days: int) -> str:
    """The day ``days`` after ``ds`` (before it, where negative); both as ``2024-02-29``."""
    return (datetime.strptime(str(ds), "%Y-%m-%d") + timedelta(days=days)).strftime("%Y-%m-%d")


def ds_format(ds: str, input_format: str, output_format: str) -> str:
    """A date written in another form; forms as for :meth:`datetime.datetime.strftime`."""
    return datetime.strptime(str(ds), input_format).strftime(output_format)


def ds_format_locale(ds: str, input_format: str, output_format: str, locale: str | None = None) -> str:
    """A date written as people of ``locale`` do; ``output_format`` as for Babel (``EEEE``: the name of the weekday)."""
    dates = _optional("babel.dates", "Babel")
    moment = datetime.strptime(str(ds), input_format)
    text: str = dates.format_datetime(moment, format=output_format, locale=locale or dates.LC_TIME)
    return text


def datetime_diff_for_humans(dt: datetime, since: datetime | None = None) -> str:
    """How far ``dt`` lies from ``since`` (left out: from now), in words: ``1 day before``."""
    import pendulum

    text: str = pendulum.instance(dt).diff_for_humans(pendulum.instance(since) if since is not None else None)
    return text


def random() -> float:
    """A number from 0 up to 1."""
    return _random.random()


def lookup(name: str) -> Any:
    """What templates get for ``macros.<name>``.

    :raises AttributeError: where there is no such macro.
    :raises NotFound: where it needs a package that is not installed.
    """
    if name in _LATER:
        return _LATER[name]()
    try:
        return _MACROS[name]
    except KeyError:
        raise AttributeError(name) from None


def _dateutil() -> ModuleType:
    importlib.import_module("dateutil.parser")
    importlib.import_module("dateutil.relativedelta")
    return importlib.import_module("dateutil")


def _optional(module: str, distribution: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise NotFound(
            "package", distribution, cure=f"This macro needs it: pip install {distribution}."
        ) from None


_MACROS: dict[str, Any] = {
    "datetime": datetime,
    "datetime_diff_for_humans": datetime_diff_for_humans,
    "ds_add": ds_add,
    "ds_format": ds_format,
    "ds_format_locale": ds_format_locale,
    "json": json,
    "random": random,
    "time": time,
    "timedelta": timedelta,
    "uuid": uuid,
}

#: modules that are imported when a template asks for them
_LATER: dict[str, Callable[[], Any]] = {
    "dateutil": _dateutil,
    "yaml": lambda: _optional("yaml", "PyYAML"),
}

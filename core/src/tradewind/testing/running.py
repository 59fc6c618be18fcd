"""One run of one DAG, from nothing to its result."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tradewind.model.connection import Connection
from tradewind.testing.app import App
from tradewind.testing.clock import BEGINNING
from tradewind.testing.injections import Choices, Failures
from tradewind.testing.results import RunResult

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG


def run_dag(
    dag: DAG,
    *,
    logical_date: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
    now: datetime = BEGINNING,
    variables: Mapping[str, str] | None = None,
    connections: Mapping[str, Connection | str] | None = None,
    pools: Mapping[str, int] | None = None,
    fail: Failures = (),
    choose: Choices | None = None,
    returns: Mapping[str, Any] | None = None,
    skip: Collection[str] = (),
) -> RunResult:
    """Run a DAG once in an :class:`App` of its own; parameters as there.

    :returns: how the run and its tasks ended, with what they left.
    """
    with App(now=now, variables=variables, connections=connections, pools=pools) as app:
        return app.run(
            dag,
            logical_date=logical_date,
            conf=conf,
            fail=fail,
            choose=choose,
            returns=returns,
            skip=skip,
        )

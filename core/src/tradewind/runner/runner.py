"""The runner: made once in a process that attempts are forked from, or that runs one itself."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import logging
import sys
from collections.abc import Mapping
from typing import Any

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Branched, Failed, Outcome, Skipped
from tradewind.ports import runtime
from tradewind.ports.clock import Clock
from tradewind.ports.runner import Channel
from tradewind.ports.runtime import EnvironmentRuntime, Runtime
from tradewind.runner.attempt import Attempt
from tradewind.runner.loading import LoadedDag, load_dag
from tradewind.runner.logs import logging_to_attempt
from tradewind.runner.rehearsal import DAG_ID, Nobody, rehearsal_dag, rehearsal_order
from tradewind.runner.runtime import AttemptRuntime
from tradewind.runner.secrets import Secrets
from tradewind.runner.settings import RunnerSettings, load_target
from tradewind.runner.tracebacks import class_names, reason_of

#: what attempts use but do not import before they need it
_WANTED = (
    "tradewind.authoring.params",
    "tradewind.authoring.taskflow",
    "tradewind.runner.jinja",
    "tradewind.runner.templates",
    "tradewind.serialization.values",
    "tradewind.builtin.macros",
    "pendulum",
    "pendulum.tz.timezone",
    "msgspec",
)


class TaskRunner:
    """A :class:`tradewind.ports.runner.Runner`."""

    def __init__(self, settings: RunnerSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._loaded: dict[str, LoadedDag] = {}
        self._attempt: Attempt | None = None

    def preload(self) -> None:
        logging.getLogger().setLevel(self._settings.log_level)
        for module in _WANTED:
            importlib.import_module(module)
        # Jinja prepares itself for its first template, which is better done here than in every attempt.
        jinja = importlib.import_module("tradewind.runner.jinja")
        jinja.render(jinja.TemplateEnvironment().from_string("{{ ds }}"), {"ds": ""})
        event = importlib.import_module("tradewind.plugins.components").ImportPreparation(process="template")
        for target in self._settings.prepare_import:
            prepare = load_target(target)
            try:
                prepare(*([event] if inspect.signature(prepare).parameters else []))
            except Exception as error:
                logging.getLogger("tradewind.plugins").error("%s raised %s", target, reason_of(error))

    def rehearse(self) -> None:
        if DAG_ID not in self._loaded:
            self.keep(LoadedDag(rehearsal_dag(), "", ""))
        self.run(rehearsal_order(), Nobody())

    def load(
        self, dag_id: str, folder: str, file: str, original_folder: str, channel: Channel | None = None
    ) -> None:
        """As the port says.

        :param channel: answers variables and connections that the file asks for; without one the environment does.
        """
        zone = self._settings.default_timezone
        served_by: Runtime = (
            AttemptRuntime(channel, Secrets(), default_timezone=zone)
            if channel is not None
            else EnvironmentRuntime(default_timezone=zone)
        )
        self.keep(load_dag(dag_id, folder, file, original_folder, served_by))

    def keep(self, loaded: LoadedDag) -> None:
        """From now on run the tasks of this DAG, which is here already."""
        self._loaded[loaded.dag.dag_id] = loaded

    def run(self, order: Order, channel: Channel) -> tuple[Outcome, tuple[XCom, ...]]:
        secrets = Secrets()
        try:
            with (
                secrets.hidden_from_output(),
                logging_to_attempt(self._settings.log_level, secrets),
                runtime.serve(served_by := self._serving(channel, secrets, order)),
            ):
                outcome, xcoms = self._run(order, served_by)
                if isinstance(outcome, Failed | Skipped | Branched):  # the reason is kept and shown to many
                    outcome = dataclasses.replace(outcome, reason=secrets.mask(outcome.reason))
                return outcome, xcoms
        except BaseException as error:  # a fault of ours, or a signal between two steps of the attempt
            return Failed(reason_of(error), class_names(error)), ()
        finally:
            self._attempt = None
            _flush()

    def _serving(self, channel: Channel, secrets: Secrets, order: Order) -> AttemptRuntime:
        zone = self._settings.default_timezone
        return AttemptRuntime(channel, secrets, order.xcoms, default_timezone=zone)

    def _run(self, order: Order, served_by: AttemptRuntime) -> tuple[Outcome, tuple[XCom, ...]]:
        loaded = self._loaded.get(order.run.dag_id)
        if loaded is None:
            return Failed(
                f"DAG {order.run.dag_id!r} was not loaded in this process before its task was run"
            ), ()
        self._attempt = Attempt(loaded, order, served_by, self._settings, self._clock)
        return self._attempt.run()

    def on_kill(self) -> None:
        if self._attempt is not None:
            self._attempt.on_kill()


def make(options: Mapping[str, Any]) -> TaskRunner:
    """A runner with the given options (see :class:`tradewind.runner.settings.RunnerSettings`)."""
    from tradewind.agent.clock import SystemClock

    return TaskRunner(RunnerSettings.read(options), SystemClock())


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # a log that cannot be written to is no reason to fail the task

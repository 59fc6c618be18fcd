"""What this package brings. Every target is a name: listing the plugin imports none of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tradewind.plugins import (
    CliCommand,
    Component,
    ConnectionField,
    ConnectionType,
    ImportPreparation,
    Macro,
    Problem,
    Setting,
    hookimpl,
)

if TYPE_CHECKING:
    from tradewind.model.spec import DagSpec


@hookimpl
def tradewind_register_settings() -> list[Setting]:
    return [
        Setting(
            section="example", key="town", default="Hoorn", doc="whose weather is meant where none is named"
        )
    ]


@hookimpl
def tradewind_register_commands() -> list[CliCommand]:
    return [CliCommand("weather", "tradewind_example.command:weather", "say what the weather is like")]


@hookimpl
def tradewind_register_operators() -> list[Component]:
    return [
        Component("MeasureOperator", "tradewind_example.operators:MeasureOperator", "takes a temperature")
    ]


@hookimpl
def tradewind_register_task_decorators() -> list[Component]:
    return [
        Component(
            "fahrenheit", "tradewind_example.operators:fahrenheit_task", "gives the result in Fahrenheit"
        )
    ]


@hookimpl
def tradewind_register_hooks() -> list[Component]:
    return [Component("weather", "tradewind_example.hook:WeatherHook", "asks a weather service")]


@hookimpl
def tradewind_register_connection_types() -> list[ConnectionType]:
    station = ConnectionField(name="station", label="Station", doc="which of the service's stations to ask")
    return [
        ConnectionType(
            name="weather", label="Weather service", hook="weather", default_port=80, fields=(station,)
        )
    ]


@hookimpl
def tradewind_register_executors() -> list[Component]:
    return [Component("calm", "tradewind_example.executor:CalmExecutor", "takes orders and never runs any")]


@hookimpl
def tradewind_register_xcom_backends() -> list[Component]:
    return [
        Component(
            "memory", "tradewind_example.xcom:MemoryXComBackend", "keeps values while the process lives"
        )
    ]


@hookimpl
def tradewind_register_notifiers() -> list[Component]:
    return [Component("flag", "tradewind_example.notifier:FlagNotifier", "hoists a flag")]


@hookimpl
def tradewind_register_timetables() -> list[Component]:
    return [
        Component("high_tide", "tradewind_example.timetable:HighTide", "twice a day, a little later each day")
    ]


@hookimpl
def tradewind_register_triggers() -> list[Component]:
    return [Component("example_warm", "tradewind_example.trigger:WarmTrigger", "waits for warm weather")]


@hookimpl
def tradewind_register_macros() -> list[Macro]:
    return [Macro("fahrenheit", "tradewind_example.operators:to_fahrenheit", "degrees Celsius in Fahrenheit")]


@hookimpl
def tradewind_prepare_import(event: ImportPreparation) -> None:
    os.environ.setdefault("WEATHER_PROCESS", event.process)


@hookimpl
def tradewind_check_dag(dag: DagSpec) -> list[Problem]:
    if "weather" in dag.tags and not dag.description:
        return [
            Problem(message="A DAG with the tag 'weather' needs a description: give DAG(description=...).")
        ]
    return []

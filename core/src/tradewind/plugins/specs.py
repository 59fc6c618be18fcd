"""Every extension point, in the order in which a process meets them. The docstrings are the contract.

An implementation takes any of a point's arguments, by name. To be told more, a point gets a new argument or its event a
new field; nothing is ever renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewind.plugins.markers import collects, observes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewind.model.spec import DagSpec
    from tradewind.plugins.components import (
        CliCommand,
        Component,
        ConnectionType,
        ImportPreparation,
        Macro,
        Problem,
        Setting,
    )

# -- any process: what the plugin brings; everything is a name, nothing is imported yet --------


@collects
def tradewind_register_settings() -> Iterable[Setting]:
    """Bring settings of the plugin's own.

    Runs in: every process, before the settings are read.

    :returns: the settings; their section is usually the plugin's name.

    Errors: the plugin is listed as failed and brings no settings.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_commands() -> Iterable[CliCommand]:
    """Bring commands of the command line, called as ``tradewind <name> ...``.

    Runs in: the command line. The command's module is imported only when the command is given.

    :returns: the commands; each target is a function that takes the remaining arguments and returns the exit code.

    Errors: the plugin is listed as failed and brings no commands.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_operators() -> Iterable[Component]:
    """Bring operators, so that people see which there are. DAG files import them from the plugin's package.

    Runs in: every process that lists or looks up operators.

    :returns: names and targets of classes derived from :class:`tradewind.BaseOperator`.

    Errors: the plugin is listed as failed and brings no operators.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_task_decorators() -> Iterable[Component]:
    """Bring decorators that DAG files use as ``@task.<name>``.

    Runs in: every process that imports DAG files.

    :returns: names and targets; each target is a function that takes what stands behind the decorator's name
        (the decorated function, or keyword arguments alone) as :func:`tradewind.task` does.

    Errors: the plugin is listed as failed and brings no decorators.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_hooks() -> Iterable[Component]:
    """Bring hooks, the clients of outside systems.

    Runs in: every process that lists or looks up hooks.

    :returns: names and targets of classes that are made with a connection id.

    Errors: the plugin is listed as failed and brings no hooks.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_connection_types() -> Iterable[ConnectionType]:
    """Bring the kinds of connections that the plugin's hooks understand.

    Runs in: the command line and whatever else shows connections.

    :returns: the types, with their fields and the name of their hook.

    Errors: the plugin is listed as failed and brings no connection types.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_executors() -> Iterable[Component]:
    """Bring executors, which run attempts somewhere.

    Runs in: the scheduler, and whatever shows or checks the choice of an executor.

    :returns: names and targets of classes derived from :class:`tradewind.ports.executor.Executor`; the class's
        ``name`` is the name registered here.

    Errors: the plugin is listed as failed and brings no executors.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_xcom_backends() -> Iterable[Component]:
    """Bring places for XComs that are too large for the metadata database.

    Runs in: the processes of attempts, and whatever shows or deletes XComs.

    :returns: names and targets of classes derived from :class:`tradewind.ports.xcom_backend.XComBackend`; the class's
        ``name`` is the name registered here, and is kept beside every value.

    Errors: the plugin is listed as failed and brings no backends.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_notifiers() -> Iterable[Component]:
    """Bring notifiers, which send messages when they are called back.

    Runs in: the processes that call callbacks, and whatever lists or looks up notifiers.

    :returns: names and targets of classes derived from :class:`tradewind.BaseNotifier`. The one that is registered as
        ``smtp`` is made with ``to=`` to send the e-mail that a task's ``email_on_failure`` asks for.

    Errors: the plugin is listed as failed and brings no notifiers.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_timetables() -> Iterable[Component]:
    """Bring timetables, which say when a DAG runs.

    Runs in: the importer, the command line, and a process apart that the scheduler asks; never in the scheduler.

    :returns: names and targets of classes derived from :class:`tradewind.timetables.Timetable`, whose ``name`` is the name
        registered here; it is kept in the stored DAG.

    Errors: the plugin is listed as failed and brings no timetables.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_triggers() -> Iterable[Component]:
    """Bring triggers, which deferred tasks wait for. A trigger need not be registered to be used.

    Runs in: the triggerer, and whatever lists triggers.

    :returns: names and targets of classes derived from :class:`tradewind.BaseTrigger`; ``serialize()`` may give the name in
        place of the class's path.

    Errors: the plugin is listed as failed and brings no triggers.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@collects
def tradewind_register_macros() -> Iterable[Macro]:
    """Bring functions or values for templates, seen there as ``macros.<plugin>.<name>``.

    Runs in: the processes that render templates.

    :returns: the macros.

    Errors: the plugin is listed as failed and brings no macros.

    .. versionadded:: 0.1
    """
    raise NotImplementedError


# -- the processes that import DAG files --------


@observes
def tradewind_prepare_import(event: ImportPreparation) -> None:
    """Get the process ready, before it imports its first DAG file.

    Runs in: the importer, and the processes that tasks are forked from; once in each.

    :param event: which process it is; frozen.

    Errors: logged with the plugin's name; the DAG files are imported all the same.

    .. versionadded:: 0.1
    """


@collects
def tradewind_check_dag(dag: DagSpec) -> Iterable[Problem]:
    """Say what is wrong with a DAG by the rules of this installation: a missing owner, a pool nobody may use.

    Runs in: the importer, for every new version of a DAG.

    :param dag: the DAG as it will be stored; frozen.
    :returns: the findings; an error keeps the version from going live.

    Errors: become a warning on the DAG which names the plugin.

    .. versionadded:: 0.1
    """
    raise NotImplementedError

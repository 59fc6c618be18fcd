"""``@asset``: a function that makes an asset, as a DAG of one task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from tradewind.authoring import asset_names
from tradewind.authoring.arguments import DagArguments
from tradewind.authoring.assets import Asset, AssetAlias, AssetAll, AssetRef, BaseAsset
from tradewind.authoring.dag import DAG
from tradewind.authoring.operators.python import PythonOperator
from tradewind.authoring.places import Place
from tradewind.errors import ArgumentError, DefinitionError
from tradewind.ports import runtime

#: ``@asset`` takes these and what a DAG takes
_OF_TASK = ("retries", "retry_delay", "pool", "queue", "execution_timeout", "owner")


class _AssetTask(PythonOperator):
    """The task of a DAG under ``@asset``: parameters of the function stand for the assets of these names."""

    custom_operator_name = "@asset"

    def __init__(self, *, definition: BaseAsset, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.definition = definition

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        values: dict[str, Any] = {"self": self.definition, "context": context}
        for reference in self.inlets:
            values[reference.name] = _known(reference.name)
        names = inspect.signature(self.python_callable).parameters
        self.op_kwargs = {name: values[name] for name in names if name in values}
        return self.call(context)


def _known(name: str) -> Asset:
    """The asset of that name as its DAG defines it; one that none defines has its name alone."""
    found = runtime.current().ask("assets.find", {"name": name})
    return Asset(**found) if found else Asset(name)


class AssetDefinition(Asset):
    """What ``@asset`` makes of a function: the asset, with the DAG that makes it.

    :ivar dag: the DAG.
    """

    dag: DAG


class MultiAssetDefinition(AssetAll):
    """What ``@asset.multi`` makes of a function: all the assets that it makes."""

    dag: DAG


class AssetDecorator:
    """``@asset(schedule="@daily")`` before a function: a DAG of one task that makes the asset of that name.

    The parameters of the function stand for the assets of their names, which become its inlets; ``self`` is the asset
    itself, ``context`` the task's context.

    :param schedule: as of a DAG.
    :param name: the asset's name; left out, the function's.
    :param uri, group, extra, watchers: as of an :class:`tradewind.Asset`.
    :param arguments: what a DAG takes, and ``dag_id``.
    """

    def __call__(
        self,
        *,
        schedule: Any = None,
        name: str | None = None,
        uri: str | None = None,
        group: str = "asset",
        extra: dict[str, Any] | None = None,
        watchers: Sequence[Any] = (),
        dag_id: str | None = None,
        **arguments: Any,
    ) -> Callable[[Callable[..., Any]], AssetDefinition]:
        def define(function: Callable[..., Any]) -> AssetDefinition:
            called = _function_name(function)
            made = AssetDefinition(name or called, uri, group=group, extra=extra, watchers=watchers)
            made.dag = _dag(function, dag_id or called, made, [made], schedule, arguments)
            return made

        return define

    def multi(
        self,
        *,
        outlets: Sequence[Asset | AssetAlias],
        schedule: Any = None,
        dag_id: str | None = None,
        **arguments: Any,
    ) -> Callable[[Callable[..., Any]], MultiAssetDefinition]:
        """Before a function that makes several assets in one task.

        :param outlets: the assets.
        """
        if not outlets:
            raise DefinitionError("@asset.multi needs outlets: name the assets that the function makes.")

        def define(function: Callable[..., Any]) -> MultiAssetDefinition:
            made = MultiAssetDefinition(*outlets)
            made.dag = _dag(function, dag_id or _function_name(function), made, outlets, schedule, arguments)
            return made

        return define


def _function_name(function: Callable[..., Any]) -> str:
    if not inspect.isfunction(function):
        raise ArgumentError(
            f"@asset goes before a function, as in @asset(schedule=None), not {function!r:.80}."
        )
    return function.__name__


def _dag(
    function: Callable[..., Any],
    dag_id: str,
    definition: BaseAsset,
    outlets: Sequence[Any],
    schedule: Any,
    arguments: dict[str, Any],
) -> DAG:
    """The DAG of one task that makes the assets."""
    of_task = {name: arguments.pop(name) for name in _OF_TASK if name in arguments}
    of_dag: DagArguments = {"schedule": schedule, **arguments}  # type: ignore[typeddict-item]  # the DAG checks them
    if function.__doc__:
        of_dag.setdefault("doc_md", inspect.cleandoc(function.__doc__))
    code = function.__code__
    with DAG(dag_id, **of_dag) as made:
        made.place = Place(code.co_filename, code.co_firstlineno)
        _AssetTask(
            task_id=function.__name__,
            python_callable=function,
            definition=definition,
            inlets=_inlets(function),
            outlets=list(outlets),
            **of_task,
        )
    return made


def _inlets(function: Callable[..., Any]) -> list[AssetRef]:
    return [
        Asset.ref(name=name)
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in asset_names.RESERVED and parameter.default is parameter.empty
    ]


asset = AssetDecorator()

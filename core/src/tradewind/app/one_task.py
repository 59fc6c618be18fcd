"""``tradewind tasks test``: the code of one task, run in this process, and nothing of it recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.errors import NotFound, Refused, TradewindError
from tradewind.logic.mapping import domains_of
from tradewind.model.facts import INSTANCE_NAME, XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome
from tradewind.model.run import RunInfo
from tradewind.model.states import RunType

if TYPE_CHECKING:
    from tradewind.app.system import System


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the task: its outcome, and the XComs that it would have left, as (key, typed JSON)."""

    outcome: Outcome
    xcoms: tuple[tuple[str, bytes], ...]


def try_task(
    system: System,
    dag_id: str,
    task_id: str,
    *,
    logical_date: datetime | None = None,
    conf: dict[str, Any] | None = None,
    run_id: str | None = None,
) -> Tried:
    """Run a task of a DAG's newest version here, whatever is upstream of it; its output goes where this process's does.

    :param task_id: ``task_id``, or ``task_id[map_index]`` of a mapped task.
    :param run_id: a run whose XComs it may pull and whose dates and conf it gets; ``None``: a run made up for this.
    :raises NotFound: where there is no such DAG, task or run.
    :raises Refused: where a mapped task is named without a map index, or another with one.
    """
    from tradewind.agent.unpack import unpack
    from tradewind.app.agents import runner_options
    from tradewind.runner.runner import make

    version = system.dags.current_version(dag_id)
    tasks = {task.task_id: task for task in version.spec.tasks}
    task_id, _, rest = task_id.partition("[")
    map_index = int(rest.removesuffix("]")) if rest else -1
    if task_id not in tasks:
        raise NotFound(f"task of the DAG {dag_id!r} named", task_id, tasks)
    places = {name: number for number, name in enumerate(tasks)}
    if (places[task_id] in domains_of(version.spec, places)) != (map_index >= 0):
        how = (
            f"is mapped: name one of its instances, as in {task_id}[0]" if map_index < 0 else "is not mapped"
        )
        raise Refused(f"Task {task_id!r} {how}.")
    info = system.runs.get(dag_id, run_id).info if run_id else _made_up(system, dag_id, logical_date, conf)
    channel = _Unrecorded(system)
    runner = make(runner_options(system))
    runner.preload()
    bundle = system.dags.bundle(version.id)
    folder = unpack(bundle, str(system.settings.home.versions))
    runner.load(dag_id, folder, bundle.file, str(Path(bundle.folder)), channel)
    order = Order(
        attempt_id=system.ids.new_id(),
        version_id=version.id,
        run=info,
        task_id=task_id,
        map_index=map_index,
        max_tries=tasks[task_id].retries,
        log_path="",
        timeout=tasks[task_id].execution_timeout,
    )
    outcome, xcoms = runner.run(order, channel)
    return Tried(
        outcome,
        tuple((xcom.key, xcom.value) for xcom in (*channel.pushed, *xcoms) if xcom.key != INSTANCE_NAME),
    )


def _made_up(
    system: System, dag_id: str, logical_date: datetime | None, conf: dict[str, Any] | None
) -> RunInfo:
    from tradewind.timetables import resolve

    now = system.clock.now()
    logical = logical_date or now
    spec = system.dags.current_version(dag_id).spec
    return RunInfo(
        dag_id=dag_id,
        run_id=f"test__{logical.isoformat()}",
        run_type=RunType.MANUAL,
        logical_date=logical,
        data_interval=resolve(spec.timetable).manual_interval(logical),
        run_after=logical,
        start_date=now,
        conf=conf or {},
    )


class _Unrecorded:
    """The channel of an attempt that nobody has on record: what it asks is answered, what it leaves is kept here."""

    def __init__(self, system: System) -> None:
        from tradewind.scheduler.answers import Answers
        from tradewind.scheduler.asset_answers import AssetAnswers
        from tradewind.scheduler.externals import Externals, awaited_of
        from tradewind.scheduler.memory import Memory

        self.pushed: list[XCom] = []
        externals = Externals(system.dags, system.runs, lambda _wait, _event: None)
        self._answers = Answers(
            system.variables,
            system.connections,
            system.xcoms,
            system.runs,
            AssetAnswers(system.store),
            Memory,
            lambda fields: externals.verdict(awaited_of(fields)),
        )

    def push(self, xcom: XCom) -> None:
        self.pushed.append(xcom)

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        if operation in ("variable.set", "variable.delete"):
            raise TradewindError(f"{operation!r} is left out: `tasks test` records nothing.")
        if operation == "run.previous":
            return None
        return self._answers.answer("", operation, arguments)

"""Sensors, time limits, shell commands, decorated tasks and callbacks, each in a DAG that is run to its end in this process,
end as on Airflow. Wrong definitions of tasks have a test of their own."""

from __future__ import annotations

import ast
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradewind import (
    DAG,
    BaseSensorOperator,
    EmptyOperator,
    FailTask,
    PokeReturnValue,
    PythonOperator,
    SkipTask,
    TaskGroup,
    task,
)
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Machine
from tradewind.logic.plan import Plan
from tradewind.logic.waiting import resume_of
from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.run import RunInfo
from tradewind.model.states import RUN_FINAL, RunType, TaskState
from tradewind.ports import runtime
from tradewind.runner.attempt import Attempt
from tradewind.runner.loading import LoadedDag
from tradewind.runner.runtime import AttemptRuntime
from tradewind.runner.secrets import Secrets
from tradewind.runner.settings import RunnerSettings
from tradewind.testing import App
from tradewind_standard import BashOperator

Record = list[Any]


def case_name(case: dict[str, Any]) -> str:
    return str(case["name"])


class RunningClock:
    """Begins at a moment, and goes on by itself and where the test lets time pass."""

    def __init__(self) -> None:
        self._ahead = datetime(2024, 1, 1, tzinfo=UTC) - self._real()

    @staticmethod
    def _real() -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def now(self) -> datetime:
        return self._real() + self._ahead

    def monotonic(self) -> float:
        return time.monotonic()

    def wait_until(self, moment: datetime) -> None:
        self._ahead += max(moment - self.now(), timedelta(0))


class System:
    """A run's state machine, its attempts run in this process one after another, and the XComs that they leave."""

    def __init__(self, dag: DAG) -> None:
        self.clock = RunningClock()
        self.dag = LoadedDag(dag, "", "")
        now = self.clock.now()
        info = RunInfo(
            dag_id="d",
            run_id="r",
            run_type=RunType.MANUAL,
            logical_date=now,
            data_interval=None,
            run_after=now,
        )
        plan = Plan(dag.spec())
        self.run = LiveRun(plan, 1, info, list(range(len(plan))))
        self._xcoms: dict[tuple[str, str], XCom] = {}

    def to_the_end(self) -> LiveRun:
        run, machine = self.run, Machine(self.clock.now())
        machine.begin(run)
        for turn in range(1000):
            machine.now = self.clock.now()
            ready, machine.delta.ready = machine.delta.ready, []
            for _, number in ready:
                if run.states[number] is TaskState.SCHEDULED:
                    self._attempt(machine, number, f"{turn}-{number}")
            if run.state in RUN_FINAL:
                return run
            waits, machine.delta.waits = machine.delta.waits, []
            for _, number in sorted(waits, key=lambda it: run.due_at[it[1]] or machine.now):
                self.clock.wait_until(run.due_at[number] or machine.now)
                machine.due(run, number)
        raise AssertionError(f"the run never ends: {run.states}")

    def _attempt(self, machine: Machine, number: int, attempt_id: str) -> None:
        run, spec = self.run, self.run.plan.tasks[number]
        machine.queued(run, number, attempt_id, "")
        machine.started(run, number, began := self.clock.now())
        wait = run.waits.get(number)
        order = Order(
            attempt_id=attempt_id,
            version_id="v",
            run=run.info,
            task_id=spec.task_id,
            try_number=run.try_numbers[number],
            max_tries=run.max_tries[number],
            log_path="log",
            timeout=spec.execution_timeout,
        )
        if wait is not None:
            order = replace(order, resume=resume_of(wait), since=run.start_dates[number], rounds=wait.rounds)
        served_by = AttemptRuntime(self, Secrets())
        with runtime.serve(served_by):
            outcome, xcoms = Attempt(self.dag, order, served_by, RunnerSettings(), self.clock).run()
        for xcom in xcoms:
            self._xcoms[spec.task_id, xcom.key] = xcom
        machine.finished(run, number, outcome, began, self.clock.now())

    def push(self, xcom: XCom) -> None:
        raise AssertionError("none of these tasks pushes by hand")

    def ask(self, operation: str, arguments: dict[str, Any]) -> Any:
        assert operation == "xcom.pull"
        found = ((it, self._xcoms.get((it, arguments["key"]))) for it in arguments["task_ids"])
        return [[task_id, -1, xcom.value, None] for task_id, xcom in found if xcom is not None]


# -- the DAGs, by what the cases say of them ------------------------------------------------------------------------


class _Sensor(BaseSensorOperator):
    def __init__(self, looks: Callable[[int], Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.looks = looks
        self.seen: list[int] = []  # shared by the copies that attempts run

    def poke(self, context: Any) -> Any:
        self.seen.append(1)
        return self.looks(len(self.seen))


def _raises(error: Exception) -> Callable[[int], Any]:
    def look(_number: int) -> Any:
        raise error

    return look


def _never(_number: int) -> bool:
    """So that it times out."""
    return False


#: what a case's text says its poke does → the poke
_LOOKS: dict[str, Callable[[int], Any]] = {
    "true at once": lambda _number: True,
    "third": lambda number: number >= 3,
    "ValueError": _raises(ValueError("no")),
    "AirflowSkipException": _raises(SkipTask("nothing to do")),
    "AirflowFailException": _raises(FailTask("never")),
}


def _sensor(case: dict[str, Any], _record: Record) -> None:
    name, what = case["name"], case["what"]
    told = next((look for word, look in _LOOKS.items() if word in what), _never)
    arguments: dict[str, Any] = {"poke_interval": 0.05, "timeout": 0.3 if told is _never else 30}
    arguments |= {flag: True for flag in ("soft_fail", "never_fail", "silent_fail") if f"{flag}=True" in what}
    for key, value in re.findall(r"(retries|timeout|poke_interval|max_wait)=([\d.]+)", what):
        arguments[key] = int(value) if key == "retries" else float(value)
    if "retries" in arguments:
        arguments["retry_delay"] = 0
    mode = "reschedule" if "reschedule" in name else "poke"
    sensor = _Sensor(told, task_id="s", mode=mode, **arguments)
    sensor >> PythonOperator(task_id="d", python_callable=lambda: None)


def _taskflow_value(_case: dict[str, Any], record: Record) -> None:
    @task.sensor(poke_interval=0.05, timeout=5)
    def w() -> PokeReturnValue:
        return PokeReturnValue(is_done=True, xcom_value={"v": 1})

    task(task_id="record")(record.append)(w())


def _time_limit(_case: dict[str, Any], _record: Record) -> None:
    def sleeps() -> None:
        time.sleep(5)  # in the task, which is to be ended before

    slow = PythonOperator(task_id="t", python_callable=sleeps, execution_timeout=0.3)
    slow >> PythonOperator(task_id="d", python_callable=lambda: None)


def _exits(case: dict[str, Any], _record: Record) -> None:
    code = int(case["name"].removeprefix("sysexit"))
    PythonOperator(task_id="t", python_callable=lambda: sys.exit(code))


def _dotted(_case: dict[str, Any], _record: Record) -> None:
    PythonOperator(task_id="a.b", python_callable=lambda: None)


def _branch_to_group(_case: dict[str, Any], _record: Record) -> None:
    @task.branch
    def br() -> str:
        return "g"

    chosen = br()
    with TaskGroup("g") as group:
        EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
    chosen >> [group, EmptyOperator(task_id="o")]


def _short_circuit(_case: dict[str, Any], _record: Record) -> None:
    @task.short_circuit
    def f() -> list[int]:
        return []

    f() >> EmptyOperator(task_id="d")


def _condition(decorate: Callable[..., Any], answer: bool) -> Callable[[dict[str, Any], Record], None]:
    def write(_case: dict[str, Any], _record: Record) -> None:
        @decorate(lambda _context: answer)
        @task
        def f() -> None: ...

        f() >> PythonOperator(task_id="d", python_callable=lambda: None)

    return write


def _callbacks(_case: dict[str, Any], record: Record) -> None:
    def told(kind: str) -> Callable[[Any], None]:
        return lambda context: record.append(f"{kind}:{context['ti'].task_id}")

    def skips() -> None:
        raise SkipTask

    def fails() -> None:
        raise ValueError

    callbacks: dict[str, Any] = {
        f"on_{kind}_callback": told(kind) for kind in ("execute", "success", "failure", "retry", "skipped")
    }
    PythonOperator(task_id="a", python_callable=lambda: None, **callbacks)
    PythonOperator(task_id="c", python_callable=fails, retries=1, retry_delay=0, **callbacks)
    PythonOperator(task_id="b", python_callable=skips, **callbacks)


def _group_defaults(_case: dict[str, Any], record: Record) -> None:
    with TaskGroup("g", default_args={"retries": 1}):
        a = PythonOperator(task_id="a", python_callable=lambda: None)

    def tell(ti: Any = None) -> None:
        record.append([a.retries, ti.task.retries])

    a >> PythonOperator(task_id="b", python_callable=tell, retries=0)


def _shell(case: dict[str, Any], record: Record) -> None:
    written = re.fullmatch(
        r"BashOperator\(bash_command=(.*), (\{.*\})\) and the XCom it leaves", case["what"], re.DOTALL
    )
    assert written is not None
    b = BashOperator(task_id="b", bash_command=ast.literal_eval(written[1]), **ast.literal_eval(written[2]))

    def pull(ti: Any) -> None:
        record.append(ti.xcom_pull(task_ids="b"))

    b >> PythonOperator(task_id="got", python_callable=pull, trigger_rule="all_done")


#: how a DAG is written, by the name of its case or how that begins
_WRITTEN: dict[str, Callable[[dict[str, Any], Record], None]] = {
    "sensor_taskflow_value": _taskflow_value,
    "sensor_": _sensor,
    "sysexit": _exits,
    "bash_": _shell,
    "exec_timeout": _time_limit,
    "tf_dotted_task_id": _dotted,
    "tf_branch_group": _branch_to_group,
    "tf_short_truthy": _short_circuit,
    "tf_runif_false": _condition(task.run_if, False),
    "tf_skipif_true": _condition(task.skip_if, True),
    "tf_callbacks": _callbacks,
    "tf_group_default_args": _group_defaults,
}
#: a definition that is refused: how it is written, and words of ours
_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "sensor_soft_and_never": ({"soft_fail": True, "never_fail": True}, "mutually exclusive"),
    "sensor_bad_mode": ({"mode": "nope"}, "mode must be one of .*received 'nope'"),
    "sensor_neg_timeout": ({"timeout": -1}, "`timeout` must be timedelta object or a non-negative number"),
}


def _is_of_a_definition(case: dict[str, Any]) -> bool:
    return case["name"].startswith("tf_") and "definition_error" in case["expect"]


@pytest.mark.facts("task_runtime.json", only=lambda case: not _is_of_a_definition(case))
def test_a_dag_ends_as_on_airflow(case: dict[str, Any]) -> None:
    name = case["name"]
    if "definition_error" in case["expect"]:
        arguments, words = _REFUSED[name]
        with pytest.raises(ValueError, match=words):
            _Sensor(_never, task_id="s", **arguments)
        return
    record: Record = []
    defaults = {"retries": 3} if name == "tf_group_default_args" else {}
    with DAG("d", schedule=None, default_args=defaults) as dag:
        next(write for start, write in _WRITTEN.items() if name.startswith(start))(case, record)

    ended = _in_real_time(dag) if name.startswith(("sensor_", "exec_")) else _on_a_clock_that_is_moved(dag)

    assert ended == (case["expect"]["run"], case["expect"]["tasks"], case["expect"].get("tries", {}))
    # which of several ready tasks goes first is nobody's promise; what each does, in which order, is
    assert _by_task(record) == _by_task(case["expect"]["recorded"])


def _in_real_time(dag: DAG) -> tuple[str, dict[str, Any], dict[str, int]]:
    """The state of the run, those of its tasks, and their tries where there were several."""
    run = System(dag).to_the_end()
    tasks = {spec.task_id: number for number, spec in enumerate(run.plan.tasks)}
    tries = {task_id: run.try_numbers[number] for task_id, number in tasks.items()}
    return (
        run.state,
        {task_id: run.states[number] for task_id, number in tasks.items()},
        {task_id: number for task_id, number in tries.items() if number > 1},
    )


def _on_a_clock_that_is_moved(dag: DAG) -> tuple[str, dict[str, Any], dict[str, int]]:
    """The same, by the whole scheduler: callbacks are attempts of their own."""
    with App() as app:
        result = app.run(dag)
    return (
        result.state,
        result.states,
        {one.task_id: one.tries for one in result.tasks.values() if one.tries > 1},
    )


def _by_task(record: Record) -> Any:
    if not all(isinstance(it, str) for it in record):
        return record
    return sorted(record, key=lambda it: it.partition(":")[2])

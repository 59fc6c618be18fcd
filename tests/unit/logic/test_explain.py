"""Why something waits or ended, in words: each reason that there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradewind.logic.admission import Candidate, Ledger, Limit
from tradewind.logic.explain import DagStanding, blocked_run, explain_dag, explain_run, explain_task
from tradewind.logic.live_run import LiveRun
from tradewind.logic.plan import Plan
from tradewind.model.run import RunInfo
from tradewind.model.spec import DagSpec, TaskSpec
from tradewind.model.states import RunState, RunType, TaskState

NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)
TASKS = (
    TaskSpec(task_id="a", downstream=("c",), retries=1, execution_timeout=60),
    TaskSpec(task_id="b", downstream=("c",)),
    TaskSpec(task_id="c", downstream=("d",)),
    TaskSpec(task_id="d"),
)


def a_run(**states: str | None) -> LiveRun:
    plan = Plan(DagSpec(dag_id="dag", tasks=TASKS))
    info = RunInfo(
        dag_id="dag", run_id="r", run_type=RunType.MANUAL, logical_date=NOW, data_interval=None, run_after=NOW
    )
    run = LiveRun(plan, 1, info, [1, 2, 3, 4])
    run.state = RunState.RUNNING
    for task_id, state in states.items():
        run.move(plan.index[task_id], TaskState(state) if state else None)
    return run


def a_candidate(number: int = 0, **fields: object) -> Candidate:
    known: dict[str, object] = {
        "key": (1, number),
        "dag_id": "dag",
        "task_id": "a",
        "run_pk": 1,
        "priority": 1,
        "order": 0.0,
        "pool": "db",
        "slots": 1,
        "executor": "local",
        "max_of_run": 16,
        "max_of_task": None,
        "max_of_task_in_run": None,
    }
    return Candidate(**{**known, **fields})  # type: ignore[arg-type]


def a_ledger(**used: int) -> Ledger:
    ledger = Ledger(pools={"db": 4, "default_pool": 128}, executors={"local": 8})
    for kind, number in used.items():
        name = {"pool": "db", "run": "1", "executor": "local"}[kind]
        ledger.used[Limit(kind, name)] = number
    return ledger


def why(
    run: LiveRun, task_id: str, ledger: Ledger | None = None, others: list[Candidate] | None = None
) -> str:
    number = run.plan.index[task_id]
    return explain_task(run, number, NOW, ledger or a_ledger(), a_candidate(number), others or []).text


def test_a_task_waits_for_those_upstream_of_it_by_name() -> None:
    run = a_run(a="running", b="success")
    assert why(run, "c") == "Waits for 1 of 2 upstream tasks (trigger rule all_success): a (running)."
    assert why(run, "d").endswith("c (not looked at yet). Further up: a (running).")


def test_a_task_waits_for_a_slot_and_knows_how_many_are_ahead() -> None:
    run = a_run(a="scheduled")
    others = [a_candidate(7, priority=5), a_candidate(8, priority=2), a_candidate(9, priority=0)]
    told = explain_task(run, 0, NOW, a_ledger(pool=4), a_candidate(), others)
    assert told.text == "Waits for a slot in pool 'db' (4 of 4 used); 2 tasks are ahead."
    assert told.cure == "tradewind pools set db SLOTS"


@pytest.mark.parametrize(
    ("ledger", "told"),
    [
        (a_ledger(run=16), "Waits for max_active_tasks of the run (16 of 16 used)."),
        (a_ledger(executor=8), "Waits for a place in executor 'local' (8 of 8 used)."),
        (a_ledger(), "There is a slot for it"),
    ],
)
def test_every_limit_has_its_words(ledger: Ledger, told: str) -> None:
    assert why(a_run(a="scheduled"), "a", ledger).startswith(told)


def test_a_paused_dag_holds_its_tasks_and_says_the_command_that_helps() -> None:
    ledger = a_ledger()
    ledger.paused.add("dag")
    told = explain_task(a_run(a="scheduled"), 0, NOW, ledger, a_candidate())
    assert "is paused" in told.text
    assert told.cure == "tradewind dags unpause dag"


def test_a_retry_says_when_it_is_due() -> None:
    run = a_run(a="up_for_retry")
    run.try_numbers[0], run.reasons[0], run.due_at[0] = 1, "ValueError: no", NOW + timedelta(minutes=5)
    assert why(run, "a") == (
        "ValueError: no. It waits; its try 2 of 2 begins in 5 min (2024-01-01T12:05:00+00:00)."
    )
    run.due_at[0] = NOW - timedelta(seconds=1)
    assert "as soon as the scheduler looks" in why(run, "a")


def test_a_running_task_says_since_when_and_its_limit() -> None:
    run = a_run(a="running")
    run.start_dates[0], run.try_numbers[0] = NOW - timedelta(seconds=30), 1
    assert why(run, "a") == "It is running for 30.0 s, try 1 of 2. Its execution_timeout is 60 s."


@pytest.mark.parametrize("state", [*TaskState, None])
def test_every_state_is_explained(state: TaskState | None) -> None:
    run = a_run(a=state)
    run.reasons[0] = "a reason"
    assert why(run, "a").endswith((".", ")"))
    for run_state in RunState:
        run.state = run_state
        assert why(run, "a")
        assert explain_run(run, a_dag())


def test_what_is_behind_a_failure_names_where_it_began() -> None:
    run = a_run(a="failed", b="success", c="upstream_failed", d="upstream_failed")
    run.reasons[0], run.reasons[3] = "ValueError: no", "1 of 1 upstream tasks failed"
    told = explain_task(run, 3, NOW, a_ledger(), a_candidate())
    assert told.text == (
        "It ended upstream_failed: 1 of 1 upstream tasks failed. It goes back to a (ValueError: no)."
    )
    assert told.cure == "tradewind tasks logs dag r a"


def a_dag(**fields: object) -> DagStanding:
    known: dict[str, object] = {
        "dag_id": "dag",
        "paused": False,
        "is_stale": False,
        "scheduled": True,
        "next_run_after": NOW + timedelta(hours=30),
        "active": 0,
        "queued": 0,
        "max_active_runs": 1,
    }
    return DagStanding(**{**known, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dag", "told"),
    [
        (a_dag(), "Its next run is due in 1 d 6 h, at 2024-01-02T18:00:00+00:00."),
        (a_dag(paused=True), "It is switched off"),
        (a_dag(is_stale=True), "Its file is gone"),
        (a_dag(scheduled=False), "It has no schedule"),
        (a_dag(next_run_after=None), "Its schedule has no further run"),
        (a_dag(next_run_after=NOW, active=1), "A run is due since"),
        (a_dag(next_run_after=NOW), "A run is due since 2024-01-01T12:00:00+00:00; the scheduler makes it"),
        (a_dag(active=1, queued=2), "2 runs of it are queued. The next one waits for a place"),
    ],
)
def test_a_dag_that_makes_no_run_says_why(dag: DagStanding, told: str) -> None:
    assert any(one.text.startswith(told) for one in explain_dag(dag, NOW))


def test_a_run_of_a_dag_that_is_off_starts_all_the_same_where_that_was_asked_for() -> None:
    assert blocked_run(a_dag(paused=True), even_if_paused=True) is None
    held = blocked_run(a_dag(paused=True))
    assert held is not None
    assert held.cure == "tradewind dags unpause dag"

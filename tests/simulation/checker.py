"""The nine promises, and that every run was intended: checked from rows, by code that shares nothing with the machine."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tradewind.model.outcomes import OUTCOME_NAMES, Deferred, Rescheduled

from .due import due_runs_are_there
from .evidence import EPOCH, Broken, Evidence, Row
from .features import FEATURES
from .limits import limits_were_kept
from .oracle import Expectation, run_state

if TYPE_CHECKING:
    pass

FINAL = ("success", "failed", "skipped", "upstream_failed", "removed")
ACTIVE = ("queued", "running", "restarting")
MOST_LOSSES = 3


def check(evidence: Evidence) -> list[Broken]:
    """Everything that was broken by the end."""
    found = [*evidence.world.broken, *due_runs_are_there(evidence.world)]
    for one in CHECKS:
        found += one(evidence)
    for feature in FEATURES:
        found += feature.check(evidence)
    return found


def runs_were_intended(evidence: Evidence) -> Iterator[Broken]:
    """(1) and (9): each run was due or asked for, and nobody has it twice."""
    asked = {
        (row["dag_id"], json.loads(row["result"])["run_id"])
        for row in evidence.commands.values()
        if row["kind"] == "trigger_run" and row["applied_at"] and not row["refused_reason"]
    }
    deleted = evidence.deleted
    made = Counter((run["dag_id"], run["run_id"]) for run in evidence.runs.values())
    for name, number in made.items():
        if number > 1:
            yield Broken("9", f"run {name} is there {number} times")
    for name in asked - set(made):
        if name[0] not in deleted:
            yield Broken("6", f"run {name} was promised to whoever triggered it, and is not there")
    dates: Counter[Any] = Counter()
    for run in evidence.runs.values():
        spec = evidence.specs[run["version_id"]]
        if run["run_type"] == "manual":
            if (run["dag_id"], run["run_id"]) not in asked:
                yield Broken("1", f"nobody asked for {run['dag_id']}/{run['run_id']}")
            continue
        if run["run_type"] == "asset_triggered":
            continue  # said by the feature
        date = EPOCH + timedelta(microseconds=run["logical_date"])
        dates[run["dag_id"], date] += 1
        assert spec.start_date is not None
        assert spec.end_date is not None
        step = timedelta(seconds=spec.extra["step"])
        if run["run_type"] == "backfill":
            continue  # its slots are checked by the feature
        if not spec.start_date <= date <= spec.end_date or (date - spec.start_date) % step:
            yield Broken("1", f"{run['dag_id']}/{run['run_id']} is none of its schedule")
    for (dag_id, date), number in dates.items():
        if number > 1:
            yield Broken("9", f"{dag_id} has {number} scheduled runs of {date}")


def commands_were_answered(evidence: Evidence) -> Iterator[Broken]:
    """(4) and (6): what was asked for is applied or refused, with a reason."""
    for id, command in evidence.world.people.receipts.items():
        row = evidence.commands.get(id)
        if row is None:
            yield Broken("6", f"a command that was handed in is not there: {command}")
        elif row["applied_at"] is None:
            yield Broken("4", f"a command waits for ever: {command}")


def log_is_whole(evidence: Evidence) -> Iterator[Broken]:
    """The log has no gap, leads from state to state, and ends in what the rows say; final states change by command (5)."""
    if not evidence.deleted:
        for shard, rows in _by(evidence.transitions, "shard").items():
            if [row["n"] for row in rows] != list(range(1, len(rows) + 1)):
                yield Broken("6", f"the log of shard {shard} has gaps, or is out of order")
    for pk, instance in evidence.instances.items():
        rows = evidence.transitions_of.get(pk, [])
        yield from _chain(rows, None, instance["state"], evidence.name(instance))
    for pk, run in evidence.runs.items():
        rows = evidence.transitions_of_run.get(pk, [])
        yield from _chain(rows, "queued", run["state"], f"{run['dag_id']}/{run['run_id']}")


def _chain(rows: list[Row], first: str | None, last: str | None, name: str) -> Iterator[Broken]:
    state = first
    for row in rows:
        if row["old"] != state:
            yield Broken(
                "6", f"{name}: the log goes from {state} to a change of {row['old']} to {row['new']}"
            )
        if row["old"] in FINAL and row["cause"] != "command" and "removed" not in (row["old"], row["new"]):
            yield Broken(
                "5", f"{name} was {row['old']} and became {row['new']} without a command: {row['reason']}"
            )
        if row["new"] in (*FINAL, "up_for_retry") and not row["reason"] and row["new"] != "success":
            yield Broken("8", f"{name} became {row['new']} without a reason")
        state = row["new"]
    if state != last:
        yield Broken("6", f"{name} is {last}, but its log ends in {state}")


def attempts_have_one_result(evidence: Evidence) -> Iterator[Broken]:
    """(2): one accepted result, which is what its process said; (8): the reason where it ended badly."""
    ends: Counter[str] = Counter()
    ran = {row["attempt_id"] for row in evidence.transitions if row["new"] == "running"}
    for row in evidence.transitions:
        if row["attempt_id"] and row["cause"] == "fact" and row["old"] in ACTIVE and row["new"] != "running":
            ends[row["attempt_id"]] += 1
    for row in evidence.attempts:
        instance = evidence.instances.get(row["ti_pk"])
        name = evidence.name(instance) if instance is not None else row["id"]
        executions = evidence.executions_of[row["id"]]
        if len(executions) > 1:
            yield Broken("2", f"{name}: user code of attempt {row['id']} ran {len(executions)} times")
        if ends[row["id"]] > 1:
            yield Broken("2", f"{name}: attempt {row['id']} ended {ends[row['id']]} times")
        if row["outcome"] in ("failed", "lost", "revoked", "skipped") and not row["reason"]:
            yield Broken("8", f"{name}: attempt {row['id']} is {row['outcome']} without a reason")
        if row["outcome"] in ("succeeded", "branched", "skipped", "rescheduled", "deferred"):
            if row["started_at"] and row["id"] not in ran:
                yield Broken("6", f"{name}: attempt {row['id']} said that it started, and never was running")
            said = [
                it for it in executions if it.outcome and OUTCOME_NAMES[type(it.outcome)] == row["outcome"]
            ]
            if not said:
                yield Broken(
                    "3", f"{name}: attempt {row['id']} is {row['outcome']}, but its process never said so"
                )
            elif said[0].session != row["claimed_by"]:
                yield Broken("2", f"{name}: {row['outcome']} came from a process that did not hold the claim")


def tasks_ran_as_often_as_promised(evidence: Evidence) -> Iterator[Broken]:
    """(3): at least once for whatever succeeded, at most once where the author asks for that; tries are counted right."""
    commanded = evidence.touched
    for pk, instance in evidence.instances.items():
        name, task = evidence.name(instance), evidence.task_of(instance)
        attempts = evidence.attempts_of.get(pk, [])
        changes = evidence.transitions_of.get(pk, [])
        by_itself = instance["state"] == "success" and task.runs_code and changes[-1]["cause"] != "command"
        if by_itself and not any(row["outcome"] in ("succeeded", "branched") for row in attempts):
            yield Broken("3", f"{name} succeeded and never ran")
        if task.at_most_once:
            yield from _at_most_once(evidence, name, attempts, instance["run_pk"] in commanded)
        yield from _tries(evidence, name, instance, attempts, instance["run_pk"] in commanded)


def _at_most_once(evidence: Evidence, name: str, attempts: list[Row], cleared: bool) -> Iterator[Broken]:
    ran: Counter[int] = Counter()
    for row in attempts:
        for execution in evidence.executions_of[row["id"]]:
            ran[row["try_number"]] += not isinstance(execution.outcome, Rescheduled | Deferred)
            if ran[row["try_number"]] > 1:
                yield Broken("3", f"{name} promises at most once, and try {row['try_number']} ran twice")
            after = attempts[attempts.index(row) + 1 :]
            if row["outcome"] == "lost" and after and not cleared:
                yield Broken("3", f"{name} promises at most once, may have run, and was tried again")


def _tries(
    evidence: Evidence, name: str, instance: Row, attempts: list[Row], commanded: bool
) -> Iterator[Broken]:
    task, spec = evidence.task_of(instance), evidence.spec_of(instance["run_pk"])
    lost = Counter(
        row["try_number"] for row in attempts if row["outcome"] == "lost" and not row["started_at"]
    )
    for number, times in lost.items():
        if times > MOST_LOSSES:
            yield Broken("4", f"{name}: try {number} was lost {times} times before it began")
    if commanded:
        return
    if attempts and attempts[-1]["try_number"] > task.retries + 1:
        yield Broken("3", f"{name} had {attempts[-1]['try_number']} tries, and {task.retries} retries")
    run = evidence.runs[instance["run_pk"]]
    if instance["state"] == "failed" and not spec.fail_fast and "dagrun_timeout" not in run["reason"]:
        last = [it.outcome for it in evidence.executions_of[attempts[-1]["id"]]]
        may = (
            any(getattr(it, "retry", None) == "default" for it in last)
            and attempts[-1]["outcome"] == "failed"
        )
        if may and attempts[-1]["try_number"] <= task.retries:
            yield Broken("3", f"{name} failed at try {attempts[-1]['try_number']} of {task.retries + 1}")
    if not task.retry_backoff:
        ended = {row["id"]: row["ended_at"] for row in attempts}
        for row, following in pairwise(evidence.transitions_of[instance["id"]]):
            if row["new"] == "up_for_retry" and following["new"] == "scheduled":
                waited = (following["at"] - ended[row["attempt_id"]]) / 1e6
                if waited < task.retry_delay - 0.001:
                    yield Broken("4", f"{name} was tried again after {waited} s, not {task.retry_delay} s")


def nothing_waits_for_ever(evidence: Evidence) -> Iterator[Broken]:
    """(4): in the calm, everything ended."""
    for run in evidence.runs.values():
        if run["state"] not in FINAL:
            yield Broken(
                "4", f"run {run['dag_id']}/{run['run_id']} is {run['state']} for ever: {run['reason']}"
            )
    for instance in evidence.instances.values():
        if instance["state"] not in FINAL:
            name = evidence.name(instance)
            yield Broken("4", f"{name} is {instance['state']} for ever: {instance['reason']}")
    for row in (*evidence.attempts, *evidence.callbacks):
        if row["ended_at"] is None:
            yield Broken("4", f"attempt {row['id']} of run {row['run_pk']} is open for ever")
    for row in evidence.world.rows("SELECT kind, attempt_id FROM fact"):
        yield Broken("4", f"a fact of kind {row['kind']} about {row['attempt_id']} waits for ever")
    for row in evidence.problems:
        yield Broken("7", f"the scheduler put a run aside at {row['what']}: {row['traceback']}")


def what_was_ended_does_not_run_on(evidence: Evidence) -> Iterator[Broken]:
    """(4): an attempt that nobody listens to any more is ended where it runs."""
    ended = {row["id"]: row for row in evidence.attempts if row["outcome"] == "revoked"}
    for execution in evidence.executions:
        row = ended.get(execution.attempt_id)
        if row is not None and execution.outcome is not None and execution.ran_on > LONGEST_AFTERLIFE:
            yield Broken(
                "4",
                f"{execution.task_id}: attempt {row['id']} was ended, and ran on for {execution.ran_on} s",
            )


LONGEST_AFTERLIFE = 5400.0  #: seconds; the scheduler may be down for a while


def runs_ended_as_they_should(evidence: Evidence) -> Iterator[Broken]:
    """Final states are those of the trigger rules over what the tasks did, in whatever order it was reported."""
    touched, commanded = evidence.touched, evidence.bent
    for pk, run in evidence.runs.items():
        spec = evidence.spec_of(pk)
        states = {row["task_id"]: row["state"] for row in evidence.instances_of[pk]}
        if any(task.mapped for task in spec.tasks):
            continue  # what stands for a mapped task as a whole is not said a second time yet
        if None in states.values() or run["state"] not in FINAL:
            continue  # said elsewhere
        if pk in commanded or any(
            "dagrun_timeout" in row["reason"] for row in evidence.transitions_of_run[pk]
        ):
            continue
        name = f"{run['dag_id']}/{run['run_id']}"
        if any("fail_fast" in row["reason"] for row in evidence.transitions_of_run[pk]):
            if run["state"] != "failed" and pk not in touched:
                yield Broken("run", f"{name} was stopped by fail_fast, and is {run['state']}")
            continue
        for wrong in Expectation(evidence, pk).wrong():
            yield Broken("run", wrong)
        if run["state"] != run_state(spec, states):
            yield Broken("run", f"{name} is {run['state']}, its tasks are {states}")


def _by(rows: list[Row], key: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found


CHECKS: tuple[Callable[[Evidence], Iterator[Broken]], ...] = (
    runs_were_intended,
    commands_were_answered,
    log_is_whole,
    attempts_have_one_result,
    tasks_ran_as_often_as_promised,
    nothing_waits_for_ever,
    what_was_ended_does_not_run_on,
    runs_ended_as_they_should,
    limits_were_kept,
)

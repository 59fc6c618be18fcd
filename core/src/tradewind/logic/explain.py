"""Why something waits, or ended as it did: in words, with what would help; asked of the same functions that decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tradewind.logic.admission import Candidate, Ledger
from tradewind.logic.live_run import LiveRun
from tradewind.logic.machine import Past, no_past
from tradewind.logic.verdicts import undecided_choosers, verdict_of
from tradewind.model.states import RUN_FINAL, TASK_FINAL, RunState, TaskState

_SHOWN = 5  # names in a list


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why it is so.

    :param text: whole sentences.
    :param cure: what would change it; empty where there is nothing to do but wait, or nothing at all.
    """

    text: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DagStanding:
    """What decides whether runs of a DAG start."""

    dag_id: str
    paused: bool
    is_stale: bool
    scheduled: bool  #: it has a schedule
    next_run_after: datetime | None
    active: int  #: runs that are running
    queued: int  #: runs that wait to start
    max_active_runs: int
    assets: Explanation | None = None  #: of the assets that it waits for, if it does
    paused_reason: str = ""  #: where it was not a person who switched it off
    held_back: str | None = None  #: why it makes up for nothing, where that waits to be confirmed

    @property
    def has_room(self) -> bool:
        """Whether one more run may start."""
        return self.active < self.max_active_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillStanding:
    """What decides whether runs of a backfill start."""

    id: int
    paused: bool
    cancelled: bool
    active: int
    max_active_runs: int

    @property
    def has_room(self) -> bool:
        """Whether one more of its runs may start."""
        return not self.paused and not self.cancelled and self.active < self.max_active_runs


def explain_task(
    run: LiveRun,
    number: int,
    now: datetime,
    ledger: Ledger,
    candidate: Candidate,
    others: Iterable[Candidate] = (),
    past: Past = no_past,
) -> Explanation:
    """Why the instance is in its state, and what it waits for.

    :param ledger: what is in use at present.
    :param candidate: the instance as admission sees it.
    :param others: all instances that wait for admission.
    :param past: what of its DAG's earlier runs holds it back.
    """
    state = run.states[number]
    if state in TASK_FINAL:
        return _ended(run, number)
    if run.state is RunState.QUEUED:
        return Explanation(f"Its run is queued: {run.reason or 'it waits to start'}.")
    if state is None:
        return _undecided(run, number, past)
    if state is TaskState.SCHEDULED:
        return _waits_for_slot(candidate, ledger, others)
    if state in (TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE):
        return _waits_for_time(run, number, now)
    task = run.task(number)
    begun = _since(run.start_dates[number], now)
    match state:
        case TaskState.QUEUED:
            text = f"It has its slot and was handed to executor {candidate.executor!r}; its process has not begun yet."
        case TaskState.RUNNING:
            limit = (
                f" Its execution_timeout is {task.execution_timeout:g} s." if task.execution_timeout else ""
            )
            text = (
                f"It is running{begun}, try {run.try_numbers[number]} of {run.max_tries[number] + 1}.{limit}"
            )
        case TaskState.RESTARTING:
            text = f"It was cleared while it ran; its process is being ended, then it starts again ({run.reasons[number]})."
        case _:
            text = f"It is {state}: {_sentence(run.reasons[number])}"
    return Explanation(text)


def explain_run(run: LiveRun, standing: DagStanding | BackfillStanding, ahead: int = 0) -> list[Explanation]:
    """Why the run is in its state.

    :param standing: of whoever starts it: its DAG, or its backfill while that is not completed.
    :param ahead: how many queued runs come before it there.
    """
    if run.state in RUN_FINAL:
        return [_ended_run(run)]
    if run.state is RunState.QUEUED:
        reason = (
            blocked_backfill(standing)
            if isinstance(standing, BackfillStanding)
            else blocked_run(standing, run.even_if_paused)
        )
        if reason is None:
            return [Explanation("It may start now; the scheduler has not looked at it yet.")]
        whose = "backfill" if isinstance(standing, BackfillStanding) else "DAG"
        before = (
            f" {_count(ahead, 'run')} of the {whose} {'is' if ahead == 1 else 'are'} ahead of it."
            if ahead
            else ""
        )
        return [Explanation(reason.text + before, reason.cure)]
    tally = _tally(run)
    words = ", ".join(f"{number} {state or 'without a state yet'}" for state, number in tally)
    of = _count(sum(number for _, number in tally), "task")
    return [Explanation(f"It is running; of {of}: {words}.")]


def blocked_run(dag: DagStanding, even_if_paused: bool = False) -> Explanation | None:
    """What keeps a queued run from starting, or ``None`` where it may start."""
    if not dag.has_room:
        return Explanation(
            f"It waits for a place among the DAG's active runs ({dag.active} of {dag.max_active_runs} used).",
            "Wait for one of them to end, end one with `tradewind runs mark`, or raise max_active_runs of the DAG.",
        )
    if dag.paused and not even_if_paused:
        return Explanation(
            f"The DAG {dag.dag_id} is switched off, so none of its runs starts.",
            f"tradewind dags unpause {dag.dag_id}",
        )
    return None


def blocked_backfill(backfill: BackfillStanding) -> Explanation | None:
    """What keeps a queued run of a backfill from starting, or ``None`` where it may start."""
    if backfill.cancelled:
        return Explanation(f"Its backfill {backfill.id} was cancelled; it is being ended.")
    if backfill.paused:
        return Explanation(
            f"Its backfill {backfill.id} is paused.", f"tradewind backfill resume {backfill.id}"
        )
    if not backfill.has_room:
        return Explanation(
            f"It waits for a place among the active runs of its backfill {backfill.id} "
            f"({backfill.active} of {backfill.max_active_runs} used)."
        )
    return None


def explain_dag(dag: DagStanding, now: datetime) -> list[Explanation]:
    """Why the DAG makes runs, or none."""
    found = []
    if dag.is_stale:
        found.append(
            Explanation(
                "Its file is gone, or cannot be imported at present; its last good version stays, and makes no new runs.",
                "tradewind dags list-import-errors",
            )
        )
    if dag.paused:
        found.append(
            Explanation(
                "It is switched off"
                + (f", since {dag.paused_reason}" if dag.paused_reason else "")
                + ": it makes no runs by its schedule, and those that are queued do not start.",
                f"tradewind dags unpause {dag.dag_id}",
            )
        )
    found += [dag.assets] if dag.assets is not None else []
    if not dag.scheduled and dag.assets is None:
        found.append(
            Explanation(
                "It has no schedule: it runs when it is triggered.", f"tradewind dags trigger {dag.dag_id}"
            )
        )
    elif dag.scheduled and not dag.paused and not dag.is_stale:
        found.append(_next_run(dag, now))
    if dag.queued and not dag.has_room:
        blocked = blocked_run(dag, even_if_paused=True)
        assert blocked is not None
        text = f"{_count(dag.queued, 'run')} of it {'is' if dag.queued == 1 else 'are'} queued."
        found.append(
            Explanation(f"{text} {blocked.text.replace('It waits', 'The next one waits')}", blocked.cure)
        )
    return found


def no_scheduler() -> Explanation:
    """What holds everything back where nobody schedules."""
    return Explanation("No scheduler is running, so nothing goes on.", "tradewind up")


def tasks_ahead(candidate: Candidate, others: Iterable[Candidate], ledger: Ledger) -> int:
    """How many of those that wait for the same limit come before it: those of higher priority, and those of its own DAG.
    Among equal priorities, other DAGs take turns with it."""
    blocked = ledger.blocked(candidate)
    if blocked is None:
        return 0
    rest = (
        other
        for other in others
        if other.key != candidate.key
        and other.rank < candidate.rank
        and (other.priority > candidate.priority or other.dag_id == candidate.dag_id)
    )
    return sum(1 for other in rest if (held := ledger.blocked(other)) and held.limit == blocked.limit)


def _next_run(dag: DagStanding, now: datetime) -> Explanation:
    if dag.held_back is not None:
        return Explanation(f"Its catch-up waits to be confirmed: {dag.held_back}")
    after = dag.next_run_after
    if after is None:
        return Explanation(
            "Its schedule has no further run: its end_date has passed, or its runs are all made."
        )
    if after > now:
        return Explanation(
            f"Its next run is due in {_span((after - now).total_seconds())}, at {after.isoformat()}."
        )
    if not dag.has_room or dag.active + dag.queued >= dag.max_active_runs:
        return Explanation(
            f"A run is due since {after.isoformat()}; it is made when there is a place among the DAG's active runs "
            f"({dag.active + dag.queued} of {dag.max_active_runs} used).",
            "Wait for one of them to end, or raise max_active_runs of the DAG.",
        )
    return Explanation(f"A run is due since {after.isoformat()}; the scheduler makes it at its next look.")


def _undecided(run: LiveRun, number: int, past: Past) -> Explanation:
    if run.state in RUN_FINAL:
        return Explanation("Its run ended before anything was decided for it.")
    verdict = verdict_of(run, number)
    held = past(run, number) if verdict.run else None
    if held is not None:
        return Explanation(
            f"{_capital(held)}.",
            "See why it did not end well there, with `tradewind tasks why`; clear it, or mark it success with "
            "`tradewind runs mark`.",
        )
    if verdict.settled and not verdict.waits:
        return Explanation(
            f"Nothing holds it back ({verdict.reason}); the scheduler has not looked at it yet."
        )
    before = [one for other in run.plan.upstream[run.task_of(number)] for one in run.concerned(number, other)]
    choosers = run.spread(undecided_choosers(run, number))
    waited = [one for one in dict.fromkeys([*before, *choosers]) if run.states[one] not in TASK_FINAL]
    at_work = [
        other
        for other in run.spread(sorted(run.plan.reach_up({run.task_of(one) for one in waited})))
        if run.states[other] is not None and run.states[other] not in TASK_FINAL and other not in waited
    ]
    text = (
        _capital(verdict.reason)
        if verdict.waits
        else f"So far {verdict.reason}; the rest may yet change that"
    )
    text += f": {_named(run, waited)}."
    if at_work:
        text += f" Further up: {_named(run, at_work)}."
    return Explanation(text)


def _waits_for_slot(candidate: Candidate, ledger: Ledger, others: Iterable[Candidate]) -> Explanation:
    blocked = ledger.blocked(candidate)
    if blocked is None:
        return Explanation("There is a slot for it; the scheduler has not handed it out yet.")
    ahead = tasks_ahead(candidate, others, ledger)
    text = _capital(blocked.reason)
    if ahead:
        text += f"; {_count(ahead, 'task')} {'is' if ahead == 1 else 'are'} ahead"
    cures = {
        "paused": f"tradewind dags unpause {candidate.dag_id}",
        "pool": f"tradewind pools set {candidate.pool} SLOTS",
        "pool too small": f"tradewind pools set {candidate.pool} {candidate.slots}",
        "run": "Raise max_active_tasks of the DAG.",
    }
    return Explanation(text + ".", cures.get(blocked.limit.kind, ""))


def _waits_for_time(run: LiveRun, number: int, now: datetime) -> Explanation:
    due, what = run.due_at[number], "looks again"
    if run.states[number] is TaskState.UP_FOR_RETRY:
        what = f"its try {run.try_numbers[number] + 1} of {run.max_tries[number] + 1} begins"
    if due is None:
        return Explanation(_sentence(run.reasons[number]))
    left = (due - now).total_seconds()
    when = f"in {_span(left)}" if left > 0 else "as soon as the scheduler looks"
    return Explanation(f"{_sentence(run.reasons[number])} It waits; {what} {when} ({due.isoformat()}).")


def _ended(run: LiveRun, number: int) -> Explanation:
    state, reason = run.states[number], run.reasons[number]
    text = f"It ended {state}" + (f": {_sentence(reason)}" if reason else ".")
    dag_id, run_id = run.info.dag_id, run.info.run_id
    if state is TaskState.FAILED:
        return Explanation(text, f"tradewind tasks logs {dag_id} {run_id} {run.label(number)}")
    if state is TaskState.UPSTREAM_FAILED:
        failed = [
            other
            for other in run.spread(sorted(run.plan.reach_up({run.task_of(number)})))
            if run.states[other] is TaskState.FAILED
        ]
        if failed:
            text += " It goes back to " + "; ".join(
                f"{run.label(other)} ({run.reasons[other] or 'failed'})" for other in failed[:_SHOWN]
            )
            text += f" and {len(failed) - _SHOWN} more." if len(failed) > _SHOWN else "."
            return Explanation(text, f"tradewind tasks logs {dag_id} {run_id} {run.label(failed[0])}")
    return Explanation(text)


def _ended_run(run: LiveRun) -> Explanation:
    text = f"It ended {run.state}" + (f": {_sentence(run.reason)}" if run.reason else ".")
    failed = [number for number in run.numbers() if run.states[number] is TaskState.FAILED]
    if run.state is RunState.SUCCESS or not failed:
        return Explanation(text)
    text += " Failed: " + "; ".join(
        f"{run.label(number)} ({run.reasons[number] or 'no reason given'})" for number in failed[:_SHOWN]
    )
    text += f" and {len(failed) - _SHOWN} more." if len(failed) > _SHOWN else "."
    return Explanation(text, f"tradewind runs clear {run.info.dag_id} {run.info.run_id}")


def _tally(run: LiveRun) -> list[tuple[TaskState | None, int]]:
    counts: dict[TaskState | None, int] = {}
    for number in run.numbers():
        state = run.states[number]
        counts[state] = counts.get(state, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))


def _named(run: LiveRun, numbers: list[int]) -> str:
    shown = ", ".join(
        f"{run.label(number)} ({run.states[number] or 'not looked at yet'})" for number in numbers[:_SHOWN]
    )
    return shown + (f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else "")


def _since(start: datetime | None, now: datetime) -> str:
    return "" if start is None else f" for {_span(max(0.0, (now - start).total_seconds()))}"


def _span(seconds: float) -> str:
    """A length of time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for size, name, smaller, small_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."

"""What callbacks see, and what becomes of those that fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind.errors import NotFound
from tradewind.model.callbacks import CallbackRequest
from tradewind.model.outcomes import Failed, Succeeded
from tradewind.ports import components

Run = Callable[..., Any]


def _asked(name: str = "on_failure_callback", **fields: Any) -> dict[str, Any]:
    return {
        "kind": "callback",
        "callback": CallbackRequest(**{"names": (name,), "task_id": "t", "state": "failed", **fields}),
    }


def test_callbacks_of_a_task_that_was_killed_see_its_state_and_why(run: Run) -> None:
    body = """
    def told(context):
        ti = context["ti"]
        print(ti.state, ti.try_number, ti.duration, context["ds"], context["exception"], "|", context["reason"])
    @task(on_failure_callback=told)
    def t(): print("not run again")
    t()
    """
    start, end = datetime(2024, 6, 4, 1, tzinfo=UTC), datetime(2024, 6, 4, 2, tzinfo=UTC)
    asked = _asked(reason="killed by signal 9", start_date=start, end_date=end)
    result = run(body, try_number=3, **asked)
    assert result.outcome == Succeeded()
    assert result.log == "failed 3 3600.0 2024-06-03 killed by signal 9 | killed by signal 9\n"


@pytest.mark.parametrize(
    ("reason", "exceptions", "seen"),
    [
        (
            "KeyError: 'x'",
            ("builtins.KeyError", "builtins.LookupError", "builtins.Exception"),
            "KeyError(\"'x'\")",
        ),
        (
            "UnicodeDecodeError: bad",
            ("builtins.UnicodeDecodeError", "builtins.UnicodeError", "builtins.ValueError"),
            "UnicodeError('bad')",
        ),
        ("Own: no", ("gone.Own", "builtins.OSError"), "OSError('no')"),
        ("killed: by somebody", (), "RuntimeError('killed: by somebody')"),
    ],
)
def test_the_exception_is_of_the_class_that_was_raised_or_the_nearest_that_can_be_made(
    run: Run, reason: str, exceptions: tuple[str, ...], seen: str
) -> None:
    body = "@task(on_failure_callback=lambda c: print(repr(c['exception'])))\ndef t(): ...\nt()"
    assert run(body, **_asked(reason=reason, exceptions=exceptions)).log == f"{seen}\n"


def test_a_callback_of_a_success_has_no_exception(run: Run) -> None:
    body = "@task(on_success_callback=lambda c: print('exception' in c))\ndef t(): ...\nt()"
    assert run(body, **_asked("on_success_callback", state="success")).log == "False\n"


@pytest.mark.parametrize("callback", ["lambda c: 1/0", "lambda c: exit(1)"])
def test_one_that_raises_is_recorded_and_the_others_are_called(run: Run, callback: str) -> None:
    result = run(
        f"@task(on_failure_callback=[{callback}, lambda c: print('second')])\ndef t(): ...\nt()", **_asked()
    )
    assert isinstance(result.outcome, Failed)
    assert result.outcome.reason.startswith("on_failure_callback <lambda>() raised ")
    assert "ERROR tradewind.task - The on_failure_callback <lambda>() raised:" in result.log
    assert "second\n" in result.log


def test_one_that_does_not_end_is_ended(run: Run) -> None:
    body = "import time\n@task(on_failure_callback=lambda c: time.sleep(60))\ndef t(): ...\nt()"
    outcome = run(body, timeout=0.05, **_asked()).outcome
    assert "ran longer than the time limit of callbacks of 0.05 s" in outcome.reason


def test_callbacks_of_the_run_see_how_it_ended_and_a_task_of_it(run: Run) -> None:
    arguments = (
        "on_failure_callback=lambda c: print(c['dag_run'].state, c['reason'], c['ti'].task_id, c['ds'])"
    )
    asked = _asked(of_run=True, run_state="failed", reason="timed_out")
    result = run("@task\ndef t(): ...\nt()", dag_arguments=arguments, **asked)
    assert (result.outcome, result.log) == (Succeeded(), "failed timed_out t 2024-06-03\n")


def test_callbacks_of_a_run_without_tasks_do_without(run: Run) -> None:
    arguments = "on_success_callback=lambda c: print(c['dag'].dag_id, c['run_id'], 'ti' in c)"
    asked = _asked("on_success_callback", of_run=True, task_id="")
    assert run("pass", dag_arguments=arguments, task_id="", **asked).log == "d r False\n"


NOTIFIER = """
class Horn(BaseNotifier):
    template_fields = ("message",)
    def __init__(self, message): self.message = message
    def notify(self, context): print("TOOT", self.message); 1 / self.message.count("a")
horn = Horn("{{ ti.task_id }} {{ ti.state }} a")
@task(on_failure_callback=[horn, horn, Horn("{{ nothing }}"), Horn("")])
def t(): ...
t()
"""


def test_notifiers_are_rendered_and_what_they_raise_is_recorded(run: Run) -> None:
    result = run(NOTIFIER, **_asked())
    assert result.log.count("TOOT t failed a\n") == 2
    assert "The on_failure_callback Horn() raised:" in result.log
    assert "the template field <Horn> message cannot be rendered from '{{ nothing }}'" in result.log
    assert "TemplateError" in result.outcome.reason


def test_a_notifier_of_a_run_without_tasks_is_rendered_too(run: Run) -> None:
    body = (
        "class Horn(BaseNotifier):\n    template_fields = ('m',)\n    m = '{{ dag.dag_id }} {{ run_id }}'\n"
    )
    body += "    def notify(self, context): print('TOOT', self.m)\ndag.on_success_callback = Horn()"
    assert run(body, **_asked("on_success_callback", of_run=True, task_id=""), task_id="").log == "TOOT d r\n"


def test_mail_goes_to_the_task_s_address_by_the_notifier_for_mail(run: Run) -> None:
    class Post:
        def get(self, kind: str, name: str) -> Any:
            return lambda to: lambda context: print(kind, name, to, context["ti"].task_id)

    token = components.use(Post())  # type: ignore[arg-type]
    try:
        body = "@task(email='a@example.com')\ndef t(): ...\nt()"
        assert run(body, **_asked("email_on_failure")).log == "notifier smtp a@example.com t\n"
    finally:
        components._current.reset(token)


def test_mail_that_nobody_can_send_says_what_to_install(run: Run) -> None:
    class Nobody:
        def get(self, kind: str, name: str) -> Any:
            raise NotFound(
                kind, name, cure="The package tradewind-smtp brings it: pip install tradewind-smtp."
            )

    token = components.use(Nobody())  # type: ignore[arg-type]
    try:
        outcome = run("@task(email='a@example.com')\ndef t(): ...\nt()", **_asked("email_on_failure")).outcome
        assert "pip install tradewind-smtp" in outcome.reason
    finally:
        components._current.reset(token)


DEADLINE = """
from datetime import timedelta
def plain(context): print("plain", context["deadline"]["name"], context["deadline"]["deadline_time"], context["run_id"])
def given(context, who): print("given", who, context["dag_run"].state)
def alone(who): print("alone", who)
async def later(**kwargs): print("later", kwargs["who"], kwargs["context"]["run_id"])
class Horn(BaseNotifier):
    template_fields = ("message",)
    def __init__(self, message): self.message = message
    def notify(self, context): print("TOOT", self.message)
who = {"who": "ann"}
CALLBACKS = [plain, SyncCallback(given, who), SyncCallback(alone, who), AsyncCallback(later, who),
    AsyncCallback(Horn, {"message": "{{ deadline.deadline_time.year }} {{ dag_run.run_id }}"}), Horn("x"),
    SyncCallback("pipeline.nothing")]
dag.deadline = [DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(0), one, name="n") for one in CALLBACKS]
@task
def t(): ...
t()
"""


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "plain n 2024-06-04 00:00:00+00:00 r\n"),
        (1, "given ann running\n"),
        (2, "alone ann\n"),
        (3, "later ann r\n"),
        (4, "TOOT 2024 r\n"),
        (5, "TOOT x\n"),
    ],
)
def test_a_missed_deadline_calls_its_callback(run: Run, number: int, said: str) -> None:
    due = datetime(2024, 6, 4, tzinfo=UTC)
    assert run(DEADLINE, **_asked("deadline", of_run=True, deadline=number, deadline_at=due)).log == said


def test_a_callback_of_a_deadline_that_cannot_be_found_is_recorded(run: Run) -> None:
    outcome = run(DEADLINE, **_asked("deadline", of_run=True, deadline=6)).outcome
    assert "deadline call() raised" in outcome.reason

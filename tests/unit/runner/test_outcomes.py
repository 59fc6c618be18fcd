"""How an attempt ends, and what its log says about it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tradewind.model.outcomes import Branched, Failed, Skipped, Succeeded

Run = Callable[..., Any]


def test_what_a_task_returns_is_its_output(run: Run) -> None:
    result = run("@task\ndef t(): return {'n': (1, 2)}\nt()")
    assert result.outcome == Succeeded()
    assert result.value() == {"n": (1, 2)}
    assert result.xcoms[0].length == 1


@pytest.mark.parametrize("value", ["0", "''", "False", "[]", "{}"])
def test_falsy_values_are_outputs_too(run: Run, value: str) -> None:
    assert run(f"@task\ndef t(): return {value}\nt()").value() == eval(value)


def test_none_leaves_no_output(run: Run) -> None:
    assert run("@task\ndef t(): pass\nt()").xcoms == ()
    assert run("PythonOperator(task_id='t', python_callable=lambda: 5, do_xcom_push=False)").xcoms == ()


def test_an_error_fails_the_attempt_and_its_traceback_shows_the_authors_code_alone(run: Run) -> None:
    result = run("@task\ndef t():\n    raise KeyError('no\\nsuch city')\nt()")
    assert result.outcome == Failed(
        "KeyError: 'no\\nsuch city'",
        ("builtins.KeyError", "builtins.LookupError", "builtins.Exception", "builtins.BaseException"),
    )
    assert 'File "/srv/dags/pipeline.py", line 6, in t' in result.log
    assert result.log.count('File "') == 1


def test_a_long_message_is_cut_to_one_line(run: Run) -> None:
    outcome = run("@task\ndef t(): raise ValueError('a\\nb' * 1000)\nt()").outcome
    assert len(outcome.reason) == 500
    assert outcome.reason.startswith("ValueError: a ba b")


def test_an_error_whose_message_is_broken_still_fails(run: Run) -> None:
    body = "class E(Exception):\n    def __str__(self): raise TypeError\n@task\ndef t(): raise E\nt()"
    assert run(body).outcome.reason == "E: (its message cannot be shown)"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("import sys; sys.exit(0)", "SystemExit: sys.exit(0) was called; a task ends by returning"),
        ("exit()", "SystemExit: sys.exit() was called"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: the task was interrupted"),
        ("raise MemoryError", "MemoryError"),
        ("t2 = lambda: t2(); t2()", "RecursionError: maximum recursion depth exceeded"),
        ("raise GeneratorExit", "GeneratorExit"),
    ],
)
def test_whatever_is_raised_is_a_failure(run: Run, statement: str, reason: str) -> None:
    outcome = run(f"@task\ndef t():\n    {statement}\nt()").outcome
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith(reason)
    assert outcome.retry == "default"


def test_skip_and_fail_are_asked_for_by_exceptions(run: Run) -> None:
    assert run("@task\ndef t(): raise SkipTask('no news')\nt()").outcome == Skipped("no news")
    outcome = run("@task\ndef t(): raise FailTask('never')\nt()").outcome
    assert (outcome.reason, outcome.retry) == ("FailTask: never", "never")


def test_a_branch_decides_the_outcome_and_keeps_its_output(run: Run) -> None:
    result = run(
        "@task.branch\ndef t(): return 'a'\n@task\ndef a(): pass\n@task\ndef b(): pass\nt() >> [a(), b()]"
    )
    assert isinstance(result.outcome, Branched)
    assert result.outcome.follow == ("a",)
    assert result.value() == "a"


def test_a_task_that_runs_too_long_is_stopped_and_cleans_up(run: Run) -> None:
    body = """
    class Slow(BaseOperator):
        def execute(self, context):
            while True: pass
        def on_kill(self): print("cleaned up")
    Slow(task_id="t")
    """
    result = run(body, timeout=0.05)
    assert result.outcome.reason == "TaskTimeout: ran longer than its execution_timeout of 0.05 s"
    assert "tradewind.errors.TaskTimeout" in result.outcome.exceptions
    assert "cleaned up" in result.log


def test_a_time_limit_leaves_the_timer_of_others_alone(run: Run) -> None:
    delay, before = signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM)
    assert run("@task\ndef t(): return 1\nt()", timeout=60).outcome == Succeeded()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(delay, abs=10)
    assert signal.getsignal(signal.SIGALRM) == before


def test_multiple_outputs_are_xcoms_of_their_own(run: Run) -> None:
    result = run("@task(multiple_outputs=True)\ndef t(): return {'p': 1, 'q': None}\nt()")
    assert {xcom.key: xcom.value for xcom in result.xcoms} == {
        "p": b"1",
        "q": b"null",
        "return_value": b'{"p":1,"q":null}',
    }


@pytest.mark.parametrize(
    ("value", "got"),
    [("[1]", "it returned a list"), ("{1: 2}", "it returned one with the key 1 of type int")],
)
def test_multiple_outputs_of_something_else_is_a_failure(run: Run, value: str, got: str) -> None:
    outcome = run(f"@task(multiple_outputs=True)\ndef t(): return {value}\nt()").outcome
    assert got in outcome.reason


def test_what_cannot_be_kept_fails_naming_place_type_and_cure(run: Run) -> None:
    outcome = run("@task\ndef t(): return {'rows': [1, object()]}\nt()").outcome
    assert "XCom 'return_value' of task 't': $.rows[1] is of type object" in outcome.reason


def test_a_task_that_is_not_in_the_dag_is_a_failure(run: Run) -> None:
    outcome = run("@task\ndef other(): pass\nother()").outcome
    assert outcome.reason.startswith("NotFound: There is no task in DAG 'd' with the id 't'")


def test_hooks_around_execute_are_called_in_order(run: Run) -> None:
    body = """
    PythonOperator(
        task_id="t",
        python_callable=lambda: print("execute") or 3,
        pre_execute=lambda context: print("pre"),
        post_execute=lambda context, result: print("post", result),
        on_execute_callback=lambda context: print("callback"),
        on_success_callback=lambda context: print("not in this process"),
    )
    """
    assert run(body).log.split("\n")[:-1] == ["callback", "pre", "execute", "post 3"]


def test_an_execute_callback_that_fails_changes_nothing(run: Run) -> None:
    result = run("@task(on_execute_callback=lambda c: 1/0)\ndef t(): return 1\nt()")
    assert result.outcome == Succeeded()
    assert "ERROR tradewind.task - The on_execute_callback <lambda>() raised:" in result.log


def test_a_task_that_waited_goes_on_in_the_method_it_named(run: Run) -> None:
    body = """
    class Waiter(BaseOperator):
        def go_on(self, context, event, n): return [event, n]
    Waiter(task_id="t")
    """
    resume = {"method": "go_on", "kwargs": '{"n": 2}', "event": '"fired"'}
    assert run(body, resume=resume).value() == ["fired", 2]


POLICY = """
class Told(RetryPolicy):
    def evaluate(self, exception, try_number, max_tries, context=None):
        print("asked of", type(exception).__name__, try_number, max_tries, context["ti"].task_id)
        return {answer}
@task(retry_policy=Told())
def t(): raise {error}
t()
"""


@pytest.mark.parametrize(
    ("answer", "retry", "delay", "reason"),
    [
        ("RetryDecision.fail('hopeless')", "never", None, "ValueError: x (not tried again: hopeless)"),
        ("RetryDecision.retry(__import__('datetime').timedelta(minutes=2))", "again", 120.0, "ValueError: x"),
        ("RetryDecision.retry(reason='busy')", "again", None, "ValueError: x (busy)"),
        ("RetryDecision.default()", "default", None, "ValueError: x"),
        ("1 / 0", "default", None, "ValueError: x"),
    ],
)
def test_a_retry_policy_judges_the_exception_in_the_task(
    run: Run, answer: str, retry: str, delay: float | None, reason: str
) -> None:
    result = run(POLICY.format(answer=answer, error="ValueError('x')"), try_number=2, max_tries=4)
    assert (result.outcome.retry, result.outcome.retry_delay, result.outcome.reason) == (retry, delay, reason)
    assert result.outcome.exceptions[0] == "builtins.ValueError"
    assert "asked of ValueError 2 4 t\n" in result.log


@pytest.mark.parametrize("error", ["FailTask('x')", "SkipTask('x')"])
def test_a_retry_policy_is_not_asked_where_there_is_nothing_to_decide(run: Run, error: str) -> None:
    assert "asked" not in run(POLICY.format(answer="RetryDecision.retry()", error=error)).log

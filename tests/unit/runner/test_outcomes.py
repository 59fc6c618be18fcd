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
        on_success_callback=[lambda context: print("success", context["ti"].state)],
    )
    """
    assert run(body).log.split("\n")[:-1] == ["callback", "pre", "execute", "post 3", "success success"]


@pytest.mark.parametrize(
    ("statement", "try_number", "called"),
    [
        ("pass", 1, "success"),
        ("raise ValueError('x')", 1, "retry"),
        ("raise ValueError('x')", 2, "failure"),
        ("raise FailTask('x')", 1, "failure"),
        ("raise SkipTask('x')", 1, "skipped"),
    ],
)
def test_the_callback_is_the_one_of_the_state_that_follows(
    run: Run, statement: str, try_number: int, called: str
) -> None:
    callbacks = "".join(
        f"on_{name}_callback=lambda c: print('called {name}', repr(c.get('exception'))),"
        for name in ("success", "failure", "retry", "skipped")
    )
    body = f"@task({callbacks})\ndef t():\n    {statement}\nt()"
    log = run(body, try_number=try_number, max_tries=1).log
    assert log.count("called") == 1
    assert f"called {called}" in log
    assert ("ValueError('x')" in log) == ("ValueError" in statement)


@pytest.mark.parametrize("callback", ["lambda c: 1/0", "lambda c: exit(1)"])
def test_a_callback_that_fails_changes_nothing(run: Run, callback: str) -> None:
    result = run(f"@task(on_success_callback={callback})\ndef t(): return 1\nt()")
    assert result.outcome == Succeeded()
    assert "ERROR tradewind.task - The on_success_callback <lambda>() raised:" in result.log
    assert "ZeroDivisionError" in result.log or "SystemExit: 1" in result.log


def test_callbacks_are_run_for_an_attempt_that_was_killed(run: Run) -> None:
    body = (
        "@task(on_failure_callback=lambda c: print(c['ti'].state, c['exception']))\ndef t(): print('no')\nt()"
    )
    asked = {"callbacks": ["on_failure_callback"], "reason": "killed by signal 9", "state": "failed"}
    result = run(body, kind="callback", callback=asked)
    assert (result.outcome, result.log) == (Succeeded(), "failed killed by signal 9\n")


def test_a_task_that_waited_goes_on_in_the_method_it_named(run: Run) -> None:
    body = """
    class Waiter(BaseOperator):
        def go_on(self, context, event, n): return [event, n]
    Waiter(task_id="t")
    """
    resume = {"method": "go_on", "kwargs": '{"n": 2}', "event": '"fired"'}
    assert run(body, resume=resume).value() == ["fired", 2]

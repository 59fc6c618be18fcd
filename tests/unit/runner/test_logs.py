"""What stands in an attempt's log, and what must not."""

from __future__ import annotations

import base64
import logging
import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tradewind.runner.secrets import Secrets, is_secret_name

Run = Callable[..., Any]


def test_log_lines_have_time_level_and_name_and_prints_stay_plain(run: Run) -> None:
    body = """
    @task
    def t():
        import logging, warnings
        logging.getLogger("mine").info("hello %s", "you")
        logging.getLogger("mine").debug("not shown")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("careful")
        print("plain")
    t()
    """
    out, *lines = run(body).log.splitlines()
    assert out == "plain"
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\] INFO mine - hello you", lines[0])
    assert "WARNING py.warnings - " in lines[1]
    assert "UserWarning: careful" in lines[1]


def test_logging_is_as_it_was_afterwards(run: Run) -> None:
    before = logging.root.handlers[:], logging.root.level, sys.stdout
    run("@task\ndef t(): pass\nt()")
    assert (logging.root.handlers[:], logging.root.level, sys.stdout) == before


def test_secrets_that_a_task_fetched_are_masked_in_all_that_it_writes(run: Run, system: Any) -> None:
    system.connections = {
        "db": {"conn_type": "x", "password": "pa ss/word", "extra": '{"api_key": "k-12345"}'}
    }
    system.variables = {
        "slack_token": "xoxb-777",
        "plain": "visible",
        "js": '{"a": [{"password": "nested-1"}]}',
    }
    body = """
    @task
    def t():
        from urllib.parse import quote
        import logging, sys
        c = BaseHook.get_connection("db")
        Variable.get("js")
        print(c.password, c.get_uri(), c.extra, quote(c.password, safe=""), "nested-1")
        print(Variable.get("plain"), Variable.get("slack_token"), file=sys.stderr)
        logging.info("%s", c.password)
        raise ValueError(c.password)
    t()
    """
    result = run(body)
    for secret in ("pa ss/word", "pa%20ss%2Fword", "k-12345", "xoxb-777", "nested-1"):
        assert secret not in result.log
    assert "visible" in result.log
    assert "ValueError: ***" in result.log
    assert result.outcome.reason == "ValueError: ***"


@pytest.mark.parametrize(
    "form", [str, lambda s: quote(s, safe=""), lambda s: base64.b64encode(s.encode()).decode()]
)
def test_a_secret_is_masked_in_the_forms_it_travels_in(form: Callable[[str], str]) -> None:
    secrets = Secrets()
    secrets.add("p@ss\nsecond line")
    assert secrets.mask(f"<{form('p@ss' + chr(10) + 'second line')}>") == "<***>"
    assert secrets.mask("second line") == "***"


def test_a_short_secret_does_not_garble_the_log() -> None:
    secrets = Secrets()
    secrets.add("a")
    assert secrets.mask("a banana") == "a banana"


@pytest.mark.parametrize(
    ("name", "secret"),
    [("db_password", True), ("API-KEY", True), ("apikey", True), ("monkey", False), ("x", False)],
)
def test_names_tell_what_is_secret(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret

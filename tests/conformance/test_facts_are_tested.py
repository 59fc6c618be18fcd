"""Nothing that was measured is left untested: not a file, and not a case of one."""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from facts import conformance_cases, conformance_folder

_HERE = Path(__file__).parent
#: files that are no lists of cases for these tests, and why
_NOT_FOR_THESE = {"dag_files.json": "whole DAG files, which say `from airflow import`"}


@pytest.fixture(scope="module")
def readers() -> dict[str, list[Callable[[dict[str, Any]], bool]]]:
    """By file: which of its cases each test of it picks."""
    found = defaultdict(list)
    for mark in _marks():
        found[mark.args[0]].append(mark.kwargs.get("only") or (lambda _case: True))
    return found


def _marks() -> Iterator[pytest.Mark]:
    for path in sorted(_HERE.glob("test_*.py")):
        if path == Path(__file__):
            continue
        spec = importlib.util.spec_from_file_location(f"facts_of_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses and templates look themselves up
        spec.loader.exec_module(module)
        for test in vars(module).values():
            marks = getattr(test, "pytestmark", ())
            yield from (mark for mark in marks if mark.name == "facts")


def test_every_case_of_every_file_has_a_test(
    readers: dict[str, list[Callable[[dict[str, Any]], bool]]],
) -> None:
    folder = conformance_folder()
    if folder is None:
        pytest.skip("the folder conformance is not there: set TRADEWIND_CONFORMANCE to it")
    files = {path.name for path in folder.glob("*.json")} - set(_NOT_FOR_THESE)

    untested = {
        file: [
            n for n, case in enumerate(conformance_cases(file)) if not any(it(case) for it in readers[file])
        ]
        for file in files
    }

    assert files
    assert {file: cases for file, cases in untested.items() if cases or not readers[file]} == {}


def test_no_test_waits_for_facts_that_nobody_measured(readers: dict[str, Any]) -> None:
    folder = conformance_folder()
    if folder is None:
        pytest.skip("the folder conformance is not there: set TRADEWIND_CONFORMANCE to it")

    assert [file for file in readers if not (folder / file).is_file()] == []

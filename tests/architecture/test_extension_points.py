"""Every extension point says what it promises, is used, and stays within what plugins can rely on."""

import inspect

import pytest

from tradewind.builtin import plugin as builtin
from tradewind.plugins import specs
from tradewind.plugins.catalogue import KINDS
from tradewind.plugins.markers import discipline_of
from tradewind_example import plugin as example

POINTS = {name: value for name, value in vars(specs).items() if discipline_of(value)}


def test_every_function_among_the_specs_has_a_discipline():
    functions = {
        name for name, value in vars(specs).items() if name.startswith("tradewind_") and callable(value)
    }
    assert functions == set(POINTS)


@pytest.mark.parametrize("name", POINTS)
def test_its_docstring_is_a_contract(name):
    text = inspect.getdoc(POINTS[name])
    assert text.partition("\n")[0].endswith((".", "?"))
    for section in ("Runs in:", "Errors:", ".. versionadded::"):
        assert section in text
    for parameter in inspect.signature(POINTS[name]).parameters:
        assert f":param {parameter}:" in text


@pytest.mark.parametrize("name", POINTS)
def test_its_arguments_are_few_and_seen_by_pluggy(name):
    parameters = inspect.signature(POINTS[name]).parameters.values()
    assert len(parameters) <= 3
    assert all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters)
    assert not inspect.iscoroutinefunction(POINTS[name])
    if discipline_of(POINTS[name]) == "observe":
        assert [parameter.name for parameter in parameters] == ["event"]


@pytest.mark.parametrize("name", POINTS)
def test_the_example_plugin_uses_it(name):
    assert hasattr(getattr(example, name, None), "tradewind_impl")


def test_what_is_registered_can_be_looked_up():
    registering = {name for name in POINTS if name.startswith("tradewind_register_")}
    assert {rule.point for rule in KINDS.values()} == registering


def test_the_core_itself_comes_through_the_same_door():
    implemented = {name for name, value in vars(builtin).items() if hasattr(value, "tradewind_impl")}
    assert implemented
    assert implemented <= set(POINTS)

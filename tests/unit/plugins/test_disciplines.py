"""Collect, decide and observe: who is asked, what comes back, and what a failing plugin does to the others."""

import importlib.util
import logging
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tradewind.errors import PluginError
from tradewind.model.spec import DagSpec
from tradewind.plugins import CliCommand, Component, ConnectionType, Macro, Problem, Setting, hookimpl, specs
from tradewind.plugins.manager import PluginManager


def load_points() -> ModuleType:
    spec = importlib.util.spec_from_file_location("points", Path(__file__).with_name("points.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def manager() -> PluginManager:
    return PluginManager([specs, load_points()])


def plugin(**implementations):
    """An object with these functions, marked, as its extension points."""
    for name, function in implementations.items():
        function.__name__ = name
        hookimpl(function)
    return SimpleNamespace(**implementations)


def fail(*_):
    raise RuntimeError("out of order")


def test_collected_things_carry_their_plugin_in_the_order_of_registration(manager):
    manager.register(plugin(tradewind_name_things=lambda prefix: [prefix + "a", prefix + "b"]), "first")
    manager.register(plugin(tradewind_name_things=lambda: ["c"]), "second")

    collected = manager.collect("tradewind_name_things", str, "x-")

    assert [(one.plugin.name, one.item) for one in collected] == [
        ("first", "x-a"),
        ("first", "x-b"),
        ("second", "c"),
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (fail, "RuntimeError: out of order"),
        (lambda: "text", "iterable of str, not str"),
        (lambda: 5, "iterable of str, not int"),
        (lambda: ["good", 7], "among them is 7"),
    ],
)
def test_a_plugin_that_fails_to_register_is_recorded_and_the_others_go_on(manager, answer, reason):
    manager.register(plugin(tradewind_name_things=answer), "broken")
    manager.register(plugin(tradewind_name_things=lambda: ["good"]), "good")

    collected = manager.collect("tradewind_name_things", str, "")

    assert [one.item for one in collected] == ["good"]
    (problem,) = manager.problems()
    assert "'broken'" in problem
    assert "tradewind_name_things" in problem
    assert reason in problem


def test_a_plugin_may_bring_nothing(manager):
    manager.register(plugin(tradewind_name_things=lambda: None), "shy")

    assert manager.collect("tradewind_name_things", str, "") == []


def test_the_first_answer_decides_and_the_rest_are_not_asked(manager):
    class Last:
        @hookimpl(trylast=True)
        def tradewind_choose(self, among):
            return among[0]

    manager.register(plugin(tradewind_choose=lambda thing: "special" if thing == "odd" else None), "special")
    manager.register(Last(), "core")

    assert manager.decide("tradewind_choose", "odd", ["plain"]) == "special"
    assert manager.decide("tradewind_choose", "even", ["plain"]) == "plain"


def test_a_decision_can_be_wrapped(manager):
    class Wrapper:
        @hookimpl(wrapper=True)
        def tradewind_choose(self, thing):
            return f"[{(yield)}]"

    manager.register(plugin(tradewind_choose=lambda thing: thing), "inner")
    manager.register(Wrapper(), "outer")

    assert manager.decide("tradewind_choose", "a", []) == "[a]"


def test_an_exception_in_a_decision_reaches_the_caller(manager):
    manager.register(plugin(tradewind_choose=fail), "broken")

    with pytest.raises(RuntimeError, match="out of order"):
        manager.decide("tradewind_choose", "a", [])


def test_a_failing_observer_is_logged_by_name_and_hides_nothing_from_the_others(manager, caplog):
    seen = []
    manager.register(plugin(tradewind_on_thing=fail), "broken")
    manager.register(plugin(tradewind_on_thing=lambda event: seen.append(event)), "good")

    with caplog.at_level(logging.ERROR):
        manager.notify("tradewind_on_thing", "happened")

    assert seen == ["happened"]
    assert "'broken'" in caplog.text


@pytest.mark.parametrize(
    "call",
    [
        lambda manager: manager.collect("tradewind_choose", str),
        lambda manager: manager.decide("tradewind_on_thing", 1),
        lambda manager: manager.notify("tradewind_name_things", 1),
        lambda manager: manager.notify("tradewind_unheard_of", 1),
    ],
)
def test_a_point_is_called_by_its_own_discipline_only(manager, call):
    with pytest.raises(PluginError, match=r"discipline is|no such extension point"):
        call(manager)


def test_a_name_that_two_plugins_bring_is_an_error_naming_both_and_others_still_work():
    manager = PluginManager()
    manager.register(
        plugin(
            tradewind_register_executors=lambda: [
                Component("same", "json:loads"),
                Component("a", "json:loads"),
            ]
        ),
        "one",
    )
    manager.register(plugin(tradewind_register_executors=lambda: [Component("same", "json:dumps")]), "two")

    with pytest.raises(PluginError, match=r"executor 'same' is brought by plugin 'one' and plugin 'two'"):
        manager.get("executor", "same")

    assert manager.names("executor") == ["a", "same"]
    assert "'one' and plugin 'two'" in manager.problems()[0]


def test_a_component_of_the_wrong_class_is_refused():
    manager = PluginManager()
    manager.register(plugin(tradewind_register_executors=lambda: [Component("odd", "json:loads")]), "acme")

    with pytest.raises(PluginError, match=r"not a class derived from tradewind\.ports\.executor\.Executor"):
        manager.get("executor", "odd")


def test_macros_stand_below_their_plugins_name():
    manager = PluginManager()
    manager.register(plugin(tradewind_register_macros=lambda: [Macro("shout", "string:capwords")]), "acme")

    assert manager.names("macro") == ["acme.shout"]
    assert manager.get("macro", "acme.shout")("hello there") == "Hello There"
    assert manager.macros() == {"acme": {"shout": "string:capwords"}}


def test_settings_commands_and_connection_types_are_listed_as_data():
    manager = PluginManager()
    retries = Setting(section="acme", key="retries", default=3, type="integer")
    greet = CliCommand("greet", "acme:greet")
    system = ConnectionType(name="acme", label="Acme", default_port=80)
    manager.register(
        plugin(
            tradewind_register_settings=lambda: [retries],
            tradewind_register_commands=lambda: [greet],
            tradewind_register_connection_types=lambda: [system],
        ),
        "acme",
    )

    assert [one.item for one in manager.settings()] == [retries]
    assert [one.item for one in manager.commands()] == [greet]
    assert manager.get("connection_type", "acme") is system


def test_findings_on_a_dag_carry_their_plugin_and_a_failing_check_is_a_finding_itself():
    manager = PluginManager()
    manager.register(
        plugin(tradewind_check_dag=lambda dag: [Problem(message=f"{dag.dag_id} has no owner")]), "policy"
    )
    manager.register(plugin(tradewind_check_dag=fail), "broken")

    findings = manager.check_dag(DagSpec(dag_id="d"))

    assert [(one.plugin.name, one.item.severity) for one in findings] == [
        ("policy", "error"),
        ("broken", "warning"),
    ]
    assert findings[0].item.message == "d has no owner"
    assert "out of order" in findings[1].item.message


@pytest.mark.parametrize("target", ["os", "os:", ":path", "os path:x", "os:path()", 5])
def test_a_target_that_is_no_name_is_refused_at_once(target):
    with pytest.raises(PluginError, match=r"'package\.module:attribute'"):
        Component("a", target)


@pytest.mark.parametrize("name", ["", "two words", "-x", None])
def test_a_name_that_cannot_be_typed_is_refused(name):
    with pytest.raises(PluginError, match=r"a name begins with a letter"):
        Component(name, "os:path")


def test_a_kind_that_nothing_can_bring_has_no_names():
    assert PluginManager().names("no_such_kind") == []

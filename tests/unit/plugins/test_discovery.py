"""Plugins that are installed are found, and one that is broken hurts nobody else."""

import sys

import pytest

from tradewind.errors import NotFound, PluginError
from tradewind.plugins.manager import PluginManager, PluginReport, discover

EXECUTOR = """
from tradewind.plugins import Component, hookimpl

@hookimpl
def tradewind_register_executors():
    return [Component("{name}", "acme_heavy:Acme", "runs things at Acme")]
"""


def report_of(manager: PluginManager, name: str) -> PluginReport:
    (found,) = [report for report in manager.describe() if report.name == name]
    return found


def test_an_installed_plugin_is_listed_with_its_version_and_what_it_brings(install):
    install("acme", EXECUTOR.format(name="acme"), version="2.5")

    manager = discover({})

    report = report_of(manager, "acme")
    assert (report.distribution, report.version, report.status) == ("tradewind-acme", "2.5", "loaded")
    assert report.brings == {"executor": ["acme"]}
    assert report.points == ("tradewind_register_executors",)
    assert "acme" in manager.names("executor")


def test_listing_imports_no_component(install):
    install("acme", EXECUTOR.format(name="acme"))

    manager = discover({})
    manager.describe()
    manager.names("executor")

    assert "acme_heavy" not in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import kombu_that_is_not_there", "ModuleNotFoundError: No module named 'kombu_that_is_not_there'"),
        ("def broken(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "implements no extension point"),
        ("def tradewind_register_executors(): return []", "tradewind_register_executors is not marked"),
        (
            "from tradewind.plugins import hookimpl\n@hookimpl\ndef tradewind_register_executor(): return []",
            "did you mean tradewind_register_executors?",
        ),
        (
            "from tradewind.plugins import hookimpl\n@hookimpl\ndef tradewind_register_executors(app): return []",
            "'app'",
        ),
        (
            "from tradewind.plugins import hookimpl\n@hookimpl(specname='tradewind_register_macros')\ndef m(): return []",
            "uses specname=",
        ),
        (
            "from tradewind.plugins import hookimpl\n@hookimpl(hookwrapper=True)\n"
            "def tradewind_register_macros(): yield",
            "uses hookwrapper=",
        ),
        (
            "from tradewind.plugins import hookimpl\n@hookimpl(wrapper=True)\n"
            "def tradewind_register_macros(): return (yield)",
            "cannot be wrapped",
        ),
        (
            "from tradewind.plugins import hookimpl\n@hookimpl\nasync def tradewind_register_macros(): return []",
            "is async",
        ),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_with_the_reason_and_the_others_work(install, source, reason):
    install("acme", EXECUTOR.format(name="acme"))
    install("broken", source, version="0.2.1")

    manager = discover({})

    report = report_of(manager, "broken")
    assert report.status == "failed"
    assert reason in report.failures[0]
    assert "'broken' (tradewind-broken 0.2.1)" in report.failures[0]
    assert report.brings == {}
    assert "acme" in manager.names("executor")


def test_a_half_registered_plugin_brings_nothing(install):
    good_then_bad = (
        "from tradewind.plugins import Component, hookimpl\n"
        "@hookimpl\ndef tradewind_register_executors(): return [Component('half', 'a:b')]\n"
        "@hookimpl\ndef tradewind_register_macros(nonsense): return []\n"
    )
    install("half", good_then_bad)

    manager = discover({})

    assert report_of(manager, "half").status == "failed"
    assert "half" not in manager.names("executor")


def test_an_entry_point_to_a_class_says_what_to_announce_instead(install):
    install("acme", "class Plugin: pass", value="acme_plugin:Plugin")

    failure = report_of(discover({}), "acme").failures[0]

    assert "Plugin is a class; announce a module, or an instance of the class" in failure


def test_an_entry_point_to_nowhere_is_a_failure(install):
    install("acme", "", value="acme_plugin:nothing")

    assert "nothing" in report_of(discover({}), "acme").failures[0]


def test_two_plugins_of_one_name_keep_the_first_and_name_both(install):
    install("acme", EXECUTOR.format(name="one"), distribution="tradewind-acme")
    install("acme", EXECUTOR.format(name="two"), distribution="tradewind-other")

    manager = discover({})

    failed = [report for report in manager.describe() if report.name == "acme" and report.status == "failed"]
    assert [report.distribution for report in failed] == ["tradewind-other"]
    assert "taken already by plugin 'acme' (tradewind-acme 1.0)" in failed[0].failures[0]
    assert "one" in manager.names("executor")
    assert "two" not in manager.names("executor")


def test_plugins_are_left_out_by_name(install):
    install("acme", EXECUTOR.format(name="acme"))
    install("broken", "import nothing_of_that_name")

    manager = discover({"TRADEWIND_DISABLE_PLUGINS": "broken, acme"})

    assert report_of(manager, "acme").status == "disabled"
    assert report_of(manager, "broken").status == "disabled"
    assert "acme_plugin" not in sys.modules
    assert manager.problems() == []


def test_without_autoload_there_is_only_what_the_core_brings(install):
    install("acme", EXECUTOR.format(name="acme"))

    manager = discover({"TRADEWIND_PLUGIN_AUTOLOAD": "0"})

    assert [report.name for report in manager.describe()] == ["builtin"]


def test_the_core_comes_first_and_the_others_by_name(install):
    install("zebra", EXECUTOR.format(name="zebra"))
    install("ant", EXECUTOR.format(name="ant"))

    names = [report.name for report in discover({}).describe()]

    assert names[0] == "builtin"
    assert names[1:] == sorted(names[1:])


def test_damaged_metadata_keeps_nobody_from_working(install, tmp_path):
    install("acme", EXECUTOR.format(name="acme"))
    (tmp_path / "tradewind_acme-1.0.dist-info" / "METADATA").unlink()

    manager = discover({})

    assert "acme" in manager.names("executor")


def test_what_is_missing_is_explained_by_the_failed_plugin(install):
    install("celery", "import kombu_that_is_not_there", version="0.2.1")

    with pytest.raises(NotFound) as caught:
        discover({}).get("executor", "celery")

    message = str(caught.value)
    assert "There is no executor 'celery'" in message
    assert "'celery' (tradewind-celery 0.2.1) failed" in message
    assert "kombu_that_is_not_there" in message
    assert "pip install" not in message  # it is installed; that is not what is wrong
    assert "tradewind plugins list" in message


def test_what_is_missing_names_the_package_that_brings_it_and_what_there_is(install):
    install("acme", EXECUTOR.format(name="acme"))

    with pytest.raises(NotFound, match="pip install tradewind-celery") as caught:
        discover({}).get("executor", "celery")

    assert "Available: acme" in str(caught.value)


def test_a_misspelt_name_gets_the_close_ones(install):
    install("acme", EXECUTOR.format(name="acme"))

    with pytest.raises(NotFound, match="Did you mean 'acme'"):
        discover({}).get("executor", "acne")


def test_a_component_whose_module_is_missing_says_which(install):
    install("acme", EXECUTOR.format(name="acme"))

    with pytest.raises(PluginError, match=r"executor 'acme' of plugin 'acme'.*needs the module 'acme_heavy'"):
        discover({}).get("executor", "acme")


def test_a_strict_manager_raises_at_once():
    with pytest.raises(PluginError, match="implements no extension point"):
        PluginManager(strict=True).register(object(), "empty")


def test_all_that_the_core_brings_can_be_imported():
    manager = discover({"TRADEWIND_PLUGIN_AUTOLOAD": "0"})
    (report,) = manager.describe()

    assert manager.problems() == []
    for kind, names in report.brings.items():
        for name in names:
            assert manager.get(kind, name) is not None

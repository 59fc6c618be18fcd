"""The plugin loads, and everything that it lists can be imported."""

from tradewind.plugins.manager import PluginManager
from tradewind_smtp import plugin


def test_everything_it_lists_can_be_imported():
    manager = PluginManager(strict=True)
    manager.register(plugin, "smtp")

    (report,) = manager.describe()

    for kind, names in report.brings.items():
        for name in names:
            assert manager.get(kind, name) is not None

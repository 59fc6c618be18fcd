"""The pytest plugin costs those who do not use it nothing."""

from __future__ import annotations

import subprocess
import sys


def test_loading_the_plugin_imports_nothing_but_pytest() -> None:
    script = (
        "import sys, pytest; before = set(sys.modules); import tradewind.testing.plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['tradewind', 'tradewind.testing', 'tradewind.testing.plugin']"


def test_every_public_name_is_there() -> None:
    import tradewind.testing as kit

    assert all(getattr(kit, name) for name in kit.__all__)
    assert set(kit.__all__) <= set(dir(kit))

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from inline_world import InlineWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[InlineWorld]:
    made = InlineWorld(tmp_path, max_map_length=50)
    yield made
    made.close()

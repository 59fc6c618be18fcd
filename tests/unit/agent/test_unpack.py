from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradewind.agent.unpack import keep, link_rest, manifest_hash, prune, unpack
from tradewind.errors import TradewindError
from tradewind.model.order import VersionBundle


def bundle(**files: bytes) -> VersionBundle:
    return VersionBundle(
        version_id="v", dag_id="d", folder="/dags", file="dag.py", files=(("dag.py", b"1"), *files.items())
    )


def test_files_stand_below_the_cache_and_cannot_be_written(tmp_path: Path) -> None:
    folder = Path(unpack(bundle(**{"sql/q.sql": b"select 1"}), str(tmp_path)))
    assert (folder / "sql" / "q.sql").read_bytes() == b"select 1"
    assert (folder / "dag.py").stat().st_mode & 0o222 == 0
    assert unpack(bundle(**{"sql/q.sql": b"select 1"}), str(tmp_path)) == str(folder)
    assert os.listdir(tmp_path) == [folder.name]


def test_files_that_nobody_keeps_are_removed(tmp_path: Path) -> None:
    used, unused = Path(unpack(bundle(), str(tmp_path))), Path(unpack(bundle(a=b"1"), str(tmp_path)))
    for folder in (used, unused):
        os.utime(folder, (1000, 1000))
    keep(str(used))
    assert prune(str(tmp_path), oldest=2000) == [unused.name]
    assert (used / "dag.py").exists()
    assert not unused.exists()
    assert prune(str(tmp_path / "nowhere"), oldest=2000) == []


def test_other_contents_have_another_folder() -> None:
    assert len({manifest_hash(bundle()), manifest_hash(bundle(a=b"1")), manifest_hash(bundle(a=b"2"))}) == 3


@pytest.mark.parametrize("path", ["../x.py", "/etc/x.py", "a/../../x.py", "a\\b.py", "", "nul\0.py"])
def test_no_file_leaves_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(TradewindError, match="leaves its folder"):
        unpack(bundle(**{path: b""}), str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_a_version_without_its_own_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TradewindError, match="lacks its own file"):
        unpack(VersionBundle(version_id="v", dag_id="d", folder="/dags", file="dag.py"), str(tmp_path))


def test_what_is_not_bundled_is_linked_and_nothing_bundled_is_replaced(tmp_path: Path) -> None:
    original = tmp_path / "dags"
    (original / "__pycache__").mkdir(parents=True)
    (original / "data.csv").write_text("data")
    (original / "dag.py").write_text("edited since")
    folder = Path(unpack(bundle(), str(tmp_path / "cache")))
    link_rest(str(folder), str(original), ("dag.py",))
    link_rest(str(folder), str(original), ("dag.py",))
    assert (folder / "data.csv").read_text() == "data"
    assert (folder / "dag.py").read_bytes() == b"1"
    assert not (folder / "__pycache__").exists()

"""The files of a DAG version, unpacked once below the cache folder, where templates and spares import them from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from tradewind.errors import TradewindError
from tradewind.model.order import VersionBundle

_NOT_LINKED = {"__pycache__"}


def unpack(bundle: VersionBundle, cache_folder: str) -> str:
    """Have the files of a version on disk; the folder that holds them.

    The same files are unpacked once, whatever versions they belong to. Whatever else stands in the original folder (data
    beside the DAG file, say) is linked beside them as long as that folder exists on this machine.

    :raises TradewindError: where the bundle names a path outside its folder, or lacks the DAG's file.
    """
    for path, _ in bundle.files:
        check_inside(path)
    if check_inside(bundle.file) not in {path for path, _ in bundle.files}:
        raise TradewindError(
            f"Version {bundle.version_id} of {bundle.dag_id!r} lacks its own file {bundle.file!r}."
        )
    folder = Path(cache_folder, manifest_hash(bundle))
    if not folder.is_dir():
        _unpack_into(bundle, folder)
    keep(str(folder))
    return str(folder)


def keep(folder: str) -> None:
    """Note that the unpacked files are needed still."""
    try:
        os.utime(folder)
    except OSError:
        pass  # gone, or not ours to touch


def prune(cache_folder: str, oldest: float) -> list[str]:
    """Remove what nobody has kept since ``oldest``, in seconds since 1970, and what a killed agent left half unpacked.

    :returns: the folders that were removed.
    """
    removed = []
    try:
        entries = list(os.scandir(cache_folder))
    except OSError:
        return []
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False) and entry.stat().st_mtime < oldest:
                shutil.rmtree(entry.path)
                removed.append(entry.name)
        except OSError:
            continue  # somebody else removes it, or it is not ours
    return removed


def check_inside(path: str) -> str:
    """The path, if it stays below the folder that it is relative to.

    :raises TradewindError: where it does not.
    """
    parts = path.split("/")
    if not path or path[0] == "/" or ".." in parts or "\0" in path or "\\" in path or path in (".", "./"):
        raise TradewindError(
            f"The path {path!r} leaves its folder; only relative paths without '..' are taken."
        )
    return path


def manifest_hash(bundle: VersionBundle) -> str:
    """What the files are, and where they come from, in 40 hexadecimal digits."""
    digest = hashlib.sha256(bundle.folder.encode())
    for path, content in sorted(bundle.files):
        digest.update(b"\0" + path.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:40]


def link_rest(folder: str, original: str, bundled: tuple[str, ...]) -> None:
    """Link what stands in the original folder and not among the bundled files, so that code finds its data beside itself."""
    folders = {parent for path in bundled for parent in PurePosixPath(path).parents}
    for relative in folders:
        try:
            entries = os.listdir(os.path.join(original, relative))
        except OSError:
            continue  # the original is on another machine, or gone
        for name in entries:
            if name not in _NOT_LINKED and not name.endswith(".pyc"):
                _link(os.path.join(original, relative, name), os.path.join(folder, relative, name))


def _link(target: str, place: str) -> None:
    try:
        os.symlink(target, place)
    except FileExistsError:
        pass  # bundled, or linked before
    except OSError:
        return  # a cache that cannot be written to has its bundled files all the same


def _unpack_into(bundle: VersionBundle, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name[:12]}-"))
    try:
        for path, content in bundle.files:
            place = fresh / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            place.chmod(0o444)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another agent has unpacked the same meanwhile
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)

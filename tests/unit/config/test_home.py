"""The home folder: found, made for its owner alone, and clear words where it cannot be."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from tradewind.config.home import Home, find_home
from tradewind.errors import ConfigError


def test_what_is_given_goes_before_the_variable_and_that_before_the_default(tmp_path: Path) -> None:
    environ = {"HOME": "/users/me", "TRADEWIND_HOME": "/srv/tw"}
    assert find_home(tmp_path, environ).path == tmp_path
    assert find_home(None, environ).path == Path("/srv/tw")
    assert find_home(None, {"HOME": "/users/me"}).path == Path("/users/me/tradewind")
    assert find_home(None, {"HOME": "/users/me", "TRADEWIND_HOME": ""}).path == Path("/users/me/tradewind")


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home(None, {"TRADEWIND_HOME": "here/../there"}).path == tmp_path / "there"


def test_folders_are_made_for_their_owner_alone_and_making_them_again_is_fine(tmp_path: Path) -> None:
    home = Home(tmp_path / "new" / "Ünï cödé")
    home.create()
    home.create()
    for folder in (home.path, home.dags, home.logs, home.xcom, home.versions, home.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    assert not home.config_file.exists()
    assert not home.database.exists()


def test_a_socket_fits_however_long_the_homes_path_is(tmp_path: Path) -> None:
    deep = tmp_path
    while len(str(deep)) < 200:
        deep /= "a-folder-with-quite-a-long-name"
    home, other = Home(deep), Home(deep / "b")
    home.create()
    assert home.run != other.run
    path = home.run / ("agent-" + "x" * 34)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    path.unlink()
    home.run.rmdir()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    home = Home(deep)
    home.run.symlink_to(tmp_path)
    try:
        with pytest.raises(ConfigError, match="belongs to somebody else"):
            home.create()
    finally:
        home.run.unlink()


def test_a_socket_folder_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir(mode=0o755)
    os.chmod(home.run, 0o755)
    home.create()
    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700


def test_a_file_in_place_of_the_home_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(
        ConfigError, match=r"is a file, but Tradewind's home must be a folder.*TRADEWIND_HOME"
    ):
        find_home(path, {})


def test_a_file_in_place_of_a_folder_in_the_home_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(ConfigError, match="logs is a file"):
        Home(tmp_path).create()


def test_a_home_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be made or written to.*TRADEWIND_HOME"):
        Home(tmp_path / "file" / "home").create()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="cannot be made or written to"):
        Home(tmp_path / "home").create()


def test_a_read_only_file_system_is_told_to_root_too() -> None:
    with pytest.raises(ConfigError, match=r"cannot be made or written to.*TRADEWIND_HOME"):
        Home(Path("/proc/tradewind")).create()


def test_a_nul_in_the_homes_name_is_told() -> None:
    with pytest.raises(ConfigError, match="NUL"):
        find_home(None, {"TRADEWIND_HOME": "a\0b"})

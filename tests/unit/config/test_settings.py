"""Settings: where they come from, and clear words where they cannot be understood."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tradewind.config.settings import Settings, load
from tradewind.errors import ConfigError, NotFound


def write(home: Path, content: str | bytes) -> None:
    (home / "tradewind.toml").write_bytes(content if isinstance(content, bytes) else content.encode())


def read(home: Path, **environ: str) -> Settings:
    return load(home, {f"TRADEWIND__{name}": value for name, value in environ.items()})


def test_without_file_and_environment_there_are_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.core.dags_folder == tmp_path / "dags"
    assert settings.logs.folder == tmp_path / "logs"
    assert settings.core.parallelism >= 2
    assert settings.core.dags_paused_at_creation is True
    assert settings.database.synchronous == "NORMAL"
    assert settings.database_address == tmp_path / "tradewind.db"
    assert settings.warnings == ()
    assert list(tmp_path.iterdir()) == []  # looking creates nothing


def test_the_file_goes_before_defaults_and_the_environment_before_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        '# mine\n[core]\nparallelism = 7\nexecutor = "celery"\ndags_folder = "pipelines"\n\n'
        "[importing]\nrefresh_seconds = 60\n",
    )
    settings = read(tmp_path, CORE__PARALLELISM="9", CORE__DAGS_PAUSED_AT_CREATION="no")
    assert (settings.core.parallelism, settings.core.executor) == (9, "celery")
    assert settings.core.dags_folder == tmp_path / "pipelines"
    assert settings.importing.refresh_seconds == 60.0
    assert settings.core.dags_paused_at_creation is False
    told = {value.name: (value.value, value.source) for value in settings.describe()}
    assert told["core.parallelism"] == ("9", "$TRADEWIND__CORE__PARALLELISM")
    assert told["core.executor"] == ("celery", f"{tmp_path / 'tradewind.toml'}:4")
    assert told["importing.refresh_seconds"] == ("60.0", f"{tmp_path / 'tradewind.toml'}:8")
    assert told["database.synchronous"] == ("NORMAL", "default")


def test_every_setting_says_what_it_is_for(tmp_path: Path) -> None:
    for value in read(tmp_path).describe():
        assert value.description.endswith("."), value
        assert value.default, value
        assert value.variable == "TRADEWIND__" + value.name.upper().replace(".", "__")


@pytest.mark.parametrize(
    ("content", "line", "told"),
    [
        ("[core]\nparalelism = 3", 2, r"no setting 'paralelism' in \[core\]. Did you mean parallelism\?"),
        ("[core]\n\n[databse]\nurl = 'x'", 4, r"no section \[databse\]. Did you mean database\?"),
        ("[core]\nparallelism = '3'", 2, r"core.parallelism is '3', and must be a whole number"),
        ("[core]\nparallelism = true", 2, "must be a whole number"),
        ("[core]\nparallelism = 0", 2, "core.parallelism is 0, and must be at least 1"),
        ("[core]\ndags_paused_at_creation = 1", 2, "must be true or false"),
        ("[core]\nexecutor = 1", 2, "must be text in double quotes"),
        ("[importing]\nrefresh_seconds = nan", 2, "must be at least"),
        ("[importing]\nrefresh_seconds = inf", 2, "must be at least"),
        ("[database]\nsynchronous = 'SOMETIMES'", 2, "must be NORMAL or FULL"),
        ("[core]\ndefault_timezone = 'Mars/Base'", 2, "IANA name"),
        ("[core]\ndefault_timezone = '../../etc'", 2, "IANA name"),
        ("[core]\ndags_folder = ''", 2, "is no path"),
        ("\nparallelism = 3", 2, "'parallelism' stands outside of a section"),
        ("[core]\na = 1\n[core]\n", 3, "this is not TOML"),
        ("[core]\nparallelism = \n", 2, "this is not TOML"),
        ("[core]\nexecutor = 'caf\xe9'".encode("latin-1"), 2, "not UTF-8"),
    ],
)
def test_what_cannot_be_understood_is_told_with_file_and_line(
    tmp_path: Path, content: str | bytes, line: int, told: str
) -> None:
    write(tmp_path, content)
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'tradewind.toml'}:{line}:")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CORE__PARALLELISM", "many", "is 'many', and must be a whole number"),
        ("CORE__PARALLELISM", "1.5", "must be a whole number"),
        ("CORE__PARALLELISM", "-1", "must be at least 1"),
        ("CORE__DAGS_PAUSED_AT_CREATION", "maybe", "must be true or false"),
        ("IMPORTING__TIMEOUT_SECONDS", "nan", "must be at least"),
        ("TASKS__ISOLATION", "vm", "must be auto or fork or spare"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path, name: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        read(tmp_path, **{name: value})
    assert str(caught.value).startswith(f"$TRADEWIND__{name}: ")


@pytest.mark.parametrize("text", ["true", "YES", "on", "1", " True "])
def test_a_truth_may_be_written_in_several_ways(tmp_path: Path, text: str) -> None:
    write(tmp_path, "[core]\ndags_paused_at_creation = false")
    assert read(tmp_path, CORE__DAGS_PAUSED_AT_CREATION=text).core.dags_paused_at_creation is True


def test_variables_that_are_no_settings_are_warned_of(tmp_path: Path) -> None:
    settings = read(tmp_path, CORE__PARALELISM="3", CORE__EXECUTOR="", NONSENSE="x")
    assert [warning.split(" ")[0] for warning in settings.warnings] == [
        "$TRADEWIND__CORE__EXECUTOR",
        "$TRADEWIND__CORE__PARALELISM",
        "$TRADEWIND__NONSENSE",
    ]
    assert "is empty" in settings.warnings[0]
    assert "Did you mean TRADEWIND__CORE__PARALLELISM?" in settings.warnings[1]
    assert settings.core.executor == "local"


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path, b"\xef\xbb\xbf[core]\r\nparallelism = 3\r\n")
    assert read(tmp_path).core.parallelism == 3


def test_dotted_and_quoted_keys_are_settings_too(tmp_path: Path) -> None:
    write(tmp_path, 'core.parallelism = 3\ncore."executor" = "x"\n[ tasks ]\n"kill_grace_seconds"=1\n')
    settings = read(tmp_path)
    assert (settings.core.parallelism, settings.core.executor) == (3, "x")
    sources = {value.name: value.source.rpartition(":")[2] for value in settings.describe()}
    assert (sources["core.parallelism"], sources["core.executor"]) == ("1", "2")
    assert sources["tasks.kill_grace_seconds"] == "4"


def test_passwords_are_shown_nowhere(tmp_path: Path) -> None:
    url = "postgresql://me:hunter2@host/db"
    settings = read(tmp_path, DATABASE__URL=url)
    assert settings.database_address == url
    told = next(value for value in settings.describe() if value.name == "database.url")
    assert told.value == "postgresql://me:***@host/db"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.describe())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", "HOME/tradewind.db"),
        ("sqlite:///other.db", "HOME/other.db"),
        ("sqlite:////var/x.db", "/var/x.db"),
        ("sqlite://", "sqlite://"),
        ("mysql://u@h/d", "mysql://u@h/d"),
    ],
)
def test_a_relative_database_lies_below_the_home(tmp_path: Path, url: str, address: str) -> None:
    write(tmp_path, f"[database]\nurl = '{url}'")
    assert str(read(tmp_path).database_address) == address.replace("HOME", str(tmp_path))


def test_a_file_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "tradewind.toml").mkdir()
    with pytest.raises(ConfigError, match=r"tradewind\.toml cannot be read"):
        read(tmp_path)


def test_a_setting_is_looked_up_by_its_name(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.get("xcom.inline_limit_kib") == 64
    with pytest.raises(NotFound, match=r"Did you mean 'core.parallelism'"):
        settings.get("core.paralellism")


@dataclass(frozen=True)
class Brought:
    """A plugin's setting."""

    section: str = "celery"
    key: str = "broker"
    default: str | int | float | bool | None = None
    type: Literal["text", "integer", "number", "boolean"] = "text"
    doc: str = "Address of the broker."
    secret: bool = True


def test_settings_of_plugins_are_read_like_the_cores(tmp_path: Path) -> None:
    write(tmp_path, '[celery]\nbroker = "redis://:pw@h"')
    settings = load(tmp_path, {}, [Brought()])
    assert settings.get("celery.broker") == "redis://:pw@h"
    told = settings.describe()[-1]
    assert (told.name, told.value, told.description) == (
        "celery.broker",
        "redis://:***@h",
        "Address of the broker.",
    )
    assert load(tmp_path, {"TRADEWIND__CELERY__BROKER": "x"}, [Brought()]).get("celery.broker") == "x"
    with pytest.raises(ConfigError, match=r"no section \[celery\]"):
        load(tmp_path, {}, [])
    assert load(tmp_path, {}, None).core.executor == "local"  # whose plugins are not known


def test_reading_settings_imports_no_database(tmp_path: Path) -> None:
    code = (
        "import sys; from tradewind.config.settings import load; from pathlib import Path;"
        f"load(Path({str(tmp_path)!r}), {{}}).describe();"
        "print({'sqlalchemy', 'msgspec', 'zoneinfo', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"

"""The command line as a process: what it costs, and what it does with the streams and the environment that it finds."""

from __future__ import annotations

import json
import os
import pty
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

#: packages that cost more than the help of a command may
HEAVY = (
    "sqlalchemy",
    "alembic",
    "pluggy",
    "rich",
    "jinja2",
    "pendulum",
    "croniter",
    "cryptography",
    "msgspec",
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TRADEWIND")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "TRADEWIND_HOME": str(tmp_path / "home")}


def call(environ: dict[str, str], *words: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tradewind", *words],
        env=environ,
        capture_output=True,
        timeout=60,
        check=False,
        **more,
    )  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize(
    "words", [["--help"], ["dags", "--help"], ["run", "--help"], ["tasks", "logs", "--help"], ["version"]]
)
def test_help_and_version_load_nothing_heavy(environ: dict[str, str], words: list[str]) -> None:
    code = (
        "import sys; from tradewind.cli.main import main; code = main(sys.argv[1:]); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "[]")


def test_the_help_takes_less_than_a_tenth_of_a_second_of_work(environ: dict[str, str]) -> None:
    call(environ, "--help")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert call(environ, "--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.1


def test_a_pipe_that_is_closed_early_is_no_error(environ: dict[str, str]) -> None:
    call(environ, "db", "migrate")
    for words in (["config", "list"], ["completion", "bash"], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        ended = subprocess.run(
            [sys.executable, "-m", "tradewind", *words],
            env=environ,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        os.close(writer)
        assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["config", "list"], ["config", "list", "--output", "json"], ["--help"]])
def test_a_full_disk_behind_stdout_is_told(words: list[str], environ: dict[str, str]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "tradewind", *words],
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert b"No space left" in ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "tr_TR.UTF-8"},
        {"TZ": "Nowhere/Land"},
    ],
)
def test_any_locale_will_do(environ: dict[str, str], locale: dict[str, str]) -> None:
    given = {**environ, **locale}
    assert call(given, "variables", "set", "city", "Malmö 日本").returncode == 0
    for output in ("table", "json", "yaml", "plain"):
        ended = call(given, "variables", "list", "--output", output)
        assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False)
    (found,) = json.loads(call(given, "variables", "list", "-o", "json").stdout)
    assert (found["key"], found["value"]) == ("city", "Malmö 日本")


def test_an_argument_that_is_no_text_is_refused(environ: dict[str, str]) -> None:
    ended = call(environ, "variables", "set", "city", os.fsdecode(b"Malm\xf6"))
    assert ended.returncode == 2
    assert b"is not UTF-8 text" in ended.stderr


def on_terminal(environ: dict[str, str], *words: str, columns: int = 80) -> tuple[int, str]:
    """Run with all three streams on a terminal of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tradewind", *words],
        env={**environ, "COLUMNS": str(columns), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    written = bytearray()

    def read() -> None:
        try:
            while piece := os.read(ours, 4096):
                written.extend(piece)
        except OSError:
            return  # the other end is closed

    reader = threading.Thread(target=read)
    reader.start()
    code = process.wait(60)
    reader.join(10)
    os.close(ours)
    return code, written.decode()


def test_a_table_is_cut_to_the_terminal_and_plain_columns_are_not(environ: dict[str, str]) -> None:
    code, text = on_terminal(environ, "config", "list", columns=60)
    assert code == 0
    assert max(map(len, text.replace("\r", "").splitlines())) <= 60
    _, text = on_terminal(environ, "config", "list", "-o", "plain", columns=60)
    assert max(map(len, text.splitlines())) > 60


def test_byte_code_is_cached_even_where_that_was_switched_off(
    environ: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import os, sys; sys.argv = ['tradewind', 'version']; from tradewind.cli.main import main; main(); "
        "print(sys.dont_write_bytecode, 'PYTHONDONTWRITEBYTECODE' in os.environ)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout.splitlines()[-1] == "False False"


def plugin(folder: Path, code: str) -> None:
    """Install a plugin of one module."""
    info = folder / "tradewind_greeter-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tradewind-greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tradewind]\ngreeter = greeter_plugin\n")
    (folder / "greeter_plugin.py").write_text(code)


def test_a_plugin_may_bring_a_command(environ: dict[str, str], tmp_path: Path) -> None:
    plugin(
        tmp_path / "site",
        "from tradewind.plugins import CliCommand, hookimpl\n\n\n"
        "@hookimpl\ndef tradewind_register_commands():\n"
        "    return [CliCommand('greet', 'greeter_plugin:greet')]\n\n\n"
        "def greet(arguments):\n    print('hello', *arguments)\n    return 5\n",
    )
    given = {**environ, "PYTHONPATH": str(tmp_path / "site")}
    ended = call(given, "greet", "--loudly", "world")
    assert (ended.returncode, ended.stdout) == (5, b"hello --loudly world\n")
    assert b"Did you mean `tradewind greet`?" in call(given, "gret").stderr
    providers = json.loads(call(given, "providers", "list", "-o", "json").stdout)
    assert "tradewind-greeter" in [one["package_name"] for one in providers]


def test_a_plugin_that_is_broken_is_listed_and_hurts_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    plugin(tmp_path / "site", "import no_such_module\n")
    given = {**environ, "PYTHONPATH": str(tmp_path / "site")}
    assert call(given, "dags", "list").returncode == 0
    ended = call(given, "plugins", "list", "-o", "json")
    broken = next(one for one in json.loads(ended.stdout) if one["name"] == "greeter")
    assert broken["status"] == "failed"
    assert b"no_such_module" in ended.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_the_script_for_bash_completes_commands_options_and_values(
    environ: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "completion.bash"
    script.write_bytes(call(environ, "completion", "bash").stdout)

    def completed(*words: str) -> set[str]:
        given = " ".join(f"'{word}'" for word in words)
        code = (
            f"source {script}; COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _tradewind; "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return set(
            subprocess.run(
                ["bash", "-c", code], capture_output=True, text=True, timeout=30, check=True
            ).stdout.split()
        )

    assert completed("tradewind", "da") == {"dags"}
    assert completed("tradewind", "dags", "pa") == {"pause"}
    assert {"--output", "--limit"} <= completed("tradewind", "dags", "list", "--")
    assert completed("tradewind", "dags", "list", "--output", "j") == {"json"}
    assert completed("tradewind", "run", "--output", "y") == {"yaml"}


def test_the_scripts_for_other_shells_name_every_command(environ: dict[str, str]) -> None:
    for shell in ("zsh", "fish"):
        text = call(environ, "completion", shell).stdout.decode()
        assert "clear" in text
        assert "list-import-errors" in text

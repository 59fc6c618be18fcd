"""Awkward ids, from DAG files and from the command line: one rule, a clear refusal, and nothing is left of them anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from house import House

from tradewind.cli.main import main
from tradewind.model.ids import MAX_ID_LENGTH

pytestmark = pytest.mark.integration

BAD = {
    "empty": "",
    "a space": " ",
    "a space inside": "a b",
    "a path": "../../etc/passwd",
    "a slash": "a/b",
    "a backslash": "a\\b",
    "NUL": "a\0b",
    "a line": "a\nb",
    "a line at the end": "a\n",
    "a dot": ".",
    "two dots": "..",
    "a dash first": "-a",
    "an emoji": "\N{PARTY POPPER}",
    "right to left": "a\N{RIGHT-TO-LEFT OVERRIDE}b",
    "a combining letter": "nai\N{COMBINING DIAERESIS}ve",
    "a look-alike": "s\N{CYRILLIC SMALL LETTER A}les",
    "half a character": "a\ud800b",
    "markup": "<script>alert(1)</script>",
    "a template": "{{ 7 * 7 }}",
    "quotes": "a' OR 1=1 --",
    "a terminal's commands": "a\x1b[2Jb",
    "251 letters": "x" * 251,
    "10,000 letters": "x" * 10_000,
}

COMMANDS = {
    "DAG to show": ("dags", "show", "{}"),
    "DAG to trigger": ("dags", "trigger", "{}"),
    "DAG to switch on": ("dags", "unpause", "{}"),
    "DAG to delete": ("dags", "delete", "{}", "--yes"),
    "run to show": ("runs", "show", "good", "{}"),
    "run to make": ("dags", "trigger", "good", "--run-id={}"),
    "run of a file": ("run", "FILE", "--run-id={}"),
    "DAG of a file": ("run", "FILE", "--dag-id={}"),
    "task to explain": ("tasks", "why", "good", "latest", "{}"),
    "logs to show": ("tasks", "logs", "good", "latest", "{}"),
    "pool": ("pools", "set", "{}", "3"),
    "connection": ("connections", "add", "{}", "--conn-type", "http"),
}

GOOD = """
from tradewind import DAG, task

with DAG("good"):

    @task
    def fine():
        return 1

    fine()
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory):
    made = House(tmp_path_factory.mktemp("ids"))
    made.run(made.write("good.py", GOOD))
    yield made
    made.close()


def everything(house: House) -> tuple[object, ...]:
    """What awkward ids must leave as it is: rows, and files outside and inside."""
    system = house.system
    files = sorted(
        str(path)
        for path in house.home.parent.rglob("*")
        if "__pycache__" not in path.parts and not path.name.startswith("tradewind.db")
    )
    return (
        files,
        [row.info.run_id for row in system.runs.find(limit=None)],
        [dag.dag_id for dag in system.dags.find()],
        [pool.name for pool in system.pools.all()],
        list(system.variables.keys()),
        list(system.connections.ids()),
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_on_the_command_line_each_is_refused_with_code_2_and_leaves_nothing(
    house: House, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(house.home))
    before = everything(house)
    for name, value in BAD.items():
        words = [
            word.replace("FILE", str(house.dags / "good.py")).replace("{}", value)
            for word in COMMANDS[command]
        ]
        if value.startswith("-") and value in words:
            words.insert(words.index(value), "--")
        code = main(words)
        said = capsys.readouterr()
        assert code == 2, (name, said)
        assert "Traceback" not in said.err, name
        assert len(said.err) < 1500, (name, said.err)
        assert "\x1b" not in said.err, name
    assert everything(house) == before


def test_keys_of_variables_may_be_any_text_that_can_be_read_and_come_back_as_they_were(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADEWIND_HOME", str(house.home))
    kept = {value for value in BAD.values() if 0 < len(value) <= MAX_ID_LENGTH}
    kept = {value for value in kept if value.isprintable() and value == value.strip()}
    for name, value in BAD.items():
        code = main(["variables", "set", "--", value, name])
        told = capsys.readouterr().err
        assert (code == 0) == (value in kept), (name, told)
        assert value in kept or (code == 2 and len(told) < 300), (name, told)
    listed = {one.key: one.value for one in house.system.variables.all()}
    assert listed == {value: name for name, value in BAD.items() if value in kept}
    assert "a/b" in listed


def test_in_dag_files_each_is_an_import_error_with_its_line_and_the_good_file_is_served(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    try:
        house.write("good.py", GOOD)
        for number, value in enumerate(BAD.values()):
            house.write(f"dag_{number}.py", GOOD.replace('"good"', ascii(value)))
            task = f'from tradewind import DAG, EmptyOperator\nwith DAG("d{number}"):\n    EmptyOperator(task_id='
            house.write(f"task_{number}.py", f"{task}{value!a})\n")
        house.import_dags()
        listed = json.loads(house.tradewind("dags", "list-import-errors", "--output", "json").stdout)
        assert {dag.dag_id for dag in house.system.dags.find()} == {"good"}
        told = {Path(one["filename"]).name: one for one in listed}
        assert set(told) == {f"{kind}_{number}.py" for kind in ("dag", "task") for number in range(len(BAD))}
        for file, one in told.items():
            message = str(one)
            assert ("DAG id" if file.startswith("dag") else "task id") in message, message
            assert f"{file}:{4 if file.startswith('dag') else 3}" in message, message
    finally:
        house.close()


LONGEST = """
from tradewind import DAG, task

with DAG("d" * {n}):

    @task(task_id="t" * {n})
    def make(ti):
        ti.xcom_push(key="../../../evil/" + "k" * 1000, value="v" * 100_000)
        ti.xcom_push(key="\\N{{PARTY POPPER}}\\0", value="w" * 100_000)
        return "x" * 100_000

    @task(task_id="u" * {n})
    def take(value, ti):
        assert value == "x" * 100_000
        assert ti.xcom_pull(task_ids="t" * {n}, key="../../../evil/" + "k" * 1000) == "v" * 100_000
        assert ti.xcom_pull(task_ids="t" * {n}, key="\\N{{PARTY POPPER}}\\0") == "w" * 100_000

    take(make())
"""


def test_the_longest_ids_work_and_keys_of_xcoms_stay_in_their_folder(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        file = house.write("longest.py", LONGEST.format(n=MAX_ID_LENGTH))
        result = house.run(file, "--run-id", "r" * MAX_ID_LENGTH)
        assert result["state"] == "success", result
        kept = [path for path in house.home.rglob("*") if path.is_file() and path.stat().st_size >= 100_000]
        kept = [path for path in kept if not path.name.startswith("tradewind.db")]
        assert len(kept) == 3
        assert all(path.is_relative_to(house.home / "xcom") for path in kept)
        assert {path.name for path in tmp_path.iterdir()} == {"home"}
    finally:
        house.close()


def test_ids_that_differ_by_case_are_two(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        for name in ("sales", "Sales"):
            file = house.write(f"{name}_file.py", GOOD.replace('"good"', f'"{name}"'))
            assert house.run(file, "--run-id", "r")["state"] == "success"
        assert {dag.dag_id for dag in house.system.dags.find()} == {"sales", "Sales"}
        assert {path.name for path in (house.home / "logs").iterdir()} == {"sales", "Sales"}
    finally:
        house.close()

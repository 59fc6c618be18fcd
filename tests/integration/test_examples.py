"""Each example is run as a reader of the manual would run it, by the command line, in an installation of its own."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "core" / "src" / "tradewind" / "examples"
LARGER = ROOT / "examples"

needs_the_umbrella_packages = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pandas", "matplotlib", "vega_datasets")),
    reason="the umbrella pipelines need pandas, matplotlib and vega_datasets: pip install -r examples/requirements.txt",
)


class Reader:
    """Somebody who tries the examples: a new home folder, and a folder for what they write."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        self.environment = {
            **os.environ,
            "TRADEWIND_HOME": str(folder / "home"),
            "TRADEWIND_VAR_EXAMPLE_FOLDER": str(self.output),
        }

    def run(self, file: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
        """``tradewind run FILE``: the exit code, and what it says of the run."""
        command = [sys.executable, "-m", "tradewind", "run", str(file), *arguments, "--output", "json"]
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=100)
        assert ended.stdout.strip(), (
            f"exit code {ended.returncode}, nothing on stdout, and on stderr:\n{ended.stderr}"
        )
        return ended.returncode, json.loads(ended.stdout)

    def run_well(self, file: Path, *arguments: str) -> dict[str, str]:
        """The states of the tasks of a run that has to succeed."""
        code, result = self.run(file, *arguments)
        states = {name: task["state"] for name, task in result["tasks"].items()}
        reasons = {name: task.get("reason", "") for name, task in result["tasks"].items()}
        assert (code, result["state"]) == (0, "success"), reasons
        return states


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.fixture
def rocket_server(reader: Reader) -> Iterator[str]:
    """The launch library of the rocket pipeline, on a port of its own."""
    command = [sys.executable, str(LARGER / "rocket_server.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address is not None
        yield address[0]
        server.terminate()


def test_the_weather_dashboard_shows_the_forecast_in_celsius(reader: Reader) -> None:
    reader.run_well(SHIPPED / "weather_dashboard.py", "--logical-date", "2024-07-01")
    page = (reader.output / "weather_dashboard.html").read_text()
    degrees = [float(it) for it in re.findall(r"([\d.]+) °C", page)]
    assert len(degrees) == 7
    assert all(18 < it < 35 for it in degrees), "July, in Celsius"
    assert "2024-07-07" in page


def test_each_run_of_the_event_statistics_counts_the_events_of_its_day(reader: Reader) -> None:
    for day in ("2024-01-02", "2024-01-03"):
        reader.run_well(SHIPPED / "event_statistics.py", "--logical-date", f"{day}T00:00:00+00:00")
    for path in sorted((reader.output / "statistics").iterdir()):
        events = json.loads((reader.output / "events" / f"{path.stem}.json").read_text())
        assert {event["at"][:10] for event in events} == {path.stem}
        with path.open() as file:
            assert sum(int(row["events"]) for row in csv.DictReader(file)) == len(events)
    assert len(list((reader.output / "statistics").iterdir())) == 2


def test_event_statistics_made_again_are_the_same(reader: Reader) -> None:
    arguments = (SHIPPED / "event_statistics.py", "--logical-date", "2024-01-03T00:00:00+00:00")
    reader.run_well(*arguments)
    (statistics,) = (reader.output / "statistics").iterdir()
    before = statistics.read_text()
    reader.run_well(*arguments)
    assert [path.read_text() for path in (reader.output / "statistics").iterdir()] == [before]


def test_inference_skips_before_the_first_training_and_predicts_after_it(reader: Reader) -> None:
    file, moment = SHIPPED / "ice_cream.py", ("--logical-date", "2024-07-01T15:00:00+00:00")
    before = reader.run_well(file, "--dag-id", "ice_cream_inference", *moment)
    assert before == {"predict": "skipped", "record": "skipped"}
    reader.run_well(file, "--dag-id", "ice_cream_training", *moment)
    moment = ("--logical-date", "2024-07-01T15:30:00+00:00")
    assert reader.run_well(file, "--dag-id", "ice_cream_inference", *moment)["predict"] == "success"
    (prediction,) = (reader.output / "ice_cream").glob("prediction-*.txt")
    scoops = float(prediction.read_text().split()[0])
    assert 45 < scoops < 75, "a summer afternoon of 26 degrees sells 3 * 26 - 20 scoops, give or take"


def test_the_rocket_pipeline_fails_without_its_server_and_says_where(reader: Reader) -> None:
    reader.environment["TRADEWIND_VAR_ROCKET_LAUNCHES_URL"] = "http://127.0.0.1:9/launches"
    code, result = reader.run(LARGER / "rocket_launches.py")
    states = {name: task["state"] for name, task in result["tasks"].items()}
    assert (code, result["state"]) == (1, "failed")
    assert states == {
        "download_launches": "failed",
        "get_pictures": "upstream_failed",
        "notify": "upstream_failed",
    }


def test_the_rocket_pipeline_fetches_every_picture_and_counts_them(
    reader: Reader, rocket_server: str
) -> None:
    reader.environment["TRADEWIND_VAR_ROCKET_LAUNCHES_URL"] = rocket_server
    reader.run_well(LARGER / "rocket_launches.py", "--logical-date", "2024-07-01")
    pictures = list((reader.output / "rockets").glob("*/images/*.png"))
    assert sorted(path.stem for path in pictures) == ["ariane", "electron", "falcon", "vega"]
    assert all(path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n") for path in pictures)


@needs_the_umbrella_packages
def test_the_umbrella_pipeline_learns_to_predict_and_draws_it(reader: Reader) -> None:
    reader.run_well(LARGER / "umbrella.py", "--logical-date", "2024-07-01")
    (picture,) = (reader.output / "umbrella").glob("*/prediction.png")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    deployed = json.loads((reader.output / "umbrella" / "deployed" / "latest.json").read_text())
    assert deployed["explained"] > 0.8
    weights = dict(zip(deployed["features"], deployed["weights"], strict=True))
    assert weights["rain"] == pytest.approx(2.2, abs=0.2), "what the sales were made with"


@needs_the_umbrella_packages
@pytest.mark.parametrize(
    ("day", "taken", "left"), [("2024-02-01", "old", "new"), ("2024-06-01", "new", "old")]
)
def test_the_branch_picks_the_sales_system_of_the_day(
    reader: Reader, day: str, taken: str, left: str
) -> None:
    states = reader.run_well(LARGER / "umbrella_branching.py", "--logical-date", day)
    assert states.pop(f"fetch_sales_{left}") == "skipped"
    assert states.pop(f"clean_sales_{left}") == "skipped"
    assert set(states.values()) == {"success"}, (
        "the join goes on with one way skipped, and a manual run deploys"
    )
    assert f"fetch_sales_{taken}" in states


@needs_the_umbrella_packages
def test_the_model_is_deployed_under_the_id_that_training_left(reader: Reader) -> None:
    reader.run_well(LARGER / "umbrella_xcom.py", "--logical-date", "2024-07-01")
    (deployed,) = (reader.output / "umbrella_xcom" / "deployed").iterdir()
    assert re.fullmatch(r"manual-0\.\d{3}\.json", deployed.name)


@needs_the_umbrella_packages
def test_the_taskflow_form_deploys_the_same_model(reader: Reader) -> None:
    reader.run_well(LARGER / "umbrella.py", "--logical-date", "2024-07-01")
    reader.run_well(LARGER / "umbrella_taskflow.py", "--logical-date", "2024-07-01")
    (deployed,) = (reader.output / "umbrella_taskflow" / "deployed").iterdir()
    assert deployed.name.startswith("umbrella-2024-0")
    assert deployed.read_text() == (reader.output / "umbrella" / "deployed" / "latest.json").read_text()

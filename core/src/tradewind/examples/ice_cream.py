"""Ice cream: a model is trained every week, and used every half hour to say how much will be sold.

Two DAGs of one file that meet in a file on disk: inference takes the newest model, and skips where there is none yet.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from statistics import linear_regression

from tradewind import DAG, SkipTask, Variable, task


def folder() -> Path:
    """Where the model and the predictions are kept."""
    default = Path(tempfile.gettempdir()) / "tradewind-examples"
    path = Path(Variable.get("example_folder", default=default)) / "ice_cream"
    path.mkdir(parents=True, exist_ok=True)
    return path


def temperature_at(moment: datetime) -> float:
    """Degrees Celsius at the beach: warm in summer, and in the afternoon."""
    year = math.cos((moment.timetuple().tm_yday - 200) / 365 * 2 * math.pi)
    day = math.cos((moment.hour + moment.minute / 60 - 15) / 24 * 2 * math.pi)
    return round(14 + 9 * year + 4 * day, 2)


def sold_at(moment: datetime) -> float:
    """Scoops that were sold in the half hour from ``moment``."""
    return max(0.0, 3 * temperature_at(moment) - 20 + random.Random(moment.isoformat()).gauss(0, 4))


with DAG("ice_cream_training", schedule="@weekly", start_date=datetime(2024, 6, 1), tags=["example"]):

    @task
    def collect_sales(
        data_interval_start: datetime, data_interval_end: datetime
    ) -> list[tuple[float, float]]:
        count = int((data_interval_end - data_interval_start).total_seconds()) // 1800
        moments = [data_interval_start + timedelta(minutes=30 * n) for n in range(count)]
        return [(temperature_at(moment), sold_at(moment)) for moment in moments]

    @task
    def train(sales: list[tuple[float, float]], ds: str) -> dict[str, float | str]:
        temperatures, scoops = zip(*sales, strict=True)
        slope, intercept = linear_regression(temperatures, scoops)
        return {"slope": slope, "intercept": intercept, "trained_on_week_of": ds}

    @task
    def publish(model: dict[str, float | str]) -> None:
        draft = folder() / "model.json.new"
        draft.write_text(json.dumps(model))
        draft.replace(
            folder() / "model.json"
        )  # inference sees the old model or the new one, never half of it

    publish(train(collect_sales()))


with DAG("ice_cream_inference", schedule="*/30 * * * *", start_date=datetime(2024, 6, 1), tags=["example"]):

    @task
    def predict(data_interval_end: datetime) -> float:
        newest = folder() / "model.json"
        if not newest.exists():
            raise SkipTask("there is no model yet: ice_cream_training has not run")
        model: dict[str, float] = json.loads(newest.read_text())
        return round(model["slope"] * temperature_at(data_interval_end) + model["intercept"], 1)

    @task
    def record(scoops: float, data_interval_end: datetime) -> None:
        (folder() / f"prediction-{data_interval_end:%Y%m%dT%H%M}.txt").write_text(f"{scoops} scoops\n")

    record(predict())

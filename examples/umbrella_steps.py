"""What the umbrella pipelines do, step by step: a helper module, which a DAG file imports from its own folder.

The weather is that of Seattle from 2012 to 2015, as the package ``vega_datasets`` ships it. How many umbrellas were sold is
made from it: more on wet days, less in a storm, and some chance.
"""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd

FEATURES = ["rain", "wind", "warmth", "is_wet"]
TRAINING_ENDS = "2014-12-31"


def run_folder(folder: str) -> Path:
    """The folder of a run, made where it is not there."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _shipped_weather() -> pd.DataFrame:
    found = importlib.util.find_spec("vega_datasets")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("The weather is in a package: pip install -r examples/requirements.txt")
    return pd.read_csv(Path(found.submodule_search_locations[0]) / "_data" / "seattle-weather.csv")


def fetch_weather(folder: str) -> None:
    """The weather, as it comes."""
    _shipped_weather().to_csv(run_folder(folder) / "weather_raw.csv", index=False)


def fetch_sales(folder: str, system: str = "new") -> None:
    """The sales, as they come: the old system writes other dates, and counts some days twice."""
    weather, chance = _shipped_weather(), random.Random(7)
    sales = pd.DataFrame({"date": pd.to_datetime(weather["date"])})
    wet = weather["precipitation"]
    sales["umbrellas"] = [
        max(0, round(12 + 25 * (rain > 0) + 2.2 * rain - 1.5 * wind + chance.gauss(0, 5)))
        for rain, wind in zip(wet, weather["wind"], strict=True)
    ]
    if system == "old":
        sales = pd.concat([sales, sales[::50]])
        sales["date"] = sales["date"].dt.strftime("%d.%m.%Y")
    sales.to_csv(run_folder(folder) / f"sales_raw_{system}.csv", index=False)


def clean_weather(folder: str) -> None:
    """One row a day, with the columns that a model can use."""
    raw = pd.read_csv(Path(folder) / "weather_raw.csv", parse_dates=["date"])
    columns = {
        "date": raw["date"],
        "rain": raw["precipitation"],
        "wind": raw["wind"],
        "warmth": raw["temp_max"],
    }
    clean = pd.DataFrame(columns).dropna().drop_duplicates("date")
    clean["is_wet"] = (clean["rain"] > 0).astype(float)
    clean.to_csv(Path(folder) / "weather.csv", index=False)


def clean_sales(folder: str, system: str = "new") -> None:
    """One row a day, whichever system it came from."""
    raw = pd.read_csv(Path(folder) / f"sales_raw_{system}.csv")
    raw["date"] = pd.to_datetime(raw["date"], format="%d.%m.%Y" if system == "old" else "ISO8601")
    raw.drop_duplicates("date").sort_values("date").to_csv(Path(folder) / "sales.csv", index=False)


def join_datasets(folder: str) -> int:
    """Weather and sales of the same days; how many days there are."""
    tables = [pd.read_csv(Path(folder) / name, parse_dates=["date"]) for name in ("weather.csv", "sales.csv")]
    joined = tables[0].merge(tables[1], on="date", validate="one_to_one")
    joined.to_csv(Path(folder) / "joined.csv", index=False)
    return len(joined)


def train_model(folder: str) -> float:
    """Fit sales to weather up to 2014, draw prediction against truth of 2015; the share of variance explained."""
    days = pd.read_csv(Path(folder) / "joined.csv", parse_dates=["date"])
    inputs = np.column_stack([np.ones(len(days)), days[FEATURES].to_numpy(float)])
    truth = days["umbrellas"].to_numpy(float)
    known = (days["date"] <= TRAINING_ENDS).to_numpy()
    weights, *_ = np.linalg.lstsq(inputs[known], truth[known], rcond=None)
    predicted = inputs[~known] @ weights
    explained = float(
        1 - np.sum((truth[~known] - predicted) ** 2) / np.sum((truth[~known] - truth[~known].mean()) ** 2)
    )
    model = {"features": ["constant", *FEATURES], "weights": weights.tolist(), "explained": explained}
    (Path(folder) / "model.json").write_text(json.dumps(model, indent=2))
    _draw(Path(folder) / "prediction.png", days["date"][~known], truth[~known], predicted)
    print(f"The model explains {explained:.0%} of the sales of 2015")
    return explained


def _draw(target: Path, when: pd.Series, truth: np.ndarray, predicted: np.ndarray) -> None:
    from matplotlib.figure import Figure  # only this step draws

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(when, truth, ".", color="gray", label="sold")
    axes.plot(when, predicted, color="tab:blue", linewidth=1, label="predicted")
    axes.set_ylabel("umbrellas a day")
    axes.legend()
    figure.savefig(target)


def deploy_model(folder: str, model_id: str = "latest") -> str:
    """Put the model where the shop looks for it; where that is."""
    target = Path(folder).parent / "deployed" / f"{model_id}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    draft.write_bytes((Path(folder) / "model.json").read_bytes())
    draft.replace(target)  # the shop sees the old model or the new one, never half of it
    print("Deployed to", target)
    return str(target)

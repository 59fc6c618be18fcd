"""Why a DAG that waits for assets runs, or does not, in words."""

from __future__ import annotations

from collections.abc import Collection

from tradewind.logic.assets import Update, in_words, missing
from tradewind.logic.explain import Explanation
from tradewind.model.assets import AssetCondition


def explain_assets(condition: AssetCondition, updates: Collection[Update], *, paused: bool) -> Explanation:
    """What the DAG waits for, and which of it has not come since its last run."""
    waits = f"It runs when assets are updated: {in_words(condition)}."
    if paused:
        return Explanation(f"{waits} While it is switched off it does not listen: such updates pass it by.")
    rest = ", ".join(spec.label for spec in missing(condition, updates))
    return Explanation(f"{waits} It waits for an update of {rest}.", "tradewind assets events")

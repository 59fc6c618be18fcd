"""Schedules, and what must have come of them."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from tradewind.model.spec import TimetableSpec

from ..clock import MIDNIGHT
from ..dags import Draft
from .base import Feature


class Schedules(Feature):
    """Steps of 5 to 30 minutes, written as a delta or as a cron, with and without catch-up."""

    def shape(self, draft: Draft, dice: Random) -> None:
        if dice.random() < 0.35:
            return
        minutes = dice.choice((5, 10, 20, 30))
        if dice.random() < 0.7:
            table = TimetableSpec(type="delta_data_interval", args={"seconds": minutes * 60.0})
        else:
            cron = {5: "*/5 * * * *", 10: "*/10 * * * *", 20: "*/20 * * * *", 30: "0,30 * * * *"}[minutes]
            table = TimetableSpec(type="cron_data_interval", args={"cron": cron, "timezone": "UTC"})
        intervals = dice.choice((1, 2, 4, 6))
        begins = MIDNIGHT - timedelta(minutes=minutes * dice.choice((0, 0, 1, 3)))
        draft.fields |= {
            "timetable": table,
            "catchup": dice.random() < 0.6,
            "start_date": begins,
            "end_date": begins + timedelta(minutes=minutes * intervals),
            "extra": {"step": minutes * 60},
        }

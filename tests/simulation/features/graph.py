"""What tasks are like: trigger rules, retries, nothing to execute, another executor."""

from __future__ import annotations

from random import Random

from tradewind.model.states import TriggerRule

from ..dags import Draft
from .base import Feature


class TriggerRules(Feature):
    """Some tasks have another rule than ``all_success``."""

    def shape(self, draft: Draft, dice: Random) -> None:
        share = dice.choice((0.0, 0.3, 0.8))
        for fields in draft.tasks.values():
            if dice.random() < share:
                fields["trigger_rule"] = dice.choice(list(TriggerRule))


class Retries(Feature):
    """Some tasks are tried again, with and without back-off."""

    def shape(self, draft: Draft, dice: Random) -> None:
        for fields in draft.tasks.values():
            if dice.random() < 0.5:
                fields["retries"] = dice.choice((1, 1, 2, 3))
                fields["retry_delay"] = dice.choice((0.0, 1.0, 30.0, 300.0))
                if dice.random() < 0.2:
                    fields["retry_backoff"] = 2.0
                    fields["max_retry_delay"] = dice.choice((None, 60.0))


class EmptyTasks(Feature):
    """Some tasks have nothing to execute."""

    def shape(self, draft: Draft, dice: Random) -> None:
        for task_id in draft.plain():
            if dice.random() < 0.1:
                draft.tasks[task_id]["runs_code"] = False
                draft.roles[task_id] = "empty"


class Executors(Feature):
    """Some tasks go to an executor that may deliver twice."""

    def shape(self, draft: Draft, dice: Random) -> None:
        share = dice.choice((0.0, 0.0, 0.3, 1.0))
        for fields in draft.tasks.values():
            if dice.random() < share:
                fields["executor"] = "broker"

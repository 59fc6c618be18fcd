"""Assets: tasks that update them, people who say that they were, and DAGs that run when enough of them were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from tradewind.model.assets import AssetCondition, AssetSpec
from tradewind.model.commands import CreateAssetEvent

from ..dags import Draft
from ..evidence import Broken, Evidence, body_of
from .base import Feature

if TYPE_CHECKING:
    from ..world import World

OUTSIDE = ("o1", "o2")


class Assets(Feature):
    """A DAG updates an asset of its own name, and waits for those of the DAGs before it, so that it all ends once."""

    def shape(self, draft: Draft, dice: Random) -> None:
        share = dice.choice((0.0, 0.2, 0.5))
        for fields in draft.tasks.values():
            if fields.get("runs_code", True) and dice.random() < share:
                fields["outlets"] = (_asset(draft.dag_id),)
        if dice.random() < 0.4:
            known = [f"d{number}" for number in range(int(draft.dag_id[1:]))] + list(OUTSIDE)
            draft.fields["asset_schedule"] = self._condition(known, dice)

    def _condition(self, names: list[str], dice: Random, depth: int = 0) -> AssetCondition:
        if depth == 2 or dice.random() < 0.4:
            return AssetCondition(asset=_asset(dice.choice(names)))
        members = tuple(self._condition(names, dice, depth + 1) for _ in range(dice.choice((1, 2, 2, 3))))
        return AssetCondition(op="all" if dice.random() < 0.6 else "any", members=members)

    def stir(self, world: World, dice: Random) -> None:
        if dice.random() < 0.15:
            name = dice.choice((*OUTSIDE, *world.dag_ids))
            world.people.ask(CreateAssetEvent(name=name, uri=name))

    def check(self, evidence: Evidence) -> Iterator[Broken]:
        """Each success is one event; each event is used once by each DAG that waits for it, as soon as there are enough."""
        if evidence.deleted:
            return
        events = {row["id"]: row for row in evidence.world.rows("SELECT * FROM asset_event")}
        yield from self._events(evidence, list(events.values()))
        used: dict[int, list[str]] = defaultdict(list)
        for row in evidence.world.rows("SELECT * FROM asset_event_run"):
            used[row["run_pk"]].append(row["event_id"])
        waiting: dict[str, list[str]] = defaultdict(list)
        for row in evidence.world.rows("SELECT * FROM asset_pending"):
            waiting[row["dag_id"]].append(row["event_id"])
        for run in evidence.runs.values():
            if run["run_type"] == "asset_triggered":
                yield from self._run(evidence, run, [events[id]["name"] for id in used[run["id"]]])
        for dag_id, draft in evidence.world.files.drafts.items():
            condition = draft.fields.get("asset_schedule")
            if condition is None:
                continue
            if _holds(condition, {events[id]["name"] for id in waiting[dag_id]}):
                yield Broken("asset", f"{dag_id} has all the events that it waits for, and does not run")
            told = Counter(waiting[dag_id])
            for pk, ids in used.items():
                if evidence.runs[pk]["dag_id"] == dag_id:
                    told.update(ids)
            concerned = [id for id, row in events.items() if row["name"] in _names(condition)]
            for id in concerned:
                if told[id] > 1 or (told[id] < 1 and _listened(evidence, dag_id)):
                    yield Broken(
                        "asset", f"event {id} of {events[id]['name']}: {told[id]} times for {dag_id}"
                    )

    @staticmethod
    def _events(evidence: Evidence, events: list[Any]) -> Iterator[Broken]:
        wanted: Counter[Any] = Counter()
        for row in evidence.transitions:
            if row["new"] == "success" and row["cause"] == "fact" and row["attempt_id"] and row["ti_pk"]:
                instance, run = evidence.instances[row["ti_pk"]], evidence.runs[row["run_pk"]]
                for asset in evidence.task_of(instance).outlets:
                    place = (run["dag_id"], run["run_id"], instance["task_id"], instance["map_index"])
                    wanted[*place, asset.name] += 1
        for row in evidence.commands.values():
            if row["kind"] == "create_asset_event" and not row["refused_reason"]:
                wanted["", "", "", -1, body_of(row)["name"]] += 1
        made = Counter(
            (row["dag_id"], row["run_id"], row["task_id"], row["map_index"], row["name"]) for row in events
        )
        for key in {*wanted, *made}:
            if wanted[key] != made[key]:
                yield Broken("asset", f"{key} was updated {wanted[key]} times, and has {made[key]} events")

    @staticmethod
    def _run(evidence: Evidence, run: Any, names: list[str]) -> Iterator[Broken]:
        condition, name = evidence.spec_of(run["id"]).asset_schedule, f"{run['dag_id']}/{run['run_id']}"
        if condition is None or not _holds(condition, set(names)):
            yield Broken("asset", f"{name} was made of too little: {names}")
        elif all(_holds(condition, set(names) - {one}) for one in names if names.count(one) == 1):
            yield Broken("asset", f"{name} was made late, of {names}")


def _asset(name: str) -> AssetSpec:
    return AssetSpec(name=name, uri=name)


def _names(condition: AssetCondition) -> set[str]:
    own = {condition.asset.name} if condition.asset else set()
    return own.union(*(_names(one) for one in condition.members))


def _holds(condition: AssetCondition, names: set[str]) -> bool:
    if condition.asset is not None:
        return condition.asset.name in names
    each = [_holds(one, names) for one in condition.members]
    return all(each) if condition.op == "all" else any(each)


def _listened(evidence: Evidence, dag_id: str) -> bool:
    """Whether the DAG was never switched off, nor its file gone."""
    off = any(
        row["kind"] == "set_paused" and row["dag_id"] == dag_id and body_of(row)["paused"]
        for row in evidence.commands.values()
    )
    return not off and dag_id not in evidence.world.files.removed

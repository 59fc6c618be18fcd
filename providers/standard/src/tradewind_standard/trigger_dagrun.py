"""The operator that makes a run of another DAG."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from tradewind import BaseOperator
from tradewind.errors import DefinitionError
from tradewind.model.ids import check_id, check_run_id
from tradewind.model.outcomes import TriggersRun

_STATES = ("queued", "running", "success", "failed")
_ENDS = ("success", "failed")


class TriggerDagRunOperator(BaseOperator):
    """Make a run of another DAG, and perhaps wait for its end.

    The scheduler makes the run, exactly once, and tells the task what came of it. A task that waits has no process and no
    slot, and goes on the moment the run ends; ``execution_timeout`` limits how long it waits. The id of the run is the
    task's XCom ``trigger_run_id``.

    :param trigger_dag_id: the DAG; a template.
    :param trigger_run_id: the run's id, a template; left out, one is made.
    :param conf: of the run, a template; plain data.
    :param logical_date: of the run, as a datetime or as text, a template; left out, the time at which it is made.
    :param note: kept with the run; a template.
    :param reset_dag_run: where there is a run of that id, clear it and let it go again; else that is an error.
    :param skip_when_already_exists: where there is one, end as skipped.
    :param wait_for_completion: end when the run does.
    :param poke_interval: taken for the sake of older files; nothing is looked at again and again.
    :param allowed_states: ends of the run with which the task succeeds; ``"queued"`` or ``"running"`` among them: as soon
        as it is made. ``None``: success.
    :param failed_states: ends with which it fails. ``None``: failed.
    :param fail_when_dag_is_paused: fail where the DAG is switched off, whose runs wait until it is switched on.
    :param deferrable: taken likewise; the wait never takes a slot.
    """

    template_fields: Sequence[str] = (
        "trigger_dag_id",
        "trigger_run_id",
        "logical_date",
        "conf",
        "note",
        "wait_for_completion",
        "skip_when_already_exists",
    )
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"conf": "py"}
    ui_color = "#ffefeb"

    def __init__(
        self,
        *,
        trigger_dag_id: Any,
        trigger_run_id: Any = None,
        conf: Any = None,
        logical_date: Any = None,
        note: Any = None,
        reset_dag_run: bool = False,
        wait_for_completion: bool = False,
        poke_interval: float | timedelta = 60,
        allowed_states: Sequence[str] | None = None,
        failed_states: Sequence[str] | None = None,
        skip_when_already_exists: bool = False,
        fail_when_dag_is_paused: bool = False,
        deferrable: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.trigger_dag_id = trigger_dag_id
        self.trigger_run_id = trigger_run_id
        self.conf = conf
        self.logical_date = logical_date
        self.note = note
        self.reset_dag_run = reset_dag_run
        self.wait_for_completion = wait_for_completion
        self.poke_interval = poke_interval
        self.allowed_states = self._states("allowed_states", allowed_states, "success", _STATES)
        self.failed_states = self._states("failed_states", failed_states, "failed", _ENDS)
        self.skip_when_already_exists = skip_when_already_exists
        self.fail_when_dag_is_paused = fail_when_dag_is_paused
        self.deferrable = deferrable
        if reset_dag_run and skip_when_already_exists is True:
            raise DefinitionError(
                f"TriggerDagRunOperator {self.task_id!r}: reset_dag_run and skip_when_already_exists are set, but a run "
                f"that is there can only be cleared or be left alone: take one of them out.",
                str(self.place),
            )

    def execute(self, context: MutableMapping[str, Any]) -> None:
        ti = context["ti"]
        dag_id = check_id("DAG", self.trigger_dag_id)
        logical = self._logical_date()
        if self.trigger_run_id:
            run_id = check_run_id(str(self.trigger_run_id))
        elif logical is not None:
            run_id = f"manual__{logical.isoformat()}"
        else:
            # Of this attempt alone: another try asks for another run.
            run_id = f"manual__{ti.start_date.isoformat()}_{ti.id[-8:]}"
        payload = {
            "run_id": run_id,
            "logical_date": None if logical is None else logical.isoformat(),
            "conf": self._conf(),
            "note": self.note,
            "reset": bool(self.reset_dag_run),
            "skip_existing": _flag(self.skip_when_already_exists),
            "fail_paused": bool(self.fail_when_dag_is_paused),
            "allowed_states": list(self.allowed_states),
            "failed_states": list(self.failed_states),
        }
        ti.xcom_push(key="trigger_run_id", value=run_id)
        ti.decide(TriggersRun(dag_id=dag_id, payload=payload, wait=_flag(self.wait_for_completion)))

    def _logical_date(self) -> datetime | None:
        given = self.logical_date
        if given is None or given == "":
            return None
        try:
            moment = datetime.fromisoformat(given) if isinstance(given, str) else given
        except ValueError:
            raise self._wrong(
                "logical_date", given, "a date such as 2024-01-31 or 2024-01-31T08:00+00:00"
            ) from None
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day)
        if not isinstance(moment, datetime):
            raise self._wrong("logical_date", given, "a datetime, or text such as 2024-01-31T08:00+00:00")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)

    def _conf(self) -> dict[str, Any]:
        conf = self.conf
        if isinstance(conf, str) and conf:
            try:
                conf = json.loads(conf)
            except ValueError:
                raise self._wrong("conf", conf, "a dict, or text that is a JSON object") from None
        if conf is None or conf == "":
            return {}
        if not isinstance(conf, Mapping):
            raise self._wrong("conf", conf, "a dict, or text that is a JSON object")
        try:
            found: dict[str, Any] = json.loads(json.dumps(dict(conf)))
        except (TypeError, ValueError) as error:
            raise DefinitionError(
                f"TriggerDagRunOperator {self.task_id!r}: conf holds what JSON cannot: {error}. Give plain data."
            ) from None
        return found

    def _states(
        self, name: str, given: Sequence[str] | None, default: str, known: Sequence[str]
    ) -> tuple[str, ...]:
        if given is None:
            return (default,)
        states = (given,) if isinstance(given, str) else tuple(getattr(it, "value", it) for it in given)
        for state in states:
            if state not in known:
                raise DefinitionError(
                    f"TriggerDagRunOperator {self.task_id!r}: {name} has {state!r}; a run is {', '.join(known)}.",
                    str(self.place),
                )
        return states

    def _wrong(self, name: str, given: Any, wanted: str) -> DefinitionError:
        return DefinitionError(
            f"TriggerDagRunOperator {self.task_id!r}: {name} is {given!r:.80}; give {wanted}."
        )


def _flag(value: Any) -> bool:
    """A flag that may have been a template."""
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)

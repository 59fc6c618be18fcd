"""Human in the loop: tasks that ask a person, and go on with the answer. While they wait they hold no slot."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import timedelta
from typing import Any

from tradewind import BaseNotifier, BaseOperator, FailTask, ParamsDict
from tradewind.authoring.checks import limit, shown
from tradewind.authoring.operators.branch import follow_branch
from tradewind.errors import DefinitionError, TaskDeferralTimeout
from tradewind.model.outcomes import AwaitsInput, Branched

Context = MutableMapping[str, Any]
User = str | Mapping[str, Any]


class HITLTimeoutError(Exception):
    """Nobody answered in time, and there are no defaults."""


class HITLRejectException(FailTask):
    """The answer was a rejection, and ``fail_on_reject`` says that the task fails then."""


class HITLOperator(BaseOperator):
    """Asks a person to choose, and to fill in a form. Its XCom is ``{"chosen_options", "params_input", "responded_at",
    "responded_by_user"}``.

    :param subject: the question, in a line; a template, like ``body``.
    :param options: what can be chosen.
    :param defaults: what counts as chosen where nobody answers in time.
    :param multiple: whether several options, or none, may be chosen.
    :param params: the fields of the form, as a DAG's params.
    :param notifiers: called with the context when the question is asked.
    :param assigned_users: who may answer: names, or ``{"id": ..., "name": ...}``; left out, everybody.
    :param response_timeout: how long to wait; left out, ``execution_timeout``, or for ever.
    """

    template_fields = ("subject", "body")

    def __init__(
        self,
        *,
        subject: str,
        options: Sequence[str],
        body: str | None = None,
        defaults: str | Sequence[str] | None = None,
        multiple: bool = False,
        params: Mapping[str, Any] | None = None,
        notifiers: BaseNotifier | Sequence[BaseNotifier] | None = None,
        assigned_users: User | Sequence[User] | None = None,
        response_timeout: timedelta | float | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.subject = subject
        self.body = body
        self.options = list(options)
        self.default_options = (
            [defaults] if isinstance(defaults, str) else None if defaults is None else list(defaults)
        )
        self.multiple = multiple
        self.form = ParamsDict(params)
        several = notifiers if isinstance(notifiers, Sequence) else [notifiers] if notifiers else []
        self.notifiers = list(several)
        self.assigned_users = _users(assigned_users)
        wait = response_timeout if response_timeout is not None else self.execution_timeout
        self.response_timeout: timedelta | None = None if wait is None else limit(wait, "response_timeout")
        self.execution_timeout = None  # it limits the waiting, and leaves the task the time to go on after it
        self._check()

    def _check(self) -> None:
        what = f"{type(self).__name__} {self.task_id!r}"
        if not self.options or not all(isinstance(option, str) for option in self.options):
            raise DefinitionError(f"{what}: options are one text or more, not {shown(self.options)}.")
        if len(set(self.options)) < len(self.options):
            raise DefinitionError(f"{what}: an option stands twice in {shown(self.options)}.")
        wrong = [default for default in self.default_options or () if default not in self.options]
        if wrong:
            raise DefinitionError(
                f"{what}: the default {wrong[0]!r} is none of the options {shown(self.options)}."
            )
        if self.default_options is not None and not self.multiple and len(self.default_options) != 1:
            raise DefinitionError(
                f"{what}: without multiple=True there is one default, not {len(self.default_options)}."
            )

    def execute(self, context: Context) -> None:
        """Ask, and wait."""
        for notifier in self.notifiers:
            notifier(context)
        params = {name: one.spec(name, runs_by_itself=False) for name, one in self.form.params().items()}
        payload = {
            "subject": self.subject,
            "body": self.body,
            "options": self.options,
            "defaults": self.default_options,
            "multiple": self.multiple,
            "params": {
                name: {
                    "default": one.default,
                    "has_default": one.has_default,
                    "schema": one.schema,
                    "description": one.description,
                }
                for name, one in params.items()
            },
            "assigned_users": self.assigned_users,
        }
        seconds = self.response_timeout.total_seconds() if self.response_timeout is not None else None
        context["ti"].decide(AwaitsInput(payload, timeout=seconds))

    def resume_execution(
        self, next_method: str, next_kwargs: Mapping[str, Any] | None, context: Context
    ) -> Any:
        """Go on after the wait.

        :raises HITLTimeoutError: where nobody has answered, and there are no defaults.
        """
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout as error:
            raise HITLTimeoutError(f"{self.subject!r}: {error}") from None

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on with the answer."""
        return {
            "chosen_options": event["chosen_options"],
            "params_input": event["params_input"],
            "responded_at": event["responded_at"],
            "responded_by_user": event["responded_by_user"],
        }


class ApprovalOperator(HITLOperator):
    """Asks for approval; a rejection skips what is directly behind the task.

    :param ignore_downstream_trigger_rules: a rejection skips everything behind it, whatever its trigger rule.
    :param fail_on_reject: a rejection fails the task instead.
    """

    chooses = True
    APPROVE = "Approve"
    REJECT = "Reject"

    def __init__(
        self, *, ignore_downstream_trigger_rules: bool = False, fail_on_reject: bool = False, **arguments: Any
    ) -> None:
        for name in ("options", "multiple"):
            if name in arguments:
                raise DefinitionError(f"ApprovalOperator has {name} of its own: leave the argument out.")
        super().__init__(options=(self.APPROVE, self.REJECT), **arguments)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules
        self.fail_on_reject = fail_on_reject

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        result = super().execute_complete(context, event)
        if result["chosen_options"] == [self.APPROVE]:
            return result
        who = (result["responded_by_user"] or {}).get("name", "nobody in time")
        if self.fail_on_reject:
            raise HITLRejectException(f"rejected by {who}")
        scope = "all" if self.ignore_downstream_trigger_rules else "direct"
        context["ti"].decide(Branched(scope=scope, reason=f"{self.task_id} was rejected by {who}"))  # type: ignore[arg-type]
        return result


class HITLBranchOperator(HITLOperator):
    """Lets a person choose which of the tasks behind it go on.

    :param options_mapping: the task (or task group) that an option means, where it is not of the option's name.
    """

    chooses = True

    def __init__(self, *, options_mapping: Mapping[str, str] | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.options_mapping = dict(options_mapping or {})
        unknown = sorted(set(self.options_mapping) - set(self.options))
        if unknown:
            raise DefinitionError(
                f"HITLBranchOperator {self.task_id!r}: options_mapping names {unknown[0]!r}, which is no option."
            )

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        result = super().execute_complete(context, event)
        follow_branch(self, context, [self.options_mapping.get(one, one) for one in result["chosen_options"]])
        return result


class HITLEntryOperator(HITLOperator):
    """Asks a person to fill in a form."""

    OK = "OK"

    def __init__(self, **arguments: Any) -> None:
        if "options" not in arguments:
            arguments["options"] = (self.OK,)
            arguments.setdefault("defaults", (self.OK,))
        super().__init__(**arguments)


def _users(given: User | Sequence[User] | None) -> list[str]:
    if given is None:
        return []
    several = [given] if isinstance(given, (str, Mapping)) else given
    return [one if isinstance(one, str) else str(one.get("id") or one.get("name")) for one in several]

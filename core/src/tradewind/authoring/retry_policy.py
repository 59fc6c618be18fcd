"""Which failures are tried again: a policy looks at the exception in the task's own process, right when it was raised."""

from __future__ import annotations

import importlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from tradewind.authoring.checks import duration, shown
from tradewind.errors import DefinitionError, class_names
from tradewind.model.spec import RetryRuleSpec

log = logging.getLogger("tradewind.task")

Exceptions = type[BaseException] | str


class RetryAction(Enum):
    """What becomes of a failure."""

    RETRY = "retry"  #: try again, as long as the task has retries left
    FAIL = "fail"  #: fail at once, whatever retries are left
    DEFAULT = "default"  #: as if there were no policy


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What a policy says of one failure.

    :param retry_delay: the wait before the next try; ``None``: as the task's ``retry_delay`` has it.
    :param reason: why, for people.
    """

    action: RetryAction = RetryAction.DEFAULT
    retry_delay: timedelta | None = None
    reason: str | None = None

    @classmethod
    def retry(cls, delay: timedelta | None = None, reason: str | None = None) -> RetryDecision:
        """Try again."""
        return cls(RetryAction.RETRY, delay, reason)

    @classmethod
    def fail(cls, reason: str | None = None) -> RetryDecision:
        """Fail at once."""
        return cls(RetryAction.FAIL, None, reason)

    @classmethod
    def default(cls) -> RetryDecision:
        """Say nothing."""
        return cls()


class RetryPolicy(ABC):
    """Says of each failure whether it is tried again, and when. It is not asked about ``FailTask``, nor where a process was
    killed: nobody is there then who could ask.
    """

    @abstractmethod
    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Mapping[str, Any] | None = None,
    ) -> RetryDecision:
        """What becomes of a failure.

        :param try_number: of the try that failed; the first is 1.
        :param max_tries: how many tries there are beyond the first.
        """

    def rules_for_scheduler(self) -> tuple[RetryRuleSpec, ...]:
        """What the scheduler can decide by itself, from the names of the exception's classes, where the task's process was
        ended by its time limit. None, unless a policy consists of such rules."""
        return ()


@dataclass(frozen=True, slots=True)
class RetryRule:
    """What becomes of exceptions of some kinds.

    :param exception: a class, the dotted name of one (imported when a task has failed), or a list of these.
    :param match_subclasses: whether derived classes are meant too.
    """

    exception: Exceptions | Sequence[Exceptions]
    action: RetryAction = RetryAction.RETRY
    retry_delay: timedelta | None = None
    reason: str | None = None
    match_subclasses: bool = True

    def __post_init__(self) -> None:
        for kind in self._kinds():
            is_class = isinstance(kind, type) and issubclass(kind, BaseException)
            if not is_class and not (isinstance(kind, str) and "." in kind.strip(".")):
                raise DefinitionError(
                    f"exception of a RetryRule is an exception class, its dotted name as in 'builtins.ValueError', or a "
                    f"list of these, not {shown(kind)}."
                )
        if not isinstance(self.action, RetryAction):
            raise DefinitionError(f"action of a RetryRule is a RetryAction, not {shown(self.action)}.")
        if self.retry_delay is not None:
            object.__setattr__(self, "retry_delay", duration(self.retry_delay, "retry_delay of a RetryRule"))

    def matches(self, exception: BaseException) -> bool:
        """Whether the exception is of one of these kinds."""
        kinds = tuple(kind for kind in map(_resolved, self._kinds()) if kind is not None)
        return isinstance(exception, kinds) if self.match_subclasses else type(exception) in kinds

    def decision(self, exception: BaseException) -> RetryDecision:
        """What it says of an exception that it matches."""
        reason = self.reason or f"a rule for {type(exception).__name__}"
        return RetryDecision(self.action, self.retry_delay, reason)

    def spec(self) -> RetryRuleSpec:
        """The frozen form."""
        names = [kind if isinstance(kind, str) else class_names(kind)[0] for kind in self._kinds()]
        return RetryRuleSpec(
            exceptions=tuple(names),
            action=self.action.value,
            delay=self.retry_delay.total_seconds() if self.retry_delay is not None else None,
            reason=self.reason,
            subclasses=self.match_subclasses,
        )

    def _kinds(self) -> list[Exceptions]:
        given = self.exception
        return list(given) if isinstance(given, (list, tuple, set, frozenset)) else [given]  # type: ignore[list-item]


class ExceptionRetryPolicy(RetryPolicy):
    """Rules by kind of exception; the first that matches decides.

    :param default: what becomes of an exception that no rule matches.

    >>> ExceptionRetryPolicy([RetryRule(ConnectionError, retry_delay=timedelta(seconds=5)),
    ...                       RetryRule("builtins.PermissionError", RetryAction.FAIL)])
    ExceptionRetryPolicy(2 rules)
    """

    def __init__(self, rules: Sequence[RetryRule], default: RetryAction = RetryAction.DEFAULT) -> None:
        self.rules = list(rules)
        self.default = default
        for rule in self.rules:
            if not isinstance(rule, RetryRule):
                raise DefinitionError(
                    f"The rules of an ExceptionRetryPolicy are RetryRules, not {shown(rule)}."
                )

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Mapping[str, Any] | None = None,
    ) -> RetryDecision:
        for rule in self.rules:
            if rule.matches(exception):
                return rule.decision(exception)
        return RetryDecision(self.default)

    def rules_for_scheduler(self) -> tuple[RetryRuleSpec, ...]:
        return (*(rule.spec() for rule in self.rules), RetryRuleSpec(action=self.default.value))

    def __repr__(self) -> str:
        return f"ExceptionRetryPolicy({len(self.rules)} rules)"


class ChainRetryPolicy(RetryPolicy):
    """Several policies in order; the first that says more than ``DEFAULT`` decides. One that raises says nothing."""

    def __init__(self, policies: Sequence[RetryPolicy]) -> None:
        self.policies = list(policies) if isinstance(policies, (list, tuple)) else []
        if not self.policies or not all(isinstance(policy, RetryPolicy) for policy in self.policies):
            raise DefinitionError(
                f"A ChainRetryPolicy takes a list of retry policies, not {shown(policies)}."
            )

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Mapping[str, Any] | None = None,
    ) -> RetryDecision:
        for decision in self._decisions(exception, try_number, max_tries, context):
            if decision.action is not RetryAction.DEFAULT:
                return decision
        return RetryDecision.default()

    def _decisions(
        self, exception: BaseException, try_number: int, max_tries: int, context: Mapping[str, Any] | None
    ) -> Iterator[RetryDecision]:
        for policy in self.policies:
            yield asked(policy, exception, try_number, max_tries, context)


def asked(
    policy: RetryPolicy,
    exception: BaseException,
    try_number: int,
    max_tries: int,
    context: Mapping[str, Any] | None,
) -> RetryDecision:
    """What the policy says; one that fails says nothing, and the log why."""
    name = type(policy).__name__
    try:
        decision = policy.evaluate(exception, try_number, max_tries, context)
    except Exception as error:
        log.exception("The retry policy %s raised %s; it decides nothing", name, type(error).__name__)
        return RetryDecision.default()
    if not isinstance(decision, RetryDecision):
        log.error(
            "The retry policy %s gave %s, which is no RetryDecision; it decides nothing",
            name,
            shown(decision),
        )
        return RetryDecision.default()
    return decision


def _resolved(kind: Exceptions) -> type[BaseException] | None:
    if isinstance(kind, type):
        return kind
    module, _, name = kind.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        log.warning("The exception class %s of a RetryRule cannot be imported; it matches nothing", kind)
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None

"""Whether an answer answers what was asked, and what stands in its place when the time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tradewind.errors import DefinitionError, Refused
from tradewind.logic.params import resolve_params
from tradewind.model.human_input import InputAnswer, InputRequest


def answered(
    request: InputRequest, options: Sequence[str], params: Mapping[str, Any], by: str, at: datetime
) -> InputAnswer:
    """The answer, checked.

    :param by: who answers.
    :raises Refused: where they may not, or the answer is none.
    """
    if request.assigned_users and by not in request.assigned_users:
        raise Refused(f"{by} may not answer this: it is asked of {', '.join(request.assigned_users)}.")
    chosen = tuple(dict.fromkeys(options))
    known = ", ".join(map(repr, request.options))
    for option in chosen:
        if option not in request.options:
            raise Refused(f"There is no option {option!r}; choose from {known}.")
    if not request.multiple and len(chosen) != 1:
        raise Refused(f"Choose one option, not {len(chosen)}: {known}.")
    unknown = sorted(set(params) - set(request.params))
    if unknown:
        names = ", ".join(map(repr, request.params)) or "none at all"
        raise Refused(f"There is no field {unknown[0]!r} in the form; it has {names}.")
    try:
        values = resolve_params(request.params, params)
    except DefinitionError as error:
        raise Refused(str(error)) from None
    return InputAnswer(chosen_options=chosen, params_input=values, by=by, at=at)


def time_is_over(request: InputRequest, at: datetime) -> InputAnswer:
    """What the task goes on with where nobody has answered: the defaults, if there are any."""
    if request.defaults is None:
        return InputAnswer(error=f"nobody answered by {at.isoformat()}", at=at)
    try:
        values = resolve_params(request.params, {})
    except DefinitionError as error:
        return InputAnswer(
            error=f"nobody answered by {at.isoformat()}, and the defaults do not do: {error}", at=at
        )
    return InputAnswer(chosen_options=request.defaults, params_input=values, at=at)

"""What the author's functions take, and what is passed to them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_origin, is_typeddict

from tradewind.authoring.context import CONTEXT_KEYS
from tradewind.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a function.

    :param positional: those that can be given by position, in order.
    :param named: those that can be given by keyword.
    :param signature: ``None`` where the callable does not tell, as some that are written in C.
    :param open: it has ``**kwargs``.
    """

    signature: inspect.Signature | None
    positional: tuple[str, ...]
    named: frozenset[str]
    open: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Parameters:
        """Read them."""
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            return cls(None, (), frozenset(), open=False)
        parameters = signature.parameters.values()
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return cls(
            signature,
            tuple(p.name for p in parameters if p.kind in by_position),
            frozenset(
                p.name
                for p in parameters
                if p.kind not in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL, p.VAR_KEYWORD)
            ),
            any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters),
        )

    def choose(self, given: int, context: Mapping[str, Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The keywords to pass beside ``given`` positional arguments; ``kwargs`` win over the context."""
        if self.signature is None:
            return dict(kwargs)
        taken = self.positional[:given]
        for name in taken:
            if name in kwargs:
                raise ArgumentError(
                    f"The parameter {name!r} is given twice, by op_args and by op_kwargs: "
                    f"take it out of one of them."
                )
            if name in CONTEXT_KEYS and name in context:
                raise ArgumentError(
                    f"op_args gives a value to the parameter {name!r}, which is filled in from the context: "
                    f"give the parameter another name."
                )
        if self.open:
            merged = {**context, **kwargs}
            return {name: value for name, value in merged.items() if name not in taken}
        chosen = {name: context[name] for name in self.named if name in context and name not in kwargs}
        chosen.update((name, value) for name, value in kwargs.items() if name in self.named)
        return {name: value for name, value in chosen.items() if name not in taken}

    def check_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Refuse what Python would refuse, in its words; what the context fills in may be left out.

        :raises TypeError: as for a plain call.
        """
        if self.signature is None:
            return
        bound = self.signature.bind_partial(*args, **kwargs)
        for name, parameter in self.signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in bound.arguments:
                continue
            if parameter.default is parameter.empty and name not in CONTEXT_KEYS:
                raise TypeError(f"missing a required argument: {name!r}")

    def check_context_defaults(self) -> None:
        """Refuse a default that the context would always replace.

        :raises ArgumentError: naming the parameter.
        """
        for name, parameter in self.signature.parameters.items() if self.signature is not None else ():
            default = parameter.default
            if name in CONTEXT_KEYS and default is not parameter.empty and default is not None:
                raise ArgumentError(
                    f"The parameter {name!r} is filled in from the context, so its default "
                    f"{default!r} would never be used: write {name}=None, or take another name."
                )


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """The parameters of a function, read once; a process that attempts are forked from reads them for all of them."""
    try:
        return _read_once(function)
    except TypeError:  # a callable that cannot be hashed
        return Parameters.of(function)


@lru_cache(maxsize=4096)
def _read_once(function: Callable[..., Any]) -> Parameters:
    return Parameters.of(function)


def call_in_context(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    context: MutableMapping[str, Any],
    templates_dict: Any = None,
) -> Any:
    """Call the author's function with the arguments of its task, and with what it names of the context.

    :return: what it returns; of an ``async`` function, and of one that yields, what it returns in the end.
    """
    if templates_dict is not None:
        context["templates_dict"] = templates_dict
    result = function(*args, **parameters_of(function).choose(len(args), context, kwargs))
    if inspect.iscoroutine(result):
        return importlib.import_module("asyncio").run(result)
    if inspect.isgenerator(result) and inspect.isgeneratorfunction(function):
        return importlib.import_module("tradewind.authoring.yielded").drain(result, context)
    return result


def returns_mapping(function: Callable[..., Any]) -> bool:
    """Whether the function says by its annotation that it returns a dict of some kind."""
    annotation = getattr(function, "__annotations__", {}).get("return")
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, getattr(function, "__globals__", {}))
        except Exception:  # a name that only the type checker knows
            return False
    kind = get_origin(annotation) or annotation
    return is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, Mapping))

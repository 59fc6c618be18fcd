"""What a deliberate fault is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Method = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """A method (or function) of ours, and what stands in its place.

    :param within: so many seeds are enough to find it.
    """

    owner: Any
    name: str
    instead: Callable[[Method], Method]
    within: int = 60

    @contextmanager
    def injected(self) -> Iterator[None]:
        """The fault is there inside the block."""
        original = self.owner.__dict__[self.name]
        setattr(self.owner, self.name, self.instead(original))
        try:
            yield
        finally:
            setattr(self.owner, self.name, original)


FAULTS: dict[str, Fault] = {}


def fault(owner: Any, name: str, within: int = 60) -> Callable[[Callable[[Method], Method]], Fault]:
    """The decorated function makes the broken method from the right one; its own name is the fault's."""

    def note(instead: Callable[[Method], Method]) -> Fault:
        made = FAULTS[instead.__name__] = Fault(owner, name, instead, within)
        return made

    return note

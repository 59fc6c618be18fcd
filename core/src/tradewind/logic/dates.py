"""Dates as people write them: one reading of them, wherever they are written."""

from __future__ import annotations

from datetime import datetime


def read_moment(text: str) -> datetime:
    """A date, or date and time, in ISO 8601; naive where no offset is given.

    :raises ValueError: where it is none. A number such as a count of seconds is none, though a few could be read as one.
    """
    if text.isdigit() and len(text) != 8:
        raise ValueError("a number is no date")
    return datetime.fromisoformat(text)

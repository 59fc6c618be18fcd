"""Messages come out as they went in, whatever pieces they arrive in."""

from __future__ import annotations

import pytest

from tradewind.errors import ImportTimeError
from tradewind.importing import wire
from tradewind.importing.results import ImportedDag, ImportFailure, ImportOptions, ImportResult, LoadedFile

RESULT = ImportResult(
    file="one.py",
    dags=(ImportedDag(dag_id="a", spec="{}", files=("one.py",)),),
    files=(LoadedFile(path="one.py", sha256="00", content=b"\xff\0"),),
    failure=ImportFailure(message="m", file="one.py", line=3),
    looked_at={"one.py": "1"},
    warnings=("w",),
)


@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_pieces_are_put_together(size: int) -> None:
    messages = [
        wire.Setup(ImportOptions(folder="/dags")),
        wire.Import("one.py"),
        wire.Question(1, "variable.get", {"key": "k"}),
        wire.Answer(1, None, "no"),
        wire.Finished(RESULT, ("pendulum",)),
    ]
    data = b"".join(wire.encode(message) for message in messages)
    inbox = wire.Inbox(1000)
    found = [one for at in range(0, len(data), size) for one in inbox.feed(data[at : at + size])]
    assert found == messages


def test_what_is_too_long_or_no_message_is_refused() -> None:
    with pytest.raises(ImportTimeError, match="over the limit of 10"):
        wire.Inbox(10).feed(b"\0\0\0\x0b")
    with pytest.raises(ImportTimeError, match="cannot be read"):
        wire.Inbox(10).feed(b"\0\0\0\x01\xff")

"""Whether an import makes a new version of a DAG: a decision over what is stored and what was found. No I/O.

A version is a spec and the sources that it came from. A file whose sources did not change may yet give another spec: its
author asked the clock or the dice (then nothing of substance changed, and there is a warning), or a Variable, a database, a
listing (then it did).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tradewind.importing.results import ImportResult, LoadedFile
from tradewind.model.spec import DagSpec
from tradewind.serialization.specs import Difference, decode_spec, differences

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Stored:
    """A DAG's current version, as far as a decision needs it."""

    spec_text: str
    source_hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an import of a DAG.

    :param keep: the stored version stays.
    :param warnings: about values that differ from import to import.
    """

    keep: bool
    warnings: tuple[str, ...] = ()


def source_hash(files: Iterable[LoadedFile]) -> str:
    """SHA-256 over the paths and contents of a DAG's files, whatever their order."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        digest.update(f"{file.path}\0{file.sha256}\0".encode())
    return digest.hexdigest()


def is_unsure(result: ImportResult, stored: Mapping[str, Stored]) -> bool:
    """Whether another import is needed to tell chance from change: a spec differs although its sources do not."""
    sources = {file.path: file for file in result.files}
    return any(
        before is not None
        and before.spec_text != it.spec
        and before.source_hash == source_hash(sources[path] for path in it.files)
        for it in result.dags
        for before in (stored.get(it.dag_id),)
    )


def settle(
    result: ImportResult, first: ImportResult | None, stored: Mapping[str, Stored]
) -> dict[str, Verdict]:
    """What becomes of each DAG of an import that the store knows already.

    :param first: the import right before this one, where :func:`is_unsure` asked for two.
    :param stored: what the store has of the result's DAGs.
    """
    sources = {file.path: file for file in result.files}
    others = {it.dag_id: it.spec for it in first.dags} if first is not None else {}
    verdicts = {}
    for it in result.dags:
        before = stored.get(it.dag_id)
        if before is None or before.source_hash != source_hash(sources[path] for path in it.files):
            continue
        if before.spec_text == it.spec:
            verdicts[it.dag_id] = Verdict(keep=True)
            continue
        again = others.get(it.dag_id)
        verdicts[it.dag_id] = decide(
            decode_spec(before.spec_text),
            decode_spec(it.spec),
            None if again is None else decode_spec(again),
            asked=result.asked,
        )
    return verdicts


def decide(stored: DagSpec, fresh: DagSpec, again: DagSpec | None, *, asked: bool) -> Verdict:
    """Whether the stored version stays, although the same sources gave another spec.

    :param again: the spec of one more import right beside ``fresh``.
    :param asked: the file asked for a Variable or a connection, which may have changed.
    """
    by_chance = {it.path for it in differences(fresh, again)} if again is not None else set()
    found = differences(stored, fresh)
    volatile = [
        it for it in found if it.path in by_chance or (not asked and (_is_moment(it) or _is_reordered(it)))
    ]
    return Verdict(keep=len(volatile) == len(found), warnings=tuple(_warning(it) for it in volatile))


def _is_moment(difference: Difference) -> bool:
    """Two imports within a second agree on what the clock says; those of two days do not."""
    return isinstance(difference.old, datetime) and isinstance(difference.new, datetime)


def _is_reordered(difference: Difference) -> bool:
    """A set is in another order in each process that was not forked from the same one."""
    old, new = difference.old, difference.new
    if not (isinstance(old, list | tuple) and isinstance(new, list | tuple)):
        return False
    return sorted(map(repr, old)) == sorted(map(repr, new))


def _warning(difference: Difference) -> str:
    old, new = (_shown(value) for value in (difference.old, difference.new))
    return (
        f"{difference.path} differs from import to import although the file is the same ({old}, then {new}): it comes "
        f"from the clock or from chance. The first value stays; write a fixed one."
    )


def _shown(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."

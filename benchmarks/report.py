"""Figures as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figures import Figure

_HEAD = ("what", "variant", "figure", "budget", "n", "note")


def table(figures: Sequence[Figure]) -> str:
    """All figures, one a line; a figure over its budget has a mark."""
    rows = [_HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def line(figure: Figure) -> str:
    """One figure as it comes in."""
    what, variant, value, budget, n, note = _row(figure)
    limit = f" (budget {budget})" if budget else ""
    return f"{what}{': ' + variant if variant else ''}: {value}{limit}, n={n}{'; ' + note if note else ''}"


def _row(figure: Figure) -> tuple[str, ...]:
    over = figure.budget is not None and figure.value is not None and figure.value > figure.budget
    return (
        figure.what,
        figure.variant,
        ("- " if figure.value is None else f"{figure.value:.4g} {figure.unit}") + (" !" if over else ""),
        "" if figure.budget is None else f"{figure.budget:g} {figure.unit}",
        "" if figure.value is None else str(figure.n),
        figure.note,
    )

"""Writes the table of settings in ``operating.md``: ``python docs/settings.py``."""

from __future__ import annotations

import re
from pathlib import Path

from tradewind.config.sections import Known, known_settings

PAGE = Path(__file__).with_name("operating.md")
BEGIN = "<!-- settings: made by `python docs/settings.py`, checked by the tests -->\n"
END = "<!-- end of settings -->"


def table() -> str:
    """All settings of the core as Markdown."""
    rows = [f"| `{one.name}` | {_default(one)} | {one.doc} |" for one in known_settings()]
    return "\n".join(["", "| setting | default | |", "|---|---|---|", *rows, "", ""])


def page_with_table() -> str:
    """The page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


def _default(one: Known) -> str:
    if one.shown:
        return re.sub(r"<home>/\S+", lambda path: f"`{path[0]}`", one.shown)
    return f"`{str(one.default).lower() if isinstance(one.default, bool) else one.default}`"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(), encoding="utf-8")

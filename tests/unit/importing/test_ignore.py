"""Ignore files say what gitignore files say."""

from __future__ import annotations

import pytest

from tradewind.importing.ignore import is_ignored, parse_ignore_file


@pytest.mark.parametrize(
    ("text", "path", "is_folder", "ignored"),
    [
        ("*.py", "deep/one.py", False, True),
        ("one.py", "deep/one.py", False, True),
        ("/one.py", "deep/one.py", False, False),
        ("/one.py", "one.py", False, True),
        ("deep/one.py", "deeper/deep/one.py", False, False),
        ("**/deep/one.py", "deeper/deep/one.py", False, True),
        ("deep/**/one.py", "deep/one.py", False, True),
        ("deep/**", "deep/a/b.py", False, True),
        ("drafts/", "drafts", True, True),
        ("drafts/", "drafts", False, False),
        ("*.py\n!keep.py", "keep.py", False, False),
        ("!keep.py\n*.py", "keep.py", False, True),
        ("# one.py", "one.py", False, False),
        ("\\#one.py", "#one.py", False, True),
        ("", "one.py", False, False),
        ("one.py  ", "one.py", False, True),
        ("\ufeffone.py\r", "one.py", False, True),
        ("t?st.py", "test.py", False, True),
        ("t?st.py", "t/st.py", False, False),
        ("[!a-c]x.py", "dx.py", False, True),
        ("[!a-c]x.py", "ax.py", False, False),
        ("[one.py", "[one.py", False, True),
        ("a+b(1).py", "a+b(1).py", False, True),
    ],
)
def test_a_pattern_fits_what_gitignore_says(text: str, path: str, is_folder: bool, ignored: bool) -> None:
    assert is_ignored(path, is_folder, parse_ignore_file(text)) is ignored


def test_patterns_count_from_their_own_folder() -> None:
    patterns = parse_ignore_file("/one.py", "team/")
    assert is_ignored("team/one.py", False, patterns)
    assert not is_ignored("one.py", False, patterns)
    assert not is_ignored("team/deep/one.py", False, patterns)

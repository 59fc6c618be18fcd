"""What must never be in the repository, and how large a file may grow."""

import re
import subprocess
from pathlib import Path

import pytest

LONGEST = 400  #: lines of a module: what can be read in one go
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".ini",
    ".txt",
    ".json",
    ".cfg",
    ".yml",
    ".yaml",
    ".sh",
    ".sql",
    ".html",
    ".css",
    ".ts",
    "",
}

#: Written in pieces, so that this file does not find itself.
FORBIDDEN = {
    "a path of somebody's machine": "|".join(
        [r"/work" + r"/", "/tmp" + r"/wt", "/root" + r"/", r"/home/" + r"[a-z]+/"]
    ),
    "the address of a package registry": "|".join(
        [r"pypi" + r"\.org", r"files\.pythonhosted" + r"\.org", r"registry\.npmjs" + r"\.org"]
    ),
    "where npm found a package": r'"resol' + r'ved":',
    "a lock file's address": r"registry = \{" + " url",
}


@pytest.fixture(scope="module")
def files(root) -> list[Path]:
    """Everything that is, or could be, committed."""
    try:
        git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(git, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    return [root / name for name in sorted(set(listed)) if (root / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what, files, root):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path in files
        if path.suffix in TEXT and path.name != "uv.lock"
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_no_module_is_too_long_to_be_read_in_one_go(files, root):
    lengths = {
        path.relative_to(root): len(path.read_text().splitlines()) for path in files if path.suffix == ".py"
    }
    assert {
        str(path): length for path, length in lengths.items() if length > LONGEST and path.parts[0] != "tests"
    } == {}


def test_every_module_of_the_packages_says_what_it_is_for(files, root):
    silent = [
        str(path.relative_to(root))
        for path in files
        if path.suffix == ".py"
        and "src" in path.relative_to(root).parts
        and (text := path.read_text().strip())
        if not text.startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_versions_are_pinned_by_name_and_number_alone(root):
    line = re.compile(r"[a-z0-9-]+==[0-9][^ ]*( ; [^@]*)?\Z")
    pins = (root / "constraints.txt").read_text().splitlines()
    assert [pin for pin in pins if not line.match(pin)] == []

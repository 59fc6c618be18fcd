"""Whatever a DAG file does while it is imported, its author is told, and the next file does not notice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tradewind.errors import NotFound
from tradewind.importing.client import ImportServer
from tradewind.importing.results import ImportFailure, ImportOptions, ImportResult, Limits
from tradewind.serialization.specs import decode_spec

pytestmark = pytest.mark.integration

GOOD = "from tradewind import DAG, EmptyOperator\nwith DAG('good'):\n    EmptyOperator(task_id='only')\n"
LIMITS = Limits(timeout=5.0, memory_mb=256, max_file_mb=1.0, output_kib=4)

Import = Callable[..., ImportResult]


class Folder:
    """A DAG folder with an import server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.options = ImportOptions(folder=str(path), limits=LIMITS)
        self.variables: dict[str, str] = {}
        self.server = ImportServer(self.options, self._answer)

    def _answer(self, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "variable.get":
            return self.variables.get(arguments["key"])
        raise NotFound("connection", arguments["conn_id"], cure="Add it first.")

    def limit(self, **limits: float) -> None:
        self.server.close()
        self.options = replace(self.options, limits=replace(LIMITS, **limits))  # type: ignore[arg-type]
        self.server = ImportServer(self.options, self._answer)

    def write(self, content: str | bytes, name: str = "one.py") -> str:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def load(self, content: str | bytes, name: str = "one.py") -> ImportResult:
        return self.server.import_file(self.write(content, name))

    def failure(self, content: str | bytes) -> ImportFailure:
        """The failure of a file; a good file right after it must not notice."""
        result = self.load(content)
        assert result.failure is not None
        assert result.dags == ()
        assert [dag.dag_id for dag in self.load(GOOD, "good.py").dags] == ["good"]
        return result.failure


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path / "dags")
    made.path.mkdir()
    yield made
    made.server.close()


def test_a_syntax_error_has_its_line(folder: Folder) -> None:
    failure = folder.failure("import os\n\ndef broken(:\n    pass\n")
    assert (failure.file, failure.line) == ("one.py", 3)
    assert "SyntaxError" in failure.message


def test_an_import_error_has_its_line_and_names_the_module(folder: Folder) -> None:
    failure = folder.failure("import os\nimport no_such_package\n")
    assert failure.line == 2
    assert "no_such_package" in failure.message
    assert "importing/child.py" not in failure.traceback


def test_a_helper_that_was_edited_within_the_second_is_seen_as_it_is_now(folder: Folder) -> None:
    dag_file = (
        "from tradewind import DAG\nimport helper\nfrom package import inner\nDAG(helper.NAME + inner.NAME)\n"
    )
    dag_file = dag_file.replace("DAG(h", "dag = DAG(h")
    folder.write("", "package/__init__.py")
    found = []
    for name in "abc":
        folder.write(f"NAME = '{name}'\n", "helper.py")
        folder.write(f"NAME = '{name}'\n", "package/inner.py")
        found += [dag.dag_id for dag in folder.load(dag_file).dags]

    assert found == ["aa", "bb", "cc"]
    assert list(folder.path.rglob("*.pyc")) == []


def test_an_error_in_a_helper_names_the_helper_and_the_line_that_imports_it(folder: Folder) -> None:
    folder.write("x = 1\n1 / 0\n", "helper.py")
    failure = folder.failure("\n\nimport helper\n")
    assert failure.line == 3
    assert failure.message.startswith("helper.py:2: ZeroDivisionError")


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("# caf\xe9\nx = 1\n".encode("latin-1"), 1, "Save the file as UTF-8"),
        (b"x = 1\ny = '\xff'\n", 2, "Save the file as UTF-8"),
        (b"# -*- coding: no-such-thing -*-\n", 1, "no-such-thing"),
        (b"x = 1\ny = '\0'\n", 2, "null bytes"),
        (GOOD.encode("utf-16"), 1, "UTF-16"),
    ],
)
def test_a_file_that_is_no_text_says_so(folder: Folder, content: bytes, line: int, words: str) -> None:
    failure = folder.failure(content)
    assert failure.line == line
    assert words in failure.message


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        ("# -*- coding: latin-1 -*-\n# caf\xe9\n" + GOOD).encode("latin-1"),
    ],
    ids=["byte order mark", "carriage returns", "another encoding"],
)
def test_other_ways_to_write_text_are_fine(folder: Folder, content: bytes) -> None:
    result = folder.load(content)
    assert (result.failure, [dag.dag_id for dag in result.dags]) == (None, ["good"])
    assert result.files[0].content == content


def test_an_empty_file_has_no_dags(folder: Folder) -> None:
    result = folder.load(b"")
    assert (result.failure, result.dags) == (None, ())


def test_a_huge_file_is_not_even_read(folder: Folder) -> None:
    failure = folder.failure(b"#" * 50_000_000)
    assert "50.0 MB" in failure.message
    assert "1 MB" in failure.message


def test_a_file_that_is_gone_or_no_file_says_so(folder: Folder) -> None:
    gone = folder.server.import_file("gone.py").failure
    assert gone is not None
    assert "gone.py" in gone.message
    (folder.path / "folder.py").mkdir()
    no_file = folder.server.import_file("folder.py").failure
    assert no_file is not None
    assert "folder.py" in no_file.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import sys\nsys.exit()\n", "must not end the process"),
        ("import sys\nsys.exit('no')\n", "SystemExit: no"),
        ("import os\nos._exit(3)\n", "exit code 3"),
        ("import os\nos._exit(0)\n", "exit code 0"),
        ("\nraise BaseException('odd')\n", "BaseException: odd"),
        ("\nraise KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("\nraise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})\n", "Mute"),
        ("def again():\n    again()\nagain()\n", "RecursionError"),
        ("import os\nos.kill(os.getpid(), 15)\n", "SIGTERM"),
        ("import os\nos.abort()\n", "SIGABRT"),
    ],
)
def test_ending_the_process_is_the_files_own_failure(folder: Folder, content: str, words: str) -> None:
    assert words in folder.failure(content).message


def test_a_crash_names_the_signal_and_the_line(folder: Folder) -> None:
    failure = folder.failure("import ctypes\n\nctypes.string_at(0)\n")
    assert "SIGSEGV" in failure.message
    assert failure.line == 3


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("x = 1\nwhile True: pass\n", 2),
        ("import time\ntime.sleep(1e6)\n", 2),
        ("import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n", 4),
        (
            "import signal, time\nfor n in (2, 15, 10, 1):\n    signal.signal(n, signal.SIG_IGN)\ntime.sleep(99)\n",
            4,
        ),
        (
            "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass\n",
            3,
        ),
        ("import threading\nthreading.Thread(target=threading.Event().wait).start()\nwhile True: pass\n", 3),
    ],
    ids=["loop", "sleep", "deadlock", "deaf", "catches all", "threads"],
)
def test_an_import_that_hangs_is_stopped_and_says_where(folder: Folder, content: str, line: int) -> None:
    folder.limit(timeout=0.5)
    began = time.monotonic()
    failure = folder.failure(content)
    assert time.monotonic() - began < 3
    assert "longer than 0.5 seconds" in failure.message
    assert (failure.limit, failure.line) == ("timeout", line)


def test_a_thread_that_goes_on_does_not_keep_the_import_from_ending(folder: Folder) -> None:
    result = folder.load("import threading\nthreading.Thread(target=threading.Event().wait).start()\n" + GOOD)
    assert [dag.dag_id for dag in result.dags] == ["good"]


def test_nobody_can_type_anything_in(folder: Folder) -> None:
    failure = folder.failure("\nname = input()\n")
    assert failure.line == 2
    assert "EOFError" in failure.message
    assert "Nobody can type" in failure.message


def test_a_helper_that_hangs_is_worth_another_import_when_it_changes(folder: Folder) -> None:
    folder.limit(timeout=0.5)
    folder.write("while True:\n    pass\n", "slow/helper.py")
    result = folder.load("from slow import helper\n")
    assert set(result.looked_at) >= {"one.py", "slow/helper.py"}


def test_too_much_memory_is_refused_by_name(folder: Folder) -> None:
    failure = folder.failure("x = 1\ny = bytearray(10 << 30)\n")
    assert (failure.limit, failure.line) == ("memory", 2)
    assert "256 MB" in failure.message


def test_memory_that_grows_bit_by_bit_is_refused_too(folder: Folder) -> None:
    failure = folder.failure("x = []\nwhile True:\n    x.append(bytearray(1 << 20))\n")
    assert failure.limit == "memory"


def test_too_many_open_files_are_refused_with_the_limit(folder: Folder) -> None:
    failure = folder.failure("files = [open(__file__) for _ in range(10_000)]\n")
    assert "1024 files open" in failure.message


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("escape", ["", "os.setsid()", "os.setsid() or os.fork() and os._exit(0)"])
def test_processes_that_are_left_behind_are_gone_afterwards(
    folder: Folder, tmp_path: Path, escape: str
) -> None:
    note = tmp_path / "pid"
    content = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        f"    {escape or 'pass'}\n"
        f"    open({str(note)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(1000)\n"
        f"while not os.path.exists({str(note)!r}) or not open({str(note)!r}).read(): time.sleep(0.01)\n"
    )
    assert [dag.dag_id for dag in folder.load(content + GOOD).dags] == ["good"]
    deadline = time.monotonic() + 2
    while alive(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(int(note.read_text()))


def test_a_fork_that_runs_on_hands_nothing_in(folder: Folder) -> None:
    content = (
        "import os, time\npid = os.fork()\nif pid: time.sleep(0.2)\nname = 'parent' if pid else 'copy'\n"
    )
    result = folder.load(content + GOOD.replace("'good'", "name"))
    assert [dag.dag_id for dag in result.dags] == ["parent"]


def test_what_is_printed_is_kept_in_part(folder: Folder) -> None:
    content = "import os\nprint('first words')\nfor _ in range(100): os.write(1, b'x' * 1_000_000)\nprint('last words')\n"
    result = folder.load(content + GOOD)
    assert [dag.dag_id for dag in result.dags] == ["good"]
    assert result.output.startswith("first words")
    assert result.output.endswith("last words\n")
    assert len(result.output) < 20_000
    assert "bytes left out" in result.output


def test_what_a_file_turns_over_stays_its_own(folder: Folder) -> None:
    vandal = """
import builtins, json, logging, os, random, signal, sys, tempfile, warnings
os.chdir("/")
os.environ.clear()
os.umask(0o777)
for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
logging.disable(logging.CRITICAL)
logging.getLogger().handlers[:] = []
sys.path[:] = []
sys.modules.clear()
json.dumps = json.loads = None
builtins.open = builtins.len = None
sys.stdout = sys.stderr = None
sys.setrecursionlimit(50)
warnings.simplefilter("error")
"""
    folder.load(vandal)
    check = """
import json, logging, os, signal, sys
assert os.getcwd() != "/", os.getcwd()
assert "PATH" in os.environ
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
assert logging.getLogger().manager.disable == 0
assert json.loads(json.dumps([1])) == [1]
assert sys.getrecursionlimit() > 500
"""
    result = folder.load(check + GOOD, "good.py")
    assert (result.failure, [dag.dag_id for dag in result.dags]) == (None, ["good"])


def test_a_file_that_spoils_what_everybody_uses_spoils_only_itself(folder: Folder) -> None:
    result = folder.load(
        GOOD
        + "import builtins, json, sys\nbuiltins.open = builtins.len = json.dumps = None\nsys.stdout = None\n"
    )
    assert result.failure is not None or [dag.dag_id for dag in result.dags] == ["good"]
    assert folder.load(GOOD, "good.py").failure is None


@pytest.mark.parametrize(
    "content",
    [
        "import os\nos.closerange(0, 1000)\n",
        "import os\nos.closerange(3, 1000)\n",
        "import os\nos.close(3)\n",
    ],
)
def test_closing_what_is_not_its_own_is_told(folder: Folder, content: str) -> None:
    assert "closed descriptors" in folder.failure(content).message


def test_writing_to_what_is_not_its_own_is_told(folder: Folder) -> None:
    assert (
        "descriptor that is not its own"
        in folder.failure("import os\nos.write(3, b'x' * 1000)\nwhile 1: pass\n").message
    )


def test_too_large_a_result_is_refused(folder: Folder) -> None:
    folder.limit(max_result_mb=1, max_file_mb=10)
    failure = folder.failure(GOOD.replace("'good'", "'good', description='x' * 2_000_000"))
    assert failure.limit == "size"


def test_modules_templates_and_files_that_are_read_belong_to_the_version(folder: Folder) -> None:
    folder.write("def name(): return 'good'\n", "lib/naming.py")
    folder.write("select 1", "query.sql")
    folder.write("a,b", "data/rows.csv")
    content = """
import os
from tradewind import DAG, PythonOperator
from lib.naming import name

rows = open(os.path.join(os.path.dirname(__file__), "data", "rows.csv")).read()

class Sql(PythonOperator):
    template_fields = ("sql",)
    template_ext = (".sql",)

    def __init__(self, sql, **more):
        super().__init__(python_callable=print, **more)
        self.sql = sql

with DAG(name()):
    Sql(task_id="only", sql="query.sql")
"""
    result = folder.load(content)
    assert result.failure is None, result.failure
    assert result.dags[0].files[0] == "one.py"
    assert set(result.dags[0].files) >= {"one.py", "lib/naming.py", "query.sql", "data/rows.csv"}
    assert set(result.looked_at) >= {"one.py", "lib/naming.py", "query.sql", "data/rows.csv"}
    assert {file.path: file.content for file in result.files}["query.sql"] == b"select 1"
    assert not list(folder.path.rglob("*.pyc"))


def test_an_edit_of_the_same_length_within_the_same_second_is_seen(folder: Folder) -> None:
    for number in range(5):
        folder.write(f"name = 'dag_{number}'\n", "naming.py")
        result = folder.load("import naming\n" + GOOD.replace("'good'", "naming.name"))
        assert [dag.dag_id for dag in result.dags] == [f"dag_{number}"]


def test_variables_are_answered_at_the_top_level(folder: Folder) -> None:
    folder.variables["name"] = "from_variable"
    result = folder.load("from tradewind import Variable\n" + GOOD.replace("'good'", "Variable.get('name')"))
    assert [dag.dag_id for dag in result.dags] == ["from_variable"]
    assert result.asked
    assert not folder.load(GOOD, "good.py").asked


def test_a_missing_variable_is_an_error_at_its_line(folder: Folder) -> None:
    failure = folder.failure("from tradewind import Variable\nVariable.get('nmae')\n")
    assert failure.line == 2
    assert "nmae" in failure.message


def test_what_is_refused_says_why(folder: Folder) -> None:
    refused = folder.failure("from tradewind import BaseHook\n\nBaseHook.get_connection('shop')\n")
    assert refused.line == 3
    assert "shop" in refused.message
    changing = folder.failure("from tradewind import Variable\nVariable.set('a', 'b')\n")
    assert "Cannot set the variable 'a' while a DAG file is imported" in changing.message


def test_the_store_is_not_to_be_seen(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_ADDRESS", "x")
    folder.server.close()
    folder.server = ImportServer(replace(folder.options, hidden=("SECRET_ADDRESS",)), folder._answer)
    result = folder.load("import os\nassert 'SECRET_ADDRESS' not in os.environ\n" + GOOD)
    assert result.failure is None


def test_two_dags_of_one_id_in_a_file_are_an_error_that_names_both_lines(folder: Folder) -> None:
    failure = folder.failure(GOOD + "with DAG('good'):\n    EmptyOperator(task_id='other')\n")
    assert failure.line == 4
    assert "one.py:2" in failure.message


def test_warnings_come_back_with_their_line(folder: Folder) -> None:
    result = folder.load("import warnings\nwarnings.warn('old way', DeprecationWarning)\n" + GOOD)
    assert result.warnings == ("one.py:2: DeprecationWarning: old way",)


def test_a_dag_comes_back_whole(folder: Folder) -> None:
    result = folder.load(GOOD)
    spec = decode_spec(result.dags[0].spec)
    assert (spec.dag_id, spec.file, [task.task_id for task in spec.tasks]) == ("good", "one.py", ["only"])


def test_a_server_that_is_killed_while_idle_is_replaced(folder: Folder) -> None:
    folder.load(GOOD)
    os.kill(folder.server._pid, 9)
    assert [dag.dag_id for dag in folder.load(GOOD).dags] == ["good"]


def test_a_server_ends_with_its_owner_and_takes_the_import_along(tmp_path: Path) -> None:
    script = tmp_path / "owner.py"
    note = tmp_path / "pid"
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "one.py").write_text(
        f"import os, time\nopen({str(note)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\ntime.sleep(1000)\n"
    )
    script.write_text(
        "from tradewind.importing.client import ImportServer\n"
        "from tradewind.importing.results import ImportOptions\n"
        f"ImportServer(ImportOptions(folder={str(dags)!r}), lambda *_: None).import_file('one.py')\n"
    )
    owner = subprocess.Popen([sys.executable, str(script)])
    deadline = time.monotonic() + 10
    while not (note.exists() and len(note.read_text().split()) == 2) and time.monotonic() < deadline:
        time.sleep(0.01)
    owner.kill()
    owner.wait()
    pids = [int(word) for word in note.read_text().split()]
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(alive(pid) for pid in pids)

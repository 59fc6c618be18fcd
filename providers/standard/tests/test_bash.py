"""The shell command as a user meets it: exit codes, output, environment, and its end."""

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tradewind import DAG, task
from tradewind.errors import ArgumentError, DefinitionError, SkipTask, TradewindError
from tradewind_standard import BashOperator


def context(task_id="b"):
    instance = SimpleNamespace(dag_id="d", task_id=task_id, run_id="r", try_number=2, map_index=-1)
    return {"ti": instance, "task": SimpleNamespace(owner="ann")}


def run(command, **arguments):
    return BashOperator(task_id="b", bash_command=command, **arguments).execute(context())


def test_the_last_line_of_both_streams_is_the_result_and_all_of_it_is_logged(capfd):
    assert run("echo one; echo two >&2; echo three") == "three"
    assert capfd.readouterr().out == "one\ntwo\nthree\n"


def test_a_failure_tells_the_exit_code_and_the_last_line():
    with pytest.raises(TradewindError, match=r"exit code 3; the last line it wrote was: no such city"):
        run("echo no such city >&2; exit 3")


def test_a_command_that_was_killed_tells_the_signal():
    with pytest.raises(TradewindError, match=r"killed by signal 9 \(SIGKILL\)"):
        run("kill -9 $$")


@pytest.mark.parametrize(("code", "codes"), [(99, 99), (7, 7), (8, [7, 8]), (9, (9,))])
def test_a_skip_code_skips(code, codes):
    with pytest.raises(SkipTask, match=f"exit code {code}"):
        run(f"exit {code}", skip_on_exit_code=codes)


def test_no_code_skips_where_none_is_asked_for():
    with pytest.raises(TradewindError, match="exit code 99"):
        run("exit 99", skip_on_exit_code=None)


def test_an_environment_that_is_given_replaces_the_one_of_the_task_unless_it_is_appended(monkeypatch):
    monkeypatch.setenv("SEEN", "outer")

    assert run("echo ${SEEN:-none}/$OWN", env={"OWN": "1"}) == "none/1"
    assert run("echo ${SEEN:-none}/$OWN", env={"OWN": "1"}, append_env=True) == "outer/1"
    assert run("echo ${SEEN:-none}") == "outer"


def test_the_command_knows_which_task_runs_it_by_both_names():
    names = ("DAG_ID", "TASK_ID", "DAG_RUN_ID", "TRY_NUMBER", "DAG_OWNER")
    for prefix in ("TRADEWIND_CTX_", "AIRFLOW_CTX_"):
        told = run("echo " + "/".join(f"${prefix}{name}" for name in names), env={"A": "b"})
        assert told == "d/b/r/2/ann"


def test_it_runs_in_a_folder_that_is_gone_afterwards_or_in_the_one_that_is_named(tmp_path):
    scratch = run("echo $PWD")
    assert not os.path.exists(scratch)
    assert run("echo $PWD", cwd=str(tmp_path)) == str(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TradewindError, match=r"nowhere' \(cwd\) does not exist"):
        run("true", cwd=str(tmp_path / "nowhere"))


def test_output_that_is_not_in_the_encoding_is_kept_as_escapes():
    assert run(r"printf 'caf\xe9\n'") == r"caf\xe9"
    assert run(r"printf 'caf\xe9\n'", output_encoding="latin-1") == "café"


def test_a_command_longer_than_an_argument_may_be_runs_all_the_same():
    assert run("true " + "x" * 200_000 + "\necho done") == "done"


def test_output_is_processed_when_asked():
    assert run("""echo '{"a": 1}'""", output_processor=json.loads) == {"a": 1}


def test_a_process_left_in_the_background_does_not_hold_the_task_up(capfd):
    began = time.monotonic()
    assert run("sleep 30 & echo $! ; echo started") == "started"
    assert time.monotonic() - began < 10
    out = capfd.readouterr().out
    assert "background" in out
    os.kill(int(out.splitlines()[0]), signal.SIGKILL)


@pytest.mark.parametrize("command", ["", "  ", None, 5])
def test_what_is_no_command_is_refused(command):
    with pytest.raises(DefinitionError, match="must be a command"):
        run(command)


def test_a_function_gives_the_command_and_templates_in_it_are_rendered():
    with DAG("d") as dag:

        @task.bash(env={"OWN": "{{ not rendered again }}"})
        def greet(name, ds):
            return f"echo {name} $OWN on {ds} {{{{ 1 + 1 }}}}"

        greet("ann")

    told = dag.task_dict["greet"].execute({**context(), "ds": "2024-01-01"})

    assert told == "ann {{ not rendered again }} on 2024-01-01 2"


def test_a_function_that_gives_no_command_is_named():
    with DAG("d") as dag:

        @task.bash
        def silent():
            return None

        silent()

    with pytest.raises(
        DefinitionError, match=r"silent\(\) under @task.bash must return a command as text, not None"
    ):
        dag.task_dict["silent"].execute(context())


def test_an_unknown_argument_names_the_operator():
    with pytest.raises(ArgumentError, match="bash_comand"):
        BashOperator(task_id="b", bash_command="true", bash_comand="true")


def test_the_package_costs_nothing_to_import():
    seen = "import sys, tradewind_standard; print('tradewind_standard.bash' in sys.modules, 'subprocess' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "False"]
    assert importlib.import_module("tradewind_standard").BashOperator is BashOperator


SCRIPT = """
import os, signal, sys, time
from types import SimpleNamespace
from tradewind_standard import BashOperator
if {session}:
    os.setsid()
operator = BashOperator(task_id="b", bash_command={command!r})
def kill(*_):
    operator.on_kill()
    sys.exit(7)
signal.signal(signal.SIGTERM, kill)
operator.execute({{}})
"""


@pytest.mark.integration
@pytest.mark.parametrize("session", [True, False])
def test_what_the_command_started_ends_with_the_task(session, tmp_path):
    command = (
        f"sh -c 'echo $$ > {tmp_path}/inner.part; mv {tmp_path}/inner.part {tmp_path}/inner; sleep 60'; echo"
    )
    task = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT).format(session=session, command=command)],
        stdout=subprocess.DEVNULL,
    )
    wait_for((tmp_path / "inner").exists)
    inner = int((tmp_path / "inner").read_text())

    task.terminate()

    assert task.wait(20) == 7
    wait_for(lambda: not alive(inner))


@pytest.mark.integration
def test_a_task_that_leads_a_session_keeps_its_command_in_its_process_group(tmp_path):
    command = f"ps -o pgid= -p $$ > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/group; sleep 60"
    task = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(session=True, command=command)], stdout=subprocess.DEVNULL
    )
    wait_for((tmp_path / "group").exists)

    assert int((tmp_path / "group").read_text()) == task.pid

    os.killpg(task.pid, signal.SIGKILL)
    task.wait(20)


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)

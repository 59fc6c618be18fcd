"""Template fields: what is rendered, from where, and what an error says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def operator(fields: str, values: str, ending: str = "()") -> str:
    return f"""
    class Shows(BaseOperator):
        template_fields = {fields}
        template_ext = {ending}
        def __init__(self, value, **kwargs):
            super().__init__(**kwargs)
            self.value = value
        def execute(self, context): return self.value
    Shows(task_id="t", value={values})
    """


def test_templates_are_rendered_wherever_they_are_nested(run: Run) -> None:
    value = "{'k{{ ds }}': [('{{ ds }}', 1), {'{{ ds_nodash }}'}], 'n': None}"
    expected = {"k{{ ds }}": [("2024-06-03", 1), {"20240603"}], "n": None}
    assert run(operator("('value',)", value)).value() == expected


def test_an_object_with_template_fields_of_its_own_is_rendered_too(run: Run) -> None:
    body = """
    class Query:
        template_fields = ("sql",)
        def __init__(self): self.sql = "{{ ds }}"
    def show(query): return query.sql
    PythonOperator(task_id="t", python_callable=show, op_args=[Query()])
    """
    assert run(body).value() == "2024-06-03"


def test_a_file_with_a_template_is_read_from_beside_the_dag(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "q.sql").write_text("SELECT '{{ ds }}'\n{% include 'sql/tail.sql' %}")
    (tmp_path / "sql" / "tail.sql").write_text("LIMIT 1\n")
    assert run(operator("('value',)", "'sql/q.sql'", "('.sql',)")).value() == "SELECT '2024-06-03'\nLIMIT 1"


def test_a_search_path_inside_the_dag_folder_is_found_in_the_unpacked_version(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "a.sql").write_text("{{ ds }}")
    arguments = "schedule=None, template_searchpath=['/srv/dags/q']"
    assert (
        run(operator("('value',)", "'a.sql'", "('.sql',)"), dag_arguments=arguments).value() == "2024-06-03"
    )


@pytest.mark.parametrize("name", ["../secret.sql", "/etc/hostname", "sql/../../secret.sql"])
def test_a_template_reads_no_file_outside_of_the_dag_folder(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.sql").write_text("x")
    (tmp_path / "q.sql").write_text(f"{{% include {name!r} %}}")
    reason = run(operator("('value',)", "'q.sql'", "('.sql',)")).outcome.reason
    assert reason.startswith("TemplateError: Task 't': the template field value cannot be rendered")
    assert name in reason


@pytest.mark.parametrize("name", ["nowhere.sql", "../secret.sql"])
def test_a_file_that_is_not_there_is_an_error_naming_the_field(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.sql").write_text("x")
    reason = run(operator("('value',)", repr(name), "('.sql',)")).outcome.reason
    assert (
        f"Task 't': the template field value cannot be rendered from '{name}': there is no such file"
        in reason
    )


@pytest.mark.parametrize(
    ("template", "cause"),
    [
        ("{{ nope.x }}", "'nope' is undefined."),
        ("{{ 1/0 }}", "ZeroDivisionError: division by zero."),
        ("{{ ds", "unexpected end of template"),
        ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ 'a' * 10**9 }}", "what * makes has more than 10000000 items"),
        ("{{ 2 ** 1000000000 }}", "a power of 1000000000 is too large"),
        ("{% for i in range(10**9) %}{% endfor %}", "Range too big"),
        ("{{ var.value.nope }}", "There is no variable 'nope'."),
        ("{{ conn.nope.host }}", "There is no connection 'nope'."),
    ],
)
def test_an_error_names_task_field_template_and_cause(run: Run, template: str, cause: str) -> None:
    reason = run(f"@task\ndef t(a): pass\nt({{'k': [{template!r}]}})").outcome.reason
    assert reason.startswith(
        "TemplateError: Task 't': the template field op_args[0]['k'][0] cannot be rendered"
    )
    assert cause in reason


def test_an_endless_template_is_ended_by_the_time_limit(run: Run) -> None:
    nested = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    assert "TaskTimeout" in run(f"@task\ndef t(a): pass\nt({nested!r})", timeout=0.1).outcome.reason


def test_a_field_that_does_not_exist_is_an_error(run: Run) -> None:
    reason = run(operator("('value', 'valeu')", "'{{ ds }}'")).outcome.reason
    assert "Shows names 'valeu' in template_fields, but has no such attribute" in reason


def test_text_without_braces_stays_as_it_is(run: Run) -> None:
    assert run(operator("('value',)", "['5', '', 'a{b']")).value() == ["5", "", "a{b"]


def test_natively_a_template_gives_a_value(run: Run) -> None:
    arguments = "schedule=None, render_template_as_native_obj=True"
    body = "@task\ndef t(*a): return a\nt('{{ [1, ds] }}', '5', '{{ params.p }}')"
    assert run(body, dag_arguments=arguments + ", params={'p': {'x': [1]}}").value() == (
        [1, "2024-06-03"],
        5,
        {"x": [1]},
    )


def test_the_dag_is_left_as_it_was(loaded: Any, system: Any, order: Any) -> None:
    runner = loaded("@task\ndef t(a): return a\nt('{{ run_id }}')")
    for run_id in ("one", "two"):
        _, (xcom,) = runner.run(order(run_id=run_id), system)
        assert xcom.value == f'"{run_id}"'.encode()


def test_macros_of_plugins_have_their_plugins_name(run: Run) -> None:
    settings = {"macros": {"acme": {"join": "os.path:join"}}}
    body = (
        '@task\ndef t(a): return a\nt(\'{{ macros.acme.join("a", "b") }} {{ macros.acme.nope is defined }}\')'
    )
    assert run(body, settings).value() == "a/b False"


def test_a_macro_whose_package_is_missing_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    reason = run("@task\ndef t(a): pass\nt('{{ macros.yaml.safe_load(\"a: 1\") }}')").outcome.reason
    assert "There is no package 'PyYAML'. This macro needs it: pip install PyYAML." in reason

"""What an import found is kept: versions only where something changed, errors and warnings as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tradewind.errors import NotFound, StoreError
from tradewind.model.order import VersionBundle
from tradewind.model.spec import DagSpec
from tradewind.store.dags import DagRepository
from tradewind.store.engine import Store
from tradewind.store.imports import FileImport, ImportRepository, ImportResult
from tradewind.store.rows import FoundDag, ImportProblem
from tradewind.store.tables import source_file

from .samples import DAY

Record = Callable[..., ImportResult]


def found(dag_id: str, spec: str = "1", source: bytes = b"x", **more: object) -> FoundDag:
    return FoundDag(
        dag_id=dag_id,
        spec_text=f"{dag_id}:{spec}",
        spec_hash=spec,
        source_hash=source.hex(),
        files=((f"{dag_id}.py", source), ("sql/query.sql", b"select 1")),
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def imports(store: Store) -> ImportRepository:
    return ImportRepository(store)


@pytest.fixture
def dags(store: Store) -> DagRepository:
    return DagRepository(store, decode_spec=lambda text: DagSpec(dag_id=text.split(":")[0], description=text))


@pytest.fixture
def record(imports: ImportRepository) -> Record:
    def ids() -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"version-{number}"

    numbers = ids()

    def keep(
        *dags: FoundDag,
        file: str = "one.py",
        problems: tuple[ImportProblem, ...] = (),
        folder: str = "/dags",
        visiting: bool = False,
        **more: bool,
    ) -> ImportResult:
        one = FileImport(
            folder=folder, file=file, dags=dags, problems=problems, seconds=0.25, visiting=visiting
        )
        kept = imports.record(one, now=DAY, new_id=lambda: next(numbers), **more)
        assert set(kept.versions) == {one.dag_id for one in dags} - {dag_id for dag_id, _ in kept.refused}
        return replace(kept, versions={})

    return keep


def test_a_new_dag_is_kept_paused_with_its_first_version(record: Record, dags: DagRepository) -> None:
    assert record(found("a"), found("b")) == ImportResult(new=("a", "b"), changed=("a", "b"))
    row = dags.get("a")
    assert (row.paused, row.is_stale, row.folder, row.file) == (True, False, "/dags", "one.py")
    assert (row.imported_at, row.import_seconds) == (DAY, 0.25)
    version = dags.current_version("a")
    assert (version.number, version.spec.description) == (1, "a:1")
    assert [file.path for file in version.files] == ["a.py", "sql/query.sql"]


@pytest.mark.parametrize(
    ("default", "own", "paused"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_a_dags_own_word_goes_before_the_setting(
    record: Record, dags: DagRepository, default: bool, own: bool | None, paused: bool
) -> None:
    record(found("a", paused_at_creation=own), paused_default=default)
    assert dags.get("a").paused is paused


def test_importing_again_leaves_the_switch_and_the_schedulers_columns_alone(
    store: Store, record: Record, dags: DagRepository
) -> None:
    record(found("a"))
    with store.write() as connection:
        from tradewind.store.tables import dag

        connection.execute(dag.update().values(paused=False, cursor_end=DAY))
    assert record(found("a", spec="2")) == ImportResult(changed=("a",))
    assert (dags.get("a").paused, dags.get("a").cursor_end) == (False, DAY)


def test_a_version_is_made_only_where_the_spec_or_the_sources_changed(
    record: Record, dags: DagRepository
) -> None:
    record(found("a"))
    assert record(found("a")) == ImportResult()
    assert record(found("a", source=b"y")).changed == ("a",)
    assert record(found("a", spec="2", source=b"y")).changed == ("a",)
    assert [one.number for one in dags.versions("a")] == [1, 2, 3]


def test_a_dag_that_goes_back_and_forth_has_two_versions(record: Record, dags: DagRepository) -> None:
    for spec in ("1", "2", "1", "2", "1"):
        record(found("a", spec=spec))
    assert [one.number for one in dags.versions("a")] == [1, 2]
    assert dags.current_version("a").number == 1


def test_contents_are_kept_once_and_come_back_in_the_bundle(
    store: Store, record: Record, dags: DagRepository
) -> None:
    record(found("a"), found("b"))
    with store.read() as connection:
        assert len(connection.execute(source_file.select()).all()) == 2
    version = dags.current_version("b")
    assert dags.bundle(version.id) == VersionBundle(
        version_id=version.id,
        dag_id="b",
        folder="/dags",
        file="b.py",
        files=(("b.py", b"x"), ("sql/query.sql", b"select 1")),
    )


def test_a_lost_file_is_told_by_its_name(store: Store, record: Record, dags: DagRepository) -> None:
    record(found("a"))
    with store.write() as connection:
        connection.execute(source_file.delete())
    version_id = dags.get("a").version_id
    assert version_id is not None
    with pytest.raises(StoreError, match=r"lost the file 'a\.py' of version 1 of the DAG 'a'"):
        dags.bundle(version_id)


def test_a_broken_file_leaves_the_last_good_version_live_and_says_where(
    imports: ImportRepository, record: Record, dags: DagRepository
) -> None:
    record(found("a"), found("b"))
    problem = ImportProblem(file="one.py", message="SyntaxError: oh", line=3, traceback="Traceback ...")
    for _ in range(2):  # told twice, kept once
        assert record(problems=(problem,)) == ImportResult()
        (error,) = imports.errors()
    assert (error.folder, error.file, error.line, error.message) == ("/dags", "one.py", 3, "SyntaxError: oh")
    assert [row.dag_id for row in dags.find()] == ["a", "b"]
    assert record(found("a"), problems=(problem,)) == ImportResult()  # b may be behind the problem

    assert record(found("a")) == ImportResult(gone=("b",))
    assert imports.errors() == []
    assert [row.dag_id for row in dags.find()] == ["a"]
    assert [row.dag_id for row in dags.find(with_stale=True)] == ["a", "b"]
    assert dags.current_version("b").number == 1
    assert record(found("a"), found("b")).changed == ("b",)  # it is back


def test_a_visiting_file_gets_versions_and_leaves_the_dag_where_it_is(
    imports: ImportRepository, record: Record, dags: DagRepository
) -> None:
    record(found("a"))
    assert record(found("a", spec="2"), found("c"), folder="/tmp/x", visiting=True).new == ("c",)
    assert (dags.get("a").folder, dags.current_version("a").number) == ("/dags", 1)
    assert [one.number for one in dags.versions("a")] == [1, 2]
    assert dags.get("c").folder == "/tmp/x"


def test_a_file_that_is_gone_takes_its_errors_and_marks_its_dags(
    imports: ImportRepository, record: Record, dags: DagRepository
) -> None:
    record(found("a"))
    record(found("b"), file="two.py", problems=(ImportProblem(file="two.py", message="m"),))
    assert imports.known_files("/dags") == {"one.py", "two.py"}
    assert imports.forget("/dags", ["two.py"]) == ["b"]
    assert imports.forget("/dags", ["two.py"]) == []
    assert imports.errors() == []
    assert [row.dag_id for row in dags.find()] == ["a"]


def test_a_dag_is_not_taken_from_the_file_that_has_it_and_both_are_named(
    imports: ImportRepository, record: Record, dags: DagRepository
) -> None:
    record(found("a"))
    result = record(found("a", spec="2"), found("c"), file="two.py")
    assert result == ImportResult(new=("c",), changed=("c",), refused=(("a", "one.py"),))
    assert dags.get("a").file == "one.py"
    assert dags.current_version("a").number == 1
    (error,) = imports.errors()
    assert (error.file, error.message.split(".py")[0]) == ("two.py", "The DAG 'a' is defined in two")
    assert "one.py" in error.message

    imports.forget("/dags", ["one.py"])  # the file was renamed
    assert record(found("a", spec="2"), found("c"), file="two.py").changed == ("a",)
    assert dags.get("a").file == "two.py"
    assert imports.errors() == []


def test_a_dag_of_another_folder_is_taken_over(record: Record, dags: DagRepository) -> None:
    record(found("a"))
    assert record(found("a"), folder="/elsewhere").changed == ("a",)
    assert dags.get("a").folder == "/elsewhere"
    assert [one.number for one in dags.versions("a")] == [1, 2]


def test_warnings_are_those_of_the_last_import(imports: ImportRepository, record: Record) -> None:
    record(found("a", warnings=(("clock", "it reads the clock"), ("fork", "threads"))))
    assert [(one.kind, one.message) for one in imports.warnings("a")] == [
        ("clock", "it reads the clock"),
        ("fork", "threads"),
    ]
    record(found("a"))
    assert imports.warnings() == []


def test_what_is_not_there_is_told_with_close_names(record: Record, dags: DagRepository) -> None:
    record(found("umbrella"))
    with pytest.raises(NotFound, match=r"no DAG 'umbrela'. Did you mean 'umbrella'\?"):
        dags.get("umbrela")
    with pytest.raises(NotFound, match="DAG version"):
        dags.load_version("nope")
    with pytest.raises(NotFound, match="DAG version"):
        dags.bundle("nope")


def test_import_errors_of_other_files_stay(imports: ImportRepository, record: Record) -> None:
    record(problems=(ImportProblem(file="one.py", message="m"),))
    record(file="two.py", problems=(ImportProblem(file="two.py", message="n"),))
    record()
    assert [one.file for one in imports.errors("/dags")] == ["two.py"]
    assert imports.errors("/other") == []
    assert imports.errors()[0].at - DAY == timedelta(0)

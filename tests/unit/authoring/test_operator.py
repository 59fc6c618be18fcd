"""Operators take their arguments from the call, the group and the DAG, and refuse what cannot be."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from datetime import timedelta
from typing import Any

import pytest

from tradewind import DAG, BaseOperator, EmptyOperator, PythonOperator, TaskGroup, TriggerRule
from tradewind.authoring.arguments import DAG_CHECKS, TASK_CHECKS, DagArguments, TaskArguments
from tradewind.authoring.signals import TaskDeferred
from tradewind.errors import ArgumentError, DefinitionError, InvalidId


class Copy(BaseOperator):
    """An operator as authors write them."""

    template_fields = ("source",)

    def __init__(self, *, source: str, target: str = "out", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source, self.target = source, target


class SafeCopy(Copy):
    """One on top of it, which has an opinion about retries."""

    def __init__(self, *, target: str = "safe", **kwargs: Any) -> None:
        kwargs.setdefault("retries", 7)
        super().__init__(target=target, **kwargs)


class Shape(BaseOperator, metaclass=ABCMeta):
    """An operator with a metaclass of its own."""

    @abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    def __init__(self, *, side: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side = side

    def area(self) -> float:
        return self.side**2


class Logged:
    """A mixin before the operator, with work to do after it was made."""

    def __init__(self, *, level: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.level = level


class LoggedCopy(Logged, Copy):
    pass


def test_every_common_argument_has_a_default_and_every_check_an_argument() -> None:
    made_by_init = {"inlets", "outlets", "params"}
    kept_elsewhere = {"pre_execute": "pre_execute_hook", "post_execute": "post_execute_hook"}
    assert [
        name
        for name in TaskArguments.__annotations__.keys() - {"default_args"} - made_by_init
        if not hasattr(BaseOperator, kept_elsewhere.get(name, name))
    ] == []
    assert TASK_CHECKS.keys() <= TaskArguments.__annotations__.keys()
    assert DAG_CHECKS.keys() <= DagArguments.__annotations__.keys()
    made_by_dag = {"default_args", "tags", "params", "owner_links"}
    assert [n for n in DagArguments.__annotations__.keys() - made_by_dag if not hasattr(DAG, n)] == []


def test_the_nearest_default_wins() -> None:
    with DAG("d", default_args={"retries": 3, "owner": "dag", "source": "a", "queue": "q"}) as dag:
        outside = Copy(task_id="outside")
        with (
            TaskGroup("g", default_args={"retries": 1, "target": "t"}),
            TaskGroup("h", default_args={"owner": "h"}),
        ):
            inside = Copy(task_id="inside")
            explicit = Copy(task_id="explicit", retries=0, default_args={"owner": "own"})

    assert (outside.retries, outside.owner, outside.source, outside.target) == (3, "dag", "a", "out")
    assert (inside.retries, inside.owner, inside.target, inside.queue) == (1, "h", "t", "q")
    assert (explicit.retries, explicit.owner) == (0, "own")
    assert dag.spec().tasks[1].retries == 1


def test_what_a_subclass_passes_on_counts_as_given() -> None:
    with DAG("d", default_args={"retries": 3, "target": "from defaults"}):
        task = SafeCopy(task_id="t", source="s")

    assert task.retries == 7
    assert task.target == "from defaults"


def test_operators_may_have_metaclasses_and_mixins() -> None:
    with DAG("d") as dag:
        square = Square(task_id="square", side=3)
        logged = LoggedCopy(task_id="logged", source="s", level="info")

    assert square.area() == 9
    assert logged.level == "info"
    assert dag.task_ids == ["square", "logged"]


def test_a_task_that_cannot_be_made_is_not_in_the_dag() -> None:
    class Broken(Copy):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            raise RuntimeError

    with DAG("d") as dag, pytest.raises(RuntimeError):
        Broken(task_id="t", source="s")

    assert dag.task_ids == []


@pytest.mark.parametrize(
    ("operator", "arguments", "message"),
    [
        (
            Copy,
            {"task_id": "t", "source": "s", "retrys": 1},
            "Copy 't' takes no argument 'retrys'. Did you mean 'retries'",
        ),
        (
            SafeCopy,
            {"task_id": "t", "sorce": "s"},
            "SafeCopy 't' needs the argument 'source': did you write 'sorce'",
        ),
        (Copy, {"task_id": "t"}, "Copy 't' needs the argument 'source'"),
        (Copy, {"source": "s"}, 'Copy has no task_id. Give it a name: Copy\\(task_id="..."\\)'),
        (Copy, {"source": "s", "taskid": "t"}, "Copy takes no argument 'taskid'. Did you mean 'task_id'"),
        (PythonOperator, {"task_id": "t", "python_callable": print, "provide_context": True}, "Remove it"),
        (
            PythonOperator,
            {"task_id": "t", "python_callable": "print"},
            "python_callable is a function, not 'print'",
        ),
        (EmptyOperator, {"task_id": "t", "trigger_rule": "all_succes"}, "Did you mean 'all_success'"),
        (EmptyOperator, {"task_id": "t", "trigger_rule": "whatever"}, "Known are all_success, "),
        (EmptyOperator, {"task_id": "t", "retries": -1}, "retries=-1 is out of range: it must be from 0"),
        (EmptyOperator, {"task_id": "t", "retries": 10**9}, "out of range"),
        (EmptyOperator, {"task_id": "t", "retries": 1.5}, "a whole number, not float"),
        (EmptyOperator, {"task_id": "t", "retry_delay": -1}, "is negative"),
        (
            EmptyOperator,
            {"task_id": "t", "retry_delay": timedelta(days=365_000)},
            "longer than a hundred years",
        ),
        (EmptyOperator, {"task_id": "t", "retry_delay": float("inf")}, "no number of seconds"),
        (EmptyOperator, {"task_id": "t", "retry_delay": "5m"}, "a timedelta or a number of seconds"),
        (EmptyOperator, {"task_id": "t", "execution_timeout": 0}, "no time at all"),
        (EmptyOperator, {"task_id": "t", "pool_slots": 0}, "out of range"),
        (EmptyOperator, {"task_id": "t", "pool": "a/b"}, "pool id 'a/b'"),
        (EmptyOperator, {"task_id": "t", "priority_weight": 2**63}, "out of range"),
        (EmptyOperator, {"task_id": "t", "weight_rule": "upstrem"}, "Did you mean 'upstream'"),
        (EmptyOperator, {"task_id": "t", "on_failure_callback": [print, 3]}, "list of such functions"),
        (EmptyOperator, {"task_id": "t", "depends_on_past": "yes"}, "True or False"),
        (EmptyOperator, {"task_id": "t", "max_active_tis_per_dag": 0}, "out of range"),
    ],
)
def test_arguments_are_refused_with_line_name_and_cure(
    operator: type[BaseOperator], arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        operator(**arguments)

    assert str(caught.value).startswith(f"{__file__}:")


@pytest.mark.parametrize("task_id", ["a b", "", "a/b", "..", "-x", "\x00", "😀", "x" * 10_000, 5])
def test_a_task_id_that_cannot_be_is_refused(task_id: Any) -> None:
    with pytest.raises(InvalidId):
        EmptyOperator(task_id=task_id)


def test_a_task_id_may_have_dots() -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="a.b")

    assert dag.task_ids == ["a.b"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("dummy", TriggerRule.ALWAYS),
        ("none_failed_or_skipped", TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS),
        ("all_done", TriggerRule.ALL_DONE),
        (TriggerRule.ONE_FAILED, TriggerRule.ONE_FAILED),
    ],
)
def test_trigger_rules_go_by_their_old_names_too(given: str, expected: TriggerRule) -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="t", trigger_rule=given)

    assert dag.spec().tasks[0].trigger_rule is expected


def test_what_the_scheduler_enforces_is_in_the_spec() -> None:
    with DAG("d") as dag:
        Copy(
            task_id="t",
            source="s",
            retries="2",  # type: ignore[arg-type]
            retry_delay=timedelta(minutes=1),
            retry_exponential_backoff=True,
            max_retry_delay=600,
            execution_timeout=timedelta(seconds=9),
            pool="db",
            pool_slots=2,
            wait_for_downstream=True,
            on_failure_callback=print,
            outlets="asset",
            doc_md="*why*",
            do_xcom_push=False,
            at_most_once=True,
            executor="inline",
        )

    task = dag.spec().tasks[0]

    assert (task.retries, task.retry_delay, task.retry_backoff, task.max_retry_delay) == (2, 60.0, 2.0, 600.0)
    assert (task.pool, task.pool_slots, task.execution_timeout) == ("db", 2, 9.0)
    assert task.depends_on_past
    assert task.callbacks == ("on_failure_callback",)
    assert (task.doc, task.do_xcom_push, task.at_most_once, task.executor) == ("*why*", False, True, "inline")
    assert task.template_fields == ("source",)


@pytest.mark.parametrize(
    ("arguments", "runs_code"),
    [
        ({}, False),
        ({"on_success_callback": print}, True),
        ({"outlets": ["x"]}, True),
        ({"pre_execute": print}, True),
    ],
)
def test_an_empty_task_runs_only_where_something_hangs_on_it(
    arguments: dict[str, Any], runs_code: bool
) -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="t", **arguments)

    assert dag.spec().tasks[0].runs_code is runs_code


def test_a_subclass_of_an_empty_operator_that_does_something_runs() -> None:
    class Loud(EmptyOperator):
        def execute(self, context: Any) -> None:
            print("loud")

    assert Loud(task_id="t").runs_code


def test_an_init_that_forgets_its_base_is_told_so() -> None:
    class Forgetful(BaseOperator):
        def __init__(self, task_id: str) -> None:
            pass

    with pytest.raises(DefinitionError, match=r"Forgetful.__init__ never calls super\(\).__init__"):
        Forgetful(task_id="t")


def test_template_fields_without_a_comma_are_told() -> None:
    class Careless(BaseOperator):
        template_fields = "source"

    with pytest.raises(DefinitionError, match=r"write \('source',\) with a comma"):
        Careless(task_id="t")


def test_hooks_given_as_arguments_are_called_by_the_methods() -> None:
    seen: list[Any] = []
    task = EmptyOperator(
        task_id="t",
        pre_execute=lambda context: seen.append(context),
        post_execute=lambda context, result: seen.append(result),
    )

    task.pre_execute({"ds": "2024-01-01"})
    task.post_execute({}, 7)

    assert seen == [{"ds": "2024-01-01"}, 7]


def test_defer_says_what_to_wait_for() -> None:
    class Soon:
        def serialize(self) -> tuple[str, dict[str, Any]]:
            return "a.Soon", {}

    trigger = Soon()
    with pytest.raises(TaskDeferred) as caught:
        EmptyOperator(task_id="t").defer(trigger=trigger, method_name="resume", kwargs={"n": 1}, timeout=5)

    assert caught.value.trigger is trigger
    assert (caught.value.method_name, caught.value.kwargs, caught.value.timeout) == ("resume", {"n": 1}, 5)


def test_a_missing_argument_is_a_type_error_as_for_any_call() -> None:
    with pytest.raises(TypeError):
        Copy(task_id="t")  # type: ignore[call-arg]
    with pytest.raises(ArgumentError):
        PythonOperator(task_id="t")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"email": "a@example.com"}, ("email_on_failure", "email_on_retry")),
        ({"email": ["a@example.com"], "email_on_retry": False}, ("email_on_failure",)),
        ({"email_on_failure": True}, ()),
        ({"email": [], "on_retry_callback": print}, ("on_retry_callback",)),
    ],
)
def test_mail_is_asked_for_by_an_address(arguments: dict[str, Any], names: tuple[str, ...]) -> None:
    with DAG("d") as dag:
        EmptyOperator(task_id="a", **arguments)
    assert dag.spec().tasks[0].callbacks == names

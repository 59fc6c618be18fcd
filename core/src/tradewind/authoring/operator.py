"""What one task does: operators are classes on :class:`BaseOperator` that implement ``execute``."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, Unpack

from tradewind.authoring import setups as setting_up
from tradewind.authoring.arguments import TASK_CHECKS, Callbacks, TaskArguments
from tradewind.authoring.checks import checked
from tradewind.authoring.construction import wrap_constructor
from tradewind.authoring.params import ParamsDict
from tradewind.authoring.places import Place
from tradewind.authoring.references import Reference, XComArg, references_in
from tradewind.authoring.relations import Node, Related, link
from tradewind.authoring.signals import TaskDeferred, Trigger
from tradewind.errors import DefinitionError, TaskDeferralError, TaskDeferralTimeout
from tradewind.model.ids import check_id
from tradewind.model.spec import DEFAULT_POOL, DEFAULT_QUEUE
from tradewind.model.states import TriggerRule
from tradewind.model.waits import FAIL

if TYPE_CHECKING:
    from tradewind.authoring.dag import DAG
    from tradewind.authoring.expansion import Expansion
    from tradewind.authoring.group import TaskGroup
    from tradewind.authoring.mapped import Partial
    from tradewind.authoring.retry_policy import RetryPolicy

#: Arguments that are also names of methods; the given function is kept beside the method and called after it.
_HOOKS = {"pre_execute": "pre_execute_hook", "post_execute": "post_execute_hook"}
_PLACEMENT = frozenset({"dag", "task_group", "default_args", "params"})


class BaseOperator(Node):
    """One task of a DAG.

    Implement :meth:`execute`; name in ``template_fields`` the attributes in which Jinja templates are
    rendered and outputs of other tasks are filled in before it is called.

    :param task_id: unique in the DAG; inside a task group the group's id is put before it.
    :param arguments: what every operator takes, see :class:`tradewind.authoring.arguments.TaskArguments`.
    """

    template_fields: Collection[str] = ()
    template_ext: Sequence[str] = ()  #: a template field that ends like this names a file with the template
    template_fields_renderers: ClassVar[Mapping[str, str]] = {}
    ui_color: str = "#fff"
    ui_fgcolor: str = "#000"
    custom_operator_name: str | None = None  #: shown in place of the class's name
    chooses: bool = False  #: True: ends by ``ti.decide(Branched(...))``, so what follows waits for its choice
    chooses_all: bool = False  #: True: with ``scope="all"``, so all that is downstream does
    runs_code: bool = True  #: False: nothing to execute, the scheduler ends the task on the spot

    expansion: Expansion | None = None  #: what the task itself is mapped over
    mapped_over: bool = False  #: another task is mapped over what this one returns
    detached: bool = False  #: an instance of a mapped task, which is in the DAG in its place
    not_templates: Sequence[Any] = ()  #: values of arguments that came from other tasks and stay as they are

    place: Place
    defaults: Mapping[str, Any]
    intended_dag: DAG | None = None
    dag: DAG | None = None
    task_group: TaskGroup | None = None
    owner: str = "tradewind"
    email: str | Sequence[str] | None = None
    email_on_retry: bool = True
    email_on_failure: bool = True
    retries: int = 0
    retry_delay: timedelta = timedelta(seconds=300)
    retry_exponential_backoff: float = 0.0
    max_retry_delay: timedelta | None = None
    retry_policy: RetryPolicy | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    depends_on_past: bool = False
    ignore_first_depends_on_past: bool = True
    wait_for_downstream: bool = False
    wait_for_past_depends_before_skipping: bool = False
    priority_weight: int = 1
    weight_rule: str = "downstream"
    queue: str = DEFAULT_QUEUE
    pool: str = DEFAULT_POOL
    pool_slots: int = 1
    execution_timeout: timedelta | None = None
    on_execute_callback: Callbacks = None
    on_failure_callback: Callbacks = None
    on_success_callback: Callbacks = None
    on_retry_callback: Callbacks = None
    on_skipped_callback: Callbacks = None
    pre_execute_hook: Callable[..., Any] | None = None
    post_execute_hook: Callable[..., Any] | None = None
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    resources: Mapping[str, Any] | None = None
    run_as_user: str | None = None
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    executor: str | None = None
    executor_config: Mapping[str, Any] | None = None
    do_xcom_push: bool = True
    multiple_outputs: bool = False
    map_index_template: str | None = None
    doc: str | None = None
    doc_md: str | None = None
    doc_json: str | None = None
    doc_yaml: str | None = None
    doc_rst: str | None = None
    task_display_name: str | None = None
    allow_nested_operators: bool = True
    at_most_once: bool = False
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False  #: of a teardown: the run fails where it does

    def __init__(self, task_id: str, **arguments: Unpack[TaskArguments]) -> None:
        super().__init__()
        self.upstream_ids: dict[str, None] = {}
        self.downstream_ids: dict[str, None] = {}
        self.inlets: list[Any] = []
        self.outlets: list[Any] = []
        self.params = ParamsDict(arguments.get("params"))
        self.label: str = checked(_check_task_id, task_id, "task_id", self.place)
        self.task_id: str = self.task_group.child_id(task_id) if self.task_group is not None else task_id
        for name, value in arguments.items():
            self._accept(name, value)
        self.depends_on_past = self.depends_on_past or self.wait_for_downstream

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        wrap_constructor(cls)

    def _accept(self, name: str, value: Any) -> None:
        if name in _PLACEMENT or value is None:
            return
        if name in ("inlets", "outlets"):
            value = list(value) if isinstance(value, (list, tuple, set)) else [value]
        check = TASK_CHECKS.get(name)
        # A value known only at run time is looked at then.
        if check is not None and not isinstance(value, Reference):
            value = checked(check, value, f"{type(self).__name__} {self.task_id!r}: {name}", self.place)
        setattr(self, _HOOKS.get(name, name), value)

    def registered(self) -> None:
        """Join the DAG, and wait for what the arguments refer to. Called after the outermost ``__init__``."""
        if self.detached:
            return
        if self.intended_dag is not None:
            self.intended_dag.add_task(self)
            setting_up.joins_open_scopes(self)
        self.link_inputs()

    def link_inputs(self) -> tuple[tuple[str, str], ...]:
        """Let the task wait for all tasks whose output its template fields hold.

        :return: (task id, key) of each output.
        """
        inputs: dict[tuple[str, str], None] = {}
        if isinstance(self.template_fields, str):
            raise DefinitionError(
                f"template_fields of {type(self).__name__} is the text {self.template_fields!r}; "
                f"it must be a tuple of names: write ({self.template_fields!r},) with a comma.",
                str(self.place),
            )
        for field in self.template_fields:
            value = getattr(self, field, None)
            if value is None or isinstance(value, (str, int, float)):
                continue
            for reference in references_in(value):
                for output in reference.sources():
                    source = output.operator
                    inputs[source.task_id, output.key] = None
                    if source.task_id not in self.upstream_ids or source.dag is not self.dag:
                        link(source, self)
        return tuple(inputs)

    @classmethod
    def partial(cls, **arguments: Any) -> Partial:
        """The operator with these arguments, to be mapped over others: ``Op.partial(task_id="t").expand(x=[1, 2])``."""
        return importlib.import_module("tradewind.authoring.mapped").Partial(cls, arguments)  # type: ignore[no-any-return]

    @property
    def domain(self) -> Expansion | None:
        """What the task is mapped over, by itself or with its group; ``None``: it has one instance."""
        if self.expansion is not None:
            return self.expansion
        group = self.task_group.mapped_group if self.task_group is not None else None
        return group.expansion if group is not None else None

    # What it is called

    @property
    def dag_id(self) -> str:
        """The id of its DAG; for a task without one, ``"adhoc_"`` and its owner."""
        return self.dag.dag_id if self.dag is not None else f"adhoc_{self.owner}"

    @property
    def operator_name(self) -> str:
        """What kind of task this is, for people."""
        return self.custom_operator_name or type(self).__name__

    @property
    def task_type(self) -> str:
        """The name of the operator's class."""
        return type(self).__name__

    # What it depends on

    @property
    def roots(self) -> list[BaseOperator]:
        return [self]

    @property
    def leaves(self) -> list[BaseOperator]:
        return [self]

    @property
    def upstream_task_ids(self) -> set[str]:
        """Ids of the tasks directly before this one."""
        return set(self.upstream_ids)

    @property
    def downstream_task_ids(self) -> set[str]:
        """Ids of the tasks directly after this one."""
        return set(self.downstream_ids)

    @property
    def upstream_list(self) -> list[BaseOperator]:
        """The tasks directly before this one."""
        return [self.dag.task_dict[task_id] for task_id in self.upstream_ids] if self.dag is not None else []

    @property
    def downstream_list(self) -> list[BaseOperator]:
        """The tasks directly after this one."""
        return (
            [self.dag.task_dict[task_id] for task_id in self.downstream_ids] if self.dag is not None else []
        )

    def get_direct_relative_ids(self, upstream: bool = False) -> set[str]:
        """Ids of the tasks directly behind this one, or directly before it."""
        return self.upstream_task_ids if upstream else self.downstream_task_ids

    def get_direct_relatives(self, upstream: bool = False) -> list[BaseOperator]:
        """The tasks directly behind this one, or directly before it."""
        return self.upstream_list if upstream else self.downstream_list

    def get_flat_relatives(self, upstream: bool = False) -> list[BaseOperator]:
        """All tasks behind this one, or before it, however far."""
        found: dict[str, BaseOperator] = {}
        front: list[BaseOperator] = [self]
        while front:
            for other in front.pop().get_direct_relatives(upstream):
                if other.task_id not in found:
                    found[other.task_id] = other
                    front.append(other)
        return list(found.values())

    def get_flat_relative_ids(self, upstream: bool = False) -> set[str]:
        """Ids of all tasks behind this one, or before it, however far."""
        return {task.task_id for task in self.get_flat_relatives(upstream)}

    @property
    def output(self) -> XComArg:
        """What ``execute`` returns, as an argument for other tasks."""
        return XComArg(self)

    # Setup and teardown

    def as_setup(self) -> Self:
        """Make it a setup: what is behind it needs what it makes."""
        setting_up.as_setup(self)
        return self

    def as_teardown(
        self, *, setups: Related | None = None, on_failure_fail_dagrun: bool | None = None
    ) -> Self:
        """Make it a teardown: it runs whatever became of the work before it, where a setup of it succeeded.

        :param setups: what it undoes; they become setups, and go before it.
        :param on_failure_fail_dagrun: whether the run fails where it does.
        """
        setting_up.as_teardown(self, setups, on_failure_fail_dagrun)
        return self

    def __enter__(self) -> setting_up.Scope:
        return setting_up.enter(self)

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        setting_up.leave(kind)

    # What it does

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        """Do the task's work; what is returned is pushed as the XCom ``return_value``."""
        raise NotImplementedError(f"{type(self).__name__} has no execute(context) method: write one.")

    def pre_execute(self, context: MutableMapping[str, Any]) -> None:
        """Called right before :meth:`execute`."""
        if self.pre_execute_hook is not None:
            self.pre_execute_hook(context)

    def post_execute(self, context: MutableMapping[str, Any], result: Any = None) -> None:
        """Called right after :meth:`execute`, with what it returned."""
        if self.post_execute_hook is not None:
            self.post_execute_hook(context, result)

    def execute_complete(self, context: MutableMapping[str, Any], event: Any = None) -> Any:
        """Go on after :meth:`defer`; ``event`` is what the trigger gave."""
        raise NotImplementedError(
            f"{type(self).__name__} defers but has no execute_complete(context, event): write one."
        )

    def resume_execution(
        self, next_method: str, next_kwargs: Mapping[str, Any] | None, context: MutableMapping[str, Any]
    ) -> Any:
        """Go on after a wait: called in place of :meth:`execute`, with the method and the arguments for it.

        :raises TaskDeferralError: where the trigger failed; TaskDeferralTimeout: where it did not fire in time.
        """
        given = dict(next_kwargs or {})
        if next_method == FAIL:
            kind = TaskDeferralTimeout if given.get("timed_out") else TaskDeferralError
            raise kind(given.get("error", "its trigger failed"))
        method = getattr(self, next_method, None)
        if not callable(method):
            raise TaskDeferralError(
                f"{type(self).__name__} has no method {next_method!r}, in which it was to go on after its wait."
            )
        return method(context, **given)

    def on_kill(self) -> None:
        """Clean up: the task is about to be ended from outside."""

    def defer(
        self,
        *,
        trigger: Trigger,
        method_name: str = "execute_complete",
        kwargs: Mapping[str, Any] | None = None,
        timeout: timedelta | float | None = None,
    ) -> NoReturn:
        """Give the slot back until ``trigger`` fires, then go on in the method of that name."""
        raise TaskDeferred(trigger=trigger, method_name=method_name, kwargs=kwargs, timeout=timeout)

    def extra_spec(self) -> dict[str, Any]:
        """What the stored DAG keeps of the task beyond what every task has, as plain JSON data under names of its own."""
        return {}

    def prepare_template(self) -> None:
        """Called before rendering, after template files were read in: a place to change the template."""

    def render_template_fields(self, context: MutableMapping[str, Any], jinja_env: Any = None) -> None:
        """Render the Jinja templates and fill in the references in all template fields, in place."""
        templates = importlib.import_module("tradewind.runner.templates")
        if jinja_env is None:
            templates.render_task(self, context)
        else:
            templates.render_task(self, context, jinja_env)

    def __repr__(self) -> str:
        return f"<Task({self.operator_name}): {self.__dict__.get('task_id', '?')}>"


def _check_task_id(value: Any, name: str) -> str:
    return check_id("task", value)


wrap_constructor(BaseOperator, base=True)

"""Which DAGs a file has defined."""

from __future__ import annotations

from types import ModuleType

from tradewind.authoring.dag import DAG
from tradewind.authoring.places import FINISHED_DAGS
from tradewind.errors import DefinitionError


def collect(module: ModuleType) -> list[DAG]:
    """The DAGs of an imported file, in the order of their lines: those that its variables hold, and those
    that were finished while it was imported (``with DAG``, a call of a function under ``@dag``).

    :raises DefinitionError: naming both lines, where two of them have the same id.
    """
    namespace = dict(vars(module))
    candidates = [*namespace.pop(FINISHED_DAGS, ()), *namespace.values()]
    by_id: dict[str, DAG] = {}
    for dag in candidates:
        if not isinstance(dag, DAG):
            continue
        other = by_id.setdefault(dag.dag_id, dag)
        if other is not dag:
            raise DefinitionError(
                f"The DAG id {dag.dag_id!r} is taken: the DAG made at {other.place} has it. "
                f"Give one of them another id.",
                str(dag.place),
            )
    return sorted(by_id.values(), key=lambda dag: (dag.place.file, dag.place.line))

"""The DAG files that are measured."""

from __future__ import annotations

_HEAD = "{imports}from tradewind import DAG, EmptyOperator, PythonOperator\n\n"
_PANDAS = "import pandas\n"
_FIB = "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\n"
#: The same body as the peers' tasks have, so that nobody gets by without running code.
_STEP = "def step():\n    return sum(range(10))\n\n"


def _dag(dag_id: str, body: str, *, pandas: bool = False) -> str:
    head = _HEAD.format(imports=_PANDAS if pandas else "")
    return f'{head}{_FIB}{_STEP}with DAG("{dag_id}", schedule=None, max_active_tasks=256):\n{body}'


def chain(length: int, *, dag_id: str = "chain", pandas: bool = False) -> str:
    """One task after another."""
    body = (
        "    before = None\n"
        f"    for number in range({length}):\n"
        '        now = PythonOperator(task_id=f"t{number:03d}", python_callable=step)\n'
        "        if before:\n"
        "            before >> now\n"
        "        before = now\n"
    )
    return _dag(dag_id, body, pandas=pandas)


def daily(length: int, *, dag_id: str) -> str:
    """One task after another, for each day."""
    text = chain(length, dag_id=dag_id).replace(
        "schedule=None", 'schedule="@daily", start_date=datetime(2020, 1, 1)'
    )
    return "from datetime import datetime\n" + text


def fan(width: int, *, dag_id: str = "fan", pandas: bool = False) -> str:
    """One task, then ``width`` side by side, then one."""
    body = (
        '    first = PythonOperator(task_id="first", python_callable=step)\n'
        '    last = PythonOperator(task_id="last", python_callable=step)\n'
        f"    for number in range({width}):\n"
        '        first >> PythonOperator(task_id=f"t{number:03d}", python_callable=step) >> last\n'
    )
    return _dag(dag_id, body, pandas=pandas)


def fibs(count: int, n: int = 33) -> str:
    """``count`` tasks side by side that work."""
    body = (
        f"    for number in range({count}):\n"
        f'        PythonOperator(task_id=f"t{{number}}", python_callable=fib, op_args=[{n}])\n'
    )
    return _dag("fibs", body)


def plain(dag_id: str, tasks: int) -> str:
    """A DAG of ``tasks`` tasks that do nothing, for parsing."""
    body = (
        '    before = EmptyOperator(task_id="t0")\n'
        f"    for number in range(1, {tasks}):\n"
        '        task = PythonOperator(task_id=f"t{number}", python_callable=step, retries=2)\n'
        "        before >> task\n"
        "        before = task\n"
    )
    return _dag(dag_id, body)

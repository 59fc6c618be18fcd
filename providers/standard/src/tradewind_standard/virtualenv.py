"""Operators that run a Python function outside of the task's own interpreter."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from tradewind import PythonOperator
from tradewind.authoring import CONTEXT_KEYS, follow_branch
from tradewind.authoring.signatures import Parameters
from tradewind.errors import DefinitionError, SerializationError, SkipTask, TradewindError
from tradewind.serialization import values
from tradewind_standard import environments, exchange
from tradewind_standard.command import Command, Ended
from tradewind_standard.context_variables import context_variables
from tradewind_standard.source import check_portable, portable_source

_SHOWN = 20  #: lines of output that go into the error of a function that failed
#: What a function may ask for by the name of an argument: the part of the context that is plain data.
_PLAIN_CONTEXT = frozenset(
    {
        "data_interval_end", "data_interval_start", "ds", "ds_nodash", "execution_date", "logical_date", "next_ds", "params",
        "prev_data_interval_end_success", "prev_data_interval_start_success", "prev_ds", "prev_start_date_success", "run_id",
        "start_date", "task_instance_key_str", "templates_dict", "test_mode", "tomorrow_ds", "try_number", "ts", "ts_nodash",
        "ts_nodash_with_tz", "yesterday_ds",
    }
)  # fmt: skip


class OtherPythonOperator(PythonOperator):
    """Runs a function by its source in another interpreter; arguments and result travel as typed JSON.

    The function stands on its own: it imports what it needs inside, and gets what it needs as arguments. Arguments that are
    named like plain values of the task's context (``ds``, ``logical_date``, ``params`` ...) are filled in.

    :param skip_on_exit_code: exit codes of the other process by which the task ends skipped.
    :param env_vars: further environment variables of the other process.
    :param inherit_env: whether it has those of the task too.
    """

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        skip_on_exit_code: int | Collection[int] | None = None,
        env_vars: Mapping[str, str] | None = None,
        inherit_env: bool = True,
        **arguments: Any,
    ) -> None:
        super().__init__(python_callable=python_callable, **arguments)
        check_portable(python_callable)
        self.skip_on_exit_code = skip_on_exit_code
        self.env_vars = env_vars
        self.inherit_env = inherit_env
        self._command: Command | None = None

    @abstractmethod
    def interpreter(self, folder: Path, command: Command) -> Path:
        """The Python to use; ``folder`` is deleted when the task ends."""

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        """Call the function there and return what it returned.

        :raises tradewind.errors.TradewindError: where it failed, with its exit code and the last lines of its output.
        """
        given = self._arguments(context)
        command = self._command = Command(keep=_SHOWN)
        with tempfile.TemporaryDirectory(prefix="tradewind_python_") as name:
            folder = Path(name)
            call = folder / "call"
            call.mkdir()
            (call / "function.py").write_text(portable_source(self.python_callable), encoding="utf-8")
            (call / "arguments.json").write_bytes(given)
            shutil.copyfile(exchange.__file__, call / "exchange.py")
            python = self.interpreter(folder, command)
            ended = command.run(
                [str(python), str(call / "exchange.py"), str(call), self.python_callable.__name__],
                env=self._environment(context),
            )
            return self._result(ended, call)

    def on_kill(self) -> None:
        """End the other interpreter and everything that it started."""
        if self._command is not None:
            self._command.kill()

    def _arguments(self, context: Mapping[str, Any]) -> bytes:
        """``[positional, by keyword]`` in typed JSON, with what the function asks for out of the context."""
        parameters = Parameters.of(self.python_callable)
        known = (
            {**context, "templates_dict": self.templates_dict} if self.templates_dict is not None else context
        )
        # Earlier runs are looked up only for a function that names them.
        wanted = (
            {name for name in _PLAIN_CONTEXT if not name.startswith("prev_")} if parameters.open else set()
        )
        wanted |= parameters.named & _PLAIN_CONTEXT
        plain = {name: _plain(known[name]) for name in wanted if name in known}
        keywords = parameters.choose(len(self.op_args), plain, self.op_kwargs)
        out_of_reach = parameters.named & CONTEXT_KEYS - _PLAIN_CONTEXT - keywords.keys()
        name = self.python_callable.__name__
        if out_of_reach:
            raise DefinitionError(
                f"{name}() asks for {', '.join(sorted(out_of_reach))}, which exists only in the task's own process: "
                f"pass the values that it needs of it as arguments.",
                str(self.place),
            )
        try:
            return values.encode([list(self.op_args), keywords])
        except SerializationError as error:
            raise SerializationError(
                f"The arguments of {name}() cannot be passed to another Python: {error}"
            ) from None

    def _environment(self, context: Mapping[str, Any]) -> dict[str, str]:
        inherited = dict(os.environ) if self.inherit_env else {}
        # What this interpreter was told about its modules is wrong for another one.
        for name in ("PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"):
            inherited.pop(name, None)
        return {"PYTHONUNBUFFERED": "1", **inherited, **(self.env_vars or {}), **context_variables(context)}

    def _result(self, ended: Ended, call: Path) -> Any:
        name = self.python_callable.__name__
        if ended.code and ended.code in _codes(self.skip_on_exit_code):
            raise SkipTask(f"{name}() ended its process with {ended.reason}, which means: nothing to do")
        if ended.code != 0:
            said = "\n".join(ended.tail)
            raise TradewindError(f"{name}() failed in the other Python ({ended.reason}):\n{said}")
        if (call / "error.json").exists():
            raise TradewindError(
                f"The result of {name}(): {values.decode((call / 'error.json').read_bytes())}"
            )
        if not (call / "result.json").exists():
            raise TradewindError(
                f"{name}() ended its process before it returned (exit code 0): return from it, and do not call sys.exit()."
            )
        return values.decode((call / "result.json").read_bytes())


class PythonVirtualenvOperator(OtherPythonOperator):
    """Run a function in a Python environment that is made for it.

    The environment is made with uv where uv is on PATH, else with venv and pip, and deleted when the task ends.

    :param requirements: what to install: a list as pip takes it, or the path of a requirements file. A template.
    :param python_version: version (``"3.12"``) or path of a Python that is installed; without it, the task's own.
    :param system_site_packages: whether packages installed beside the task's Python can be imported too.
    :param pip_install_options: further options of ``pip install``.
    :param index_urls: package indexes to use in place of the usual one, the first of them first.
    :param venv_cache_path: a folder to keep the environment in: tasks with the same requirements share it.
    """

    template_fields = (*OtherPythonOperator.template_fields, "requirements", "index_urls", "venv_cache_path")
    template_ext: Sequence[str] = (".txt",)

    def __init__(
        self,
        *,
        requirements: Sequence[str] | str | None = None,
        python_version: str | float | None = None,
        system_site_packages: bool = True,
        pip_install_options: Sequence[str] | None = None,
        index_urls: Sequence[str] | str | None = None,
        venv_cache_path: str | os.PathLike[str] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.requirements = requirements
        self.python_version = None if python_version is None else str(python_version)
        self.system_site_packages = system_site_packages
        self.pip_install_options = pip_install_options
        self.index_urls = index_urls
        self.venv_cache_path = None if venv_cache_path is None else os.fspath(venv_cache_path)

    def interpreter(self, folder: Path, command: Command) -> Path:
        """Of the environment, made new or found in the cache."""
        recipe = environments.Recipe(
            requirements=_lines(self.requirements),
            python=self.python_version,
            system_site_packages=self.system_site_packages,
            options=(*_index_options(self.index_urls), *(self.pip_install_options or ())),
        )
        if self.venv_cache_path:
            return environments.cached(recipe, Path(self.venv_cache_path), command)
        return environments.make(recipe, folder / "venv", command)


class ExternalPythonOperator(OtherPythonOperator):
    """Run a function with another Python that is installed on the machine.

    :param python: path of the interpreter. A template.
    """

    template_fields = (*OtherPythonOperator.template_fields, "python")

    def __init__(self, *, python: str | os.PathLike[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.python = os.fspath(python)

    def interpreter(self, folder: Path, command: Command) -> Path:
        """The one that was named."""
        found = shutil.which(self.python)
        if found is None:
            raise TradewindError(
                f"There is no interpreter {self.python!r} on this machine (python); give the path of one that is there."
            )
        return Path(found)


class BranchPythonVirtualenvOperator(PythonVirtualenvOperator):
    """As :class:`PythonVirtualenvOperator`, with a function that returns the id or ids of what goes on."""

    chooses = True

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        """Call the function there, and follow what it chose."""
        return follow_branch(self, context, super().execute(context))


class BranchExternalPythonOperator(ExternalPythonOperator):
    """As :class:`ExternalPythonOperator`, with a function that returns the id or ids of what goes on."""

    chooses = True

    def execute(self, context: MutableMapping[str, Any]) -> Any:
        """Call the function there, and follow what it chose."""
        return follow_branch(self, context, super().execute(context))


def _plain(value: Any) -> Any:
    """The context's ``params`` is a mapping of its own kind; what travels is a dict."""
    return dict(value) if isinstance(value, Mapping) else value


def _codes(given: int | Collection[int] | None) -> Collection[int]:
    return () if given is None else (given,) if isinstance(given, int) else given


def _lines(requirements: Sequence[str] | str | None) -> tuple[str, ...]:
    """The requirements, one each. Text is the content of a requirements file; its path was read in when it was rendered."""
    lines = requirements.splitlines() if isinstance(requirements, str) else requirements or ()
    return tuple(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def _index_options(urls: Sequence[str] | str | None) -> tuple[str, ...]:
    listed = urls.split() if isinstance(urls, str) else list(urls or ())
    return tuple(
        part for n, url in enumerate(listed) for part in ("--extra-index-url" if n else "--index-url", url)
    )

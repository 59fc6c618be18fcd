"""A runner that does what the order's ``conf`` says: the smallest thing that the agent can be tested with."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

from tradewind.model.facts import XCom
from tradewind.model.order import Order
from tradewind.model.outcomes import Outcome, Succeeded


class ToyRunner:
    def __init__(self) -> None:
        self.module: Any = None

    def preload(self) -> None:
        pass

    def rehearse(self) -> None:
        pass

    def load(self, dag_id: str, folder: str, file: str, original_folder: str, *rest: Any) -> None:
        spec = importlib.util.spec_from_file_location(f"dag_{dag_id}", os.path.join(folder, file))
        assert spec is not None
        assert spec.loader is not None
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def on_kill(self) -> None:
        print("on_kill was called", flush=True)

    def run(self, order: Order, channel: Any) -> tuple[Outcome, tuple[XCom, ...]]:
        conf = order.run.conf
        value = getattr(self, conf.get("do", "nothing"))(order, channel, **conf.get("with", {}))
        return Succeeded(), _xcoms(value)

    def nothing(self, order: Order, channel: Any) -> None:
        return None

    def echo(self, order: Order, channel: Any, text: str) -> str:
        print(text)
        return text

    def describe(self, order: Order, channel: Any) -> str:
        """pid, parent, descriptors, environment and one random number."""
        descriptors = sorted(int(name) for name in os.listdir("/proc/self/fd"))
        context = {key: value for key, value in os.environ.items() if key.startswith("TRADEWIND")}
        threads = len(os.listdir("/proc/self/task"))
        return repr((os.getpid(), os.getppid(), os.getsid(0), descriptors, context, random.random(), threads))

    def numpy_random(self, order: Order, channel: Any) -> str:
        import numpy

        return repr(numpy.random.random())

    def module_value(self, order: Order, channel: Any, name: str) -> str:
        value = getattr(self.module, name)
        return str(value() if callable(value) else value)

    def wait(self, order: Order, channel: Any, path: str = "", ignore: bool = False) -> None:
        """Say that it is there, then wait for ever."""
        if ignore:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        channel.push(XCom(key="there", value=str(os.getpid()).encode()))
        while not path or not os.path.exists(path):
            time.sleep(0.01)

    def stubborn(self, order: Order, channel: Any) -> None:
        """Catch everything and go on."""
        channel.push(XCom(key="there", value=str(os.getpid()).encode()))
        while True:
            try:
                time.sleep(10)
            except BaseException:
                print("still here", flush=True)

    def daemon(
        self, order: Order, channel: Any, session: bool, die: bool = False, wait: bool = False
    ) -> None:
        """Leave a process behind: in its own session if asked, double-forked, and deaf to SIGTERM."""
        code = (
            "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
        )
        reader, writer = os.pipe()
        if os.fork() == 0:
            if session:
                os.setsid()
            process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
            assert process.stdout is not None
            process.stdout.readline()
            os.write(writer, str(process.pid).encode())
            os._exit(0)
        pid = os.read(reader, 100)
        channel.push(XCom(key="there", value=pid))
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        while wait:
            time.sleep(1)

    def talk(self, order: Order, channel: Any, lines: int, path: str = "") -> None:
        for number in range(lines):
            print(f"{number:08d}" + "x" * 1000)
        channel.push(XCom(key="there", value=b""))
        while path and not os.path.exists(path):
            time.sleep(0.01)
        print("the last thing that I say")

    def ask(self, order: Order, channel: Any, **arguments: Any) -> str:
        try:
            return str(channel.ask("variable", arguments))
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def _xcoms(value: object) -> tuple[XCom, ...]:
    return (XCom(key="return_value", value=value.encode()),) if isinstance(value, str) else ()


def make(options: dict[str, Any]) -> ToyRunner:
    return ToyRunner()

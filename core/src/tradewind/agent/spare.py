"""A spare: a fresh interpreter that imports a DAG file and waits for one order.

Started as ``python -m tradewind.agent.spare``.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback

import msgspec

from tradewind.agent.attempt_process import Settings, SocketChannel, make_runner, settle, work
from tradewind.agent.lifeline import Lifeline
from tradewind.agent.logs import set_up_output
from tradewind.agent.template_process import Load, Loaded, load_dag, redirect


class SpareOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a spare is told on its command line, as JSON.

    :param channel: descriptor of the socket that the order comes through.
    :param questions: descriptor of the socket through which the DAG file asks while it is imported.
    :param ask_timeout: seconds that an answer may take.
    :param status: descriptor of the pipe on which it says that it is ready.
    :param lifeline: descriptor of the lifeline's reading end.
    """

    channel: int
    questions: int
    ask_timeout: float
    status: int
    lifeline: int
    load: Load
    runner: str
    runner_options: dict[str, object]
    settings: Settings


def main(argument: str) -> None:
    spare = msgspec.json.decode(argument, type=SpareOrder)
    for descriptor in (spare.channel, spare.questions, spare.status, spare.lifeline):
        os.set_inheritable(descriptor, False)
    settle(Lifeline(spare.lifeline))
    set_up_output()
    asking = socket.socket(fileno=spare.questions)
    try:
        runner = make_runner(spare.runner, spare.runner_options)
        runner.preload()
        loaded = load_dag(runner, spare.load, SocketChannel(asking, spare.ask_timeout))
    except BaseException as error:
        traceback.print_exc()
        loaded = Loaded(os.getpid(), error=f"the runner {spare.runner!r} cannot be imported: {error}")
    asking.close()
    os.write(spare.status, msgspec.msgpack.encode(loaded))
    os.close(spare.status)
    if loaded.error:
        os._exit(1)
    redirect(os.open(os.devnull, os.O_RDWR), 1, 2)
    work(socket.socket(fileno=spare.channel), runner, spare.settings)


if __name__ == "__main__":
    main(sys.argv[1])

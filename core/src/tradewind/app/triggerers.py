"""How this installation's triggerers are set up and started."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tradewind.app.system import System
    from tradewind.scheduler.triggers import TriggererAccess
    from tradewind.triggerer.options import TriggererOptions

log = logging.getLogger("tradewind")

IDLE = 60.0  #: seconds after which a triggerer that nobody needs ends
_ENDS_WITHIN = 5.0  #: seconds that a triggerer of one's own has to end


def socket_of(system: System) -> Path:
    """Where the installation's triggerer listens."""
    return system.settings.home.run / "triggerer.sock"


def triggerer_options(system: System, socket: Path, *, stays: bool = False) -> TriggererOptions:
    """What a triggerer is told.

    :param stays: whether it is there for good, and not only as long as it is needed.
    """
    from tradewind.triggerer.options import TriggererOptions

    settings = system.settings
    return TriggererOptions(
        socket_path=str(socket),
        session=system.ids.new_id(),
        log_folder=str(settings.logs.folder),
        cache_folder=str(settings.home.versions),
        block_limit=settings.triggerer.block_seconds,
        idle=None if stays else IDLE,
        linger=None if stays else IDLE,
    )


def triggerer_main(system: System, *, stays: bool) -> int:
    """The triggerer's process."""
    from tradewind.triggerer.triggerer import main

    main(triggerer_options(system, socket_of(system), stays=stays))
    return 0


def wanted_from_elsewhere(system: System) -> TriggererAccess:
    """The access of a scheduler whose triggerer is started by other means; says once that it is missing."""
    from tradewind.scheduler.triggers import TriggererAccess

    return TriggererAccess(
        str(socket_of(system)),
        _once(
            lambda: log.warning(
                "Tasks wait for triggers, and no triggerer runs: start `tradewind triggerer`."
            )
        ),
    )


@contextmanager
def own_triggerer(system: System) -> Iterator[TriggererAccess]:
    """A triggerer for this process alone: started when it is first wanted, ended at the end."""
    import msgspec

    from tradewind.scheduler.triggers import TriggererAccess

    socket = system.settings.home.run / f"{system.ids.new_id()[-12:]}.trig"
    started: list[subprocess.Popen[bytes]] = []

    def want() -> None:
        if started and started[-1].poll() is None:
            return
        program = subprocess.Popen(
            [sys.executable, "-m", "tradewind.triggerer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert program.stdin is not None
        started.append(program)
        with suppress(BrokenPipeError):  # killed at once; it is wanted again soon
            program.stdin.write(msgspec.json.encode(triggerer_options(system, socket)))
            program.stdin.close()

    try:
        yield TriggererAccess(str(socket), want)
    finally:
        for program in started:
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)
            try:
                program.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def demanded(system: System, bell: int) -> TriggererAccess:
    """The access of a scheduler under a supervisor.

    :param bell: what to write to, for the supervisor to start its triggerer.
    """
    from tradewind.scheduler.triggers import TriggererAccess

    def want() -> None:
        try:
            os.write(bell, b"t")
        except OSError:
            pass  # it rings already, or the supervisor is gone and this process will be too

    return TriggererAccess(str(socket_of(system)), want)


def _once(call: Callable[[], None]) -> Callable[[], None]:
    left = [call]
    return lambda: left.pop()() if left else None

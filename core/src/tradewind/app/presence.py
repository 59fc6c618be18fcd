"""Signs of life: who is there, written every few seconds, and read by ``tradewind health``."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from tradewind.ports.executor import BEAT_EVERY

if TYPE_CHECKING:
    from tradewind.app.system import System
    from tradewind.scheduler.scheduler import Scheduler

log = logging.getLogger("tradewind")


def scheduler_beats(system: System, scheduler: Scheduler) -> str:
    """Register the scheduler, which holds the lock, and write from now on that it is there, with whoever works for it.

    :returns: its id.
    """
    own = system.ids.new_id()
    system.health.register_scheduler(
        id=own, host=socket.gethostname(), pid=os.getpid(), started_at=system.clock.now()
    )
    system.health.bury(own)
    beat = _quietly(
        "scheduler", lambda: system.health.beat_scheduler(own, system.clock.now(), scheduler.sessions())
    )

    def again() -> None:
        beat()
        scheduler.loop.later(BEAT_EVERY, again)

    scheduler.loop.later(1.0, again)  # by then its agent has answered
    return own


def importer_beat(system: System) -> tuple[str, Callable[[], None]]:
    """The importer's session, and what writes that it is there."""
    from tradewind.ports.executor import Session
    from tradewind.store.health import IMPORTER

    own = Session(system.ids.new_id(), IMPORTER, socket.gethostname(), os.getpid())
    return own.id, _quietly(IMPORTER, lambda: system.health.beat_worker(own, system.clock.now()))


def _quietly(who: str, write: Callable[[], None]) -> Callable[[], None]:
    from tradewind.errors import StoreError

    def beat() -> None:
        try:
            write()
        except StoreError as error:
            log.warning("The sign of life of the %s could not be written: %s", who, error)

    return beat

"""Between the scheduler and its triggerer: triggers of tasks and of assets' watchers go out, what they gave comes back.

The line is sought when the first trigger is waited for. Which triggers ran is not kept anywhere: whoever welcomes the
scheduler says what it holds, and is told what it lacks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from tradewind.agent.caller import Caller, Surroundings
from tradewind.agent.protocol import Ask, Bundle, Unwatch, Watch, Welcome
from tradewind.errors import NotFound, StoreError
from tradewind.model.facts import Fact, WaitEnded
from tradewind.model.order import VersionBundle
from tradewind.ports.clock import Clock
from tradewind.ports.executor import Session
from tradewind.scheduler.memory import LiveDag, Memory
from tradewind.scheduler.rows import log_path
from tradewind.scheduler.watchers import Watchers

log = logging.getLogger("tradewind.scheduler")

RETRY_AFTER = 0.5  #: seconds until what the store refused for the moment is tried again


@dataclass(frozen=True, slots=True)
class TriggererAccess:
    """How a scheduler gets at a triggerer.

    :param socket_path: where it listens.
    :param want: called whenever it is wanted and nobody listens there; whoever can, starts one.
    """

    socket_path: str
    want: Callable[[], None] = lambda: None


class Inbox(Protocol):
    """The scheduler's side that facts come in by."""

    def __call__(self, fact: Fact, session: str, acknowledge: Callable[[], None] | None, /) -> None: ...


class Triggers:
    """Has the triggers of deferred instances, and of the watchers of assets, run by a triggerer.

    :param access: ``None``: there is none to be had; instances then wait until there is.
    :param watches: whether assets are watched.
    """

    def __init__(
        self,
        access: TriggererAccess | None,
        loop: Surroundings,
        clock: Clock,
        memory: Callable[[], Memory],
        bundle: Callable[[str], VersionBundle],
        answer: Callable[[str, str, dict[str, Any]], Any],
        take_fact: Inbox,
        watches: bool,
    ) -> None:
        self._access = access
        self._loop = loop
        self._clock = clock
        self._memory = memory
        self._bundle = bundle
        self._ask = answer
        self._take_fact = take_fact
        self._watches = watches
        self._watchers = Watchers()
        self._line = Caller(access.socket_path, "triggerer", self) if access is not None else None
        self._sent: set[str] = set()  # versions whose files went over this connection
        self._own: set[str] = set()  # waits that the triggerer has, as far as is known

    def reload(self) -> None:
        """Memory was read anew: look after what is waited for in it."""
        self._watchers = Watchers()
        watch = self._note(self._memory().dags.values())
        if watch or any(
            run.waits[number].kind == "trigger" for run, number in self._memory().waiting.values()
        ):
            self._have_run()

    def look_at(self, dags: Iterable[LiveDag]) -> None:
        """These DAGs may have changed, and with them which watchers are to watch."""
        if self._note(dags):
            self._have_run()

    def watch(self, attempt_id: str) -> None:
        """Have the trigger of a wait run."""
        self._seek()
        self._send(attempt_id)

    def forget(self, attempt_id: str, *, killed: bool = True) -> None:
        """Nobody waits for it any more."""
        if attempt_id in self._own and self._line is not None:
            self._own.discard(attempt_id)
            self._line.queue(Unwatch(attempt_id, killed))

    def flush(self) -> None:
        """Send what a turn led to."""
        if self._line is not None:
            self._line.flush()

    def stop(self) -> None:
        """The scheduler ends; the triggerer goes on."""
        if self._line is not None:
            self._line.stop()

    def sessions(self) -> list[Session]:
        """The triggerer that is there, if any."""
        peer = self._line.peer if self._line is not None else None
        return (
            [] if peer is None else [Session(peer.session, "triggerer", peer.host, peer.pid, peer.capacity)]
        )

    # -- what the line tells ---------------------------------------------------------------------------------

    def welcomed(self, welcome: Welcome) -> None:
        """A triggerer is there: give it what it lacks, take back what nobody waits for."""
        self._sent.clear()
        self._own = set(welcome.held)
        self._compare(self._own)
        self.flush()

    def report(self, fact: Fact, session: str, acknowledge: Callable[[], None]) -> None:
        """A trigger has fired, or failed; a watcher goes on after that."""
        if isinstance(fact, WaitEnded):
            self._own.discard(fact.attempt_id)
        self._take_fact(fact, session, acknowledge)

    def answer(self, ask: Ask) -> object:
        """A trigger asks for a variable or a connection."""
        return self._ask("", ask.operation, ask.arguments)

    def lost(self) -> None:
        """What went over the old connection may not have arrived."""
        self._sent.clear()
        self._own.clear()

    def unreachable(self) -> None:
        """Nobody listens: have one started, if there is anything to wait for."""
        if self._access is not None and (self._memory().waiting or self._watchers.all):
            self._access.want()

    # -- inside ----------------------------------------------------------------------------------------------

    def _note(self, dags: Iterable[LiveDag]) -> bool:
        changed = [dag for dag in dags if self._watches and self._watchers.look_at(dag)]
        return bool(changed)

    def _have_run(self) -> None:
        self._seek()
        self._compare(self._own)
        self.flush()

    def _seek(self) -> None:
        if self._line is not None and not self._line.started:
            self._line.start(self._loop)

    def _compare(self, held: set[str]) -> None:
        wanted = {
            attempt_id
            for attempt_id, (run, number) in self._memory().waiting.items()
            if run.waits[number].kind == "trigger"
        } | self._watchers.all.keys()
        for attempt_id in held - wanted:
            self.forget(attempt_id)
        for attempt_id in sorted(wanted - held):
            self._send(attempt_id)

    def _send(self, attempt_id: str) -> None:
        watch = self._watch_of(attempt_id)
        if watch is None or self._line is None or self._line.peer is None:
            return  # over meanwhile, or sent when a triggerer is there
        try:
            if watch.version_id not in self._sent:
                self._line.queue(Bundle(self._bundle(watch.version_id)))
                self._sent.add(watch.version_id)
        except StoreError as error:
            log.warning("A trigger could not be handed over, it is tried again: %s", error)
            self._loop.later(RETRY_AFTER, lambda: self._send_again(attempt_id))
            return
        except NotFound as error:
            if watch.watched is not None:  # its DAG is being deleted
                log.error("No trigger can be handed over for %s: %s", watch.watched.label, error)
                return
            self._take_fact(
                WaitEnded(attempt_id=attempt_id, at=self._clock.now(), error=str(error)), "", None
            )
            return
        self._own.add(attempt_id)
        self._line.queue(watch)

    def _watch_of(self, wait_id: str) -> Watch | None:
        watching = self._watchers.all.get(wait_id)
        if watching is not None:
            return Watch(
                wait_id, watching.version_id, watching.classpath, watching.kwargs, watched=watching.watched
            )
        found = self._memory().waiting.get(wait_id)
        if found is None:
            return None
        run, number = found
        payload = run.waits[number].payload
        return Watch(wait_id, run.info.version_id, payload["class"], payload["kwargs"], log_path(run, number))

    def _send_again(self, attempt_id: str) -> None:
        self._send(attempt_id)
        self.flush()

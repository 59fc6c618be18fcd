"""The triggerer: has the triggers of deferred tasks run, for whichever scheduler is connected. It runs no user code."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections import Counter

from tradewind.agent.clock import SystemClock
from tradewind.agent.loop import Loop, Timer
from tradewind.agent.protocol import PROTOCOL, Ack, Bundle, Hello, Message, Reply, Unwatch, Watch, Welcome
from tradewind.agent.questions import ImportQuestions
from tradewind.agent.reports import Reports
from tradewind.agent.unpack import keep, link_rest, unpack
from tradewind.agent.wire import Line, listen
from tradewind.errors import TradewindError
from tradewind.model.facts import Fact, WaitEnded, WatcherFired
from tradewind.model.order import VersionBundle
from tradewind.triggerer.crew import Crew
from tradewind.triggerer.loading import belongs_to
from tradewind.triggerer.options import TriggererOptions
from tradewind.triggerer.watchers import Watchers

log = logging.getLogger("tradewind.triggerer")

_STRIKES = 2  #: how often a trigger may bring its process down before its task is failed for it
_LOOKS = 4  #: how often within the block limit the watchdog looks
_CREW_IDLE = 30.0  #: seconds that a worker for the triggers of one DAG version stays without any
_LAST_REPORTS = 2.0  #: seconds that a triggerer which ends waits for its reports to be acknowledged
_PAUSES = (0.0, 0.2, 1.0, 5.0)  #: seconds before a worker that nobody's trigger brought down is started again
_SETTLED = 30.0  #: seconds after which such deaths are forgotten


class Triggerer:
    """One triggerer process."""

    def __init__(self, options: TriggererOptions, listener: socket.socket) -> None:
        self._options = options
        self._listener = listener
        self._loop = Loop()
        self._clock = SystemClock()
        self._reports = Reports(self._loop)
        self._questions = ImportQuestions(self._loop)
        self._bundles: dict[str, tuple[str, tuple[str, ...]]] = {}  # by version: folder, files
        self._refused: dict[str, str] = {}  # versions that cannot be unpacked, and why
        self._crews: dict[str, Crew] = {}  # by folder; "": what comes from installed packages; or by watch
        self._places: dict[str, Crew] = {}  # by wait
        self._watchers = Watchers(self._loop, self._place)
        self._strikes: Counter[str] = Counter()
        self._deaths: list[float] = []
        self._scheduler: Line | None = None
        self._strangers: set[Line] = set()
        self._watchdog: Timer | None = None
        self._empty_since = time.monotonic()
        self._alone_since = time.monotonic()
        self._stopping = False

    def run(self) -> None:
        """Serve until told to end, or until there is nothing to wait for."""
        self._loop.watch(self._listener, self._accept)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.on_signal(number, self._stop)
        self._tidy()
        self._loop.run()
        self._close()

    # -- the scheduler ---------------------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        line: Line

        def on_message(message: Message) -> None:
            self._on_message(line, message)

        def on_end(_reason: str) -> None:
            self._strangers.discard(line)
            if line is self._scheduler:
                self._scheduler = None
                self._alone_since = time.monotonic()
                self._reports.detach()
                self._questions.detach()

        line = Line(self._loop, sock, on_message, on_end)
        self._strangers.add(line)

    def _on_message(self, line: Line, message: Message) -> None:
        if isinstance(message, Hello):
            self._welcome(line, message)
            return
        if line is not self._scheduler:
            self._strangers.discard(line)
            line.close()
            return
        match message:
            case Watch():
                self._watch(message)
            case Unwatch():
                self._watchers.discard(message.wait_id)
                crew = self._places.pop(message.wait_id, None)
                if crew is not None:
                    crew.unwatch(message)
                self._note_empty()
            case Ack():
                self._reports.acknowledge(message.n)
            case Bundle():
                self._unpack(message.bundle)
            case Reply():
                self._questions.reply(message)
            case _:
                log.warning("A %s came from the scheduler; passed over", type(message).__name__)

    def _welcome(self, line: Line, hello: Hello) -> None:
        """The newest scheduler is the one that counts: an older one may be dead without its socket knowing."""
        held = tuple(sorted({*self._places, *self._watchers.ids(), *self._reports.attempts()}))
        line.send(Welcome(self._options.session, socket.gethostname(), os.getpid(), 0, held, PROTOCOL))
        self._strangers.discard(line)
        if hello.protocol != PROTOCOL:
            line.close()
            return
        if self._scheduler is not None and self._scheduler is not line:
            self._scheduler.close()
        self._scheduler = line
        self._reports.attach(line)
        self._questions.attach(line)

    def _unpack(self, bundle: VersionBundle) -> None:
        try:
            folder = unpack(bundle, self._options.cache_folder)
            files = tuple(path for path, _ in bundle.files)
            link_rest(folder, bundle.folder, files)
            self._bundles[bundle.version_id] = folder, files
        except (OSError, TradewindError) as error:
            self._refused[bundle.version_id] = f"its DAG's files cannot be unpacked: {error}"

    # -- waits -----------------------------------------------------------------------------------------------

    def _watch(self, watch: Watch) -> None:
        if watch.wait_id in self._places or watch.wait_id in self._watchers:
            return
        if watch.watched is not None:
            self._watchers.add(watch)
        elif not self._reports.concern(watch.wait_id):
            self._place(watch)

    def _place(self, watch: Watch) -> None:
        """Run a trigger beside the others of its folder; a watcher that has failed runs apart, since it may hurt them."""
        folder, files = self._bundles.get(watch.version_id, ("", ()))
        if belongs_to(watch.classpath, files):
            if not folder:
                self._fail(watch, self._refused.get(watch.version_id, "its DAG's files did not come"))
                return
        else:
            folder, files = "", ()
        key = watch.wait_id if self._watchers.has_failed(watch.wait_id) else folder
        crew = self._crews.get(key)
        if crew is None:
            crew = self._crews[key] = Crew(
                self._loop, self._options, self._questions, key, folder, files, self._over, self._died
            )
        self._places[watch.wait_id] = crew
        crew.watch(watch)
        if self._watchdog is None:
            self._watchdog = self._loop.later(self._options.block_limit / _LOOKS, self._look)

    def _over(self, fact: Fact) -> None:
        if isinstance(fact, WatcherFired):
            self._reports.add(fact)
            return
        self._places.pop(fact.attempt_id, None)
        self._strikes.pop(fact.attempt_id, None)
        if isinstance(fact, WaitEnded) and fact.attempt_id in self._watchers:
            self._watchers.ended(fact.attempt_id, fact.error)
            return
        self._note_empty()
        self._reports.add(fact)

    def _fail(self, watch: Watch, why: str) -> None:
        error = f"the trigger {watch.classpath} failed: {why}"
        if watch.watched is None:
            log.error("%s (wait %s)", error, watch.wait_id)
        self._over(WaitEnded(attempt_id=watch.wait_id, at=self._clock.now(), error=error))

    # -- workers ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """The watchdog: a trigger that keeps the loop is ended with its process; the others go on in a new one."""
        self._watchdog = None
        for crew in list(self._crews.values()):
            blocked = crew.blocked()
            if blocked is not None:
                wait_id, lasted = blocked
                watch = crew.waits.pop(wait_id, None)
                if watch is not None:
                    self._fail(
                        watch,
                        f"it blocked the event loop for {lasted:.1f} s; a trigger must await what takes time "
                        f"(await asyncio.to_thread(...) for code that cannot)",
                    )
                crew.end(signal.SIGKILL)
        if self._places:
            self._watchdog = self._loop.later(self._options.block_limit / _LOOKS, self._look)

    def _died(self, crew: Crew, how: str, culprit: str) -> None:
        if self._stopping:
            return
        watch = crew.waits.get(culprit)
        if watch is not None:
            self._strikes[culprit] += 1
            if self._strikes[culprit] >= _STRIKES:
                del crew.waits[culprit]
                self._fail(
                    watch, f"it ended the process that ran it {_STRIKES} times, the last time by {how}"
                )
        if not crew.waits:
            self._crews.pop(crew.key, None)
            return
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < _SETTLED]
        pause = 0.0 if watch is not None else _PAUSES[min(len(self._deaths), len(_PAUSES) - 1)]
        self._deaths.append(now)
        log.warning("A worker ended (%s); its %d triggers go on in a new one", how, len(crew.waits))
        self._loop.later(pause, lambda: self._start_again(crew))

    def _start_again(self, crew: Crew) -> None:
        if crew.waits and not crew.pid and not self._stopping:
            crew.start()

    # -- life ------------------------------------------------------------------------------------------------

    def _note_empty(self) -> None:
        if not self._places and not self._watchers:
            self._empty_since = time.monotonic()

    def _tidy(self) -> None:
        """Workers that have nothing to do end, and so does a triggerer that nobody needs."""
        now, options = time.monotonic(), self._options
        for crew in list(self._crews.values()):
            if crew.folder:
                keep(crew.folder)  # an agent of this machine clears away what nobody keeps
            if not crew.waits and now - crew.empty_since > _CREW_IDLE:
                del self._crews[crew.key]
                crew.end()
        unused = not self._places and not self._watchers
        idle = options.idle is not None and unused and now - self._empty_since > options.idle
        alone = (
            options.linger is not None
            and self._scheduler is None
            and now - self._alone_since > options.linger
        )
        if alone or (idle and not self._reports):
            log.info("Nothing to wait for%s: the triggerer ends", ", and no scheduler" if alone else "")
            self._loop.stop()
            return
        self._loop.later(5.0, self._tidy)

    def _stop(self) -> None:
        self._stopping = True
        self._loop.stop()

    def _close(self) -> None:
        """Leave no process behind, and no socket."""
        self._stopping = True
        self._listener.close()
        if os.path.exists(self._options.socket_path):
            os.unlink(self._options.socket_path)
        for crew in self._crews.values():
            crew.end()
        deadline = time.monotonic() + _LAST_REPORTS
        for crew in self._crews.values():
            while crew.pid and time.monotonic() < deadline:
                if os.waitpid(crew.pid, os.WNOHANG)[0]:
                    break
                time.sleep(0.005)
            else:
                crew.end(signal.SIGKILL)


def main(options: TriggererOptions, listener: socket.socket | None = None) -> None:
    """Be a triggerer until it ends.

    :param listener: the listening socket, where whoever started it has made it already.
    """
    for name in [name for name in os.environ if name.startswith(options.drop_environment)]:
        del os.environ[name]
    Triggerer(options, listener or listen(options.socket_path)).run()

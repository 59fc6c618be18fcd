"""The process that runs triggers: one event loop for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import os
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any

import msgspec

from tradewind.agent.clock import SystemClock, SystemIds
from tradewind.agent.protocol import Frames, Unwatch, Watch, frame, report_of
from tradewind.agent.wire import READ_SIZE
from tradewind.model.assets import Watched
from tradewind.model.facts import Fact, WaitEnded, WatcherFired
from tradewind.serialization.values import encode
from tradewind.triggerer.board import Board
from tradewind.triggerer.loading import TriggerLoader
from tradewind.triggerer.logs import current_watch

log = logging.getLogger("tradewind.trigger")

_CLEANUP = 5.0  #: seconds that a trigger's own cleaning up may take
_MAX_REASON = 500
_BETWEEN_EVENTS = 0.01  #: seconds that a watcher has to wait after each of its events: it shall flood nobody

_WITHOUT = "run() of {} ended without an event"

_mark: ContextVar[bytes | None] = ContextVar("tradewind_trigger_mark", default=None)


class _Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that says on the board when it has the loop."""

    __slots__ = ("_board", "_coroutine", "_wait_id")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], board: Board, wait_id: bytes) -> None:
        self._coroutine = coroutine
        self._board = board
        self._wait_id = wait_id

    def send(self, value: Any) -> Any:
        self._board.enter(self._wait_id)
        try:
            return self._coroutine.send(value)
        finally:
            self._board.leave()

    def throw(self, *error: Any) -> Any:
        self._board.enter(self._wait_id)
        try:
            return self._coroutine.throw(*error)
        finally:
            self._board.leave()

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()


class Worker:
    """Runs what its triggerer asks it to, until that closes the line."""

    def __init__(self, line: socket.socket, board: Board, loader: TriggerLoader) -> None:
        self._line = line
        self._board = board
        self._loader = loader
        self._clock = SystemClock()
        self._ids = SystemIds()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._killed: set[str] = set()
        self._next: dict[str, Watch] = {}  # to begin when one of the same id has come to its end
        self._reports = 0

    async def serve(self) -> None:
        """Take orders."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self._task)
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line)
        reading = asyncio.ensure_future(self._read(reader))
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLEANUP)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        while data := await reader.read(READ_SIZE):
            for message in frames.feed(data):
                if isinstance(message, Watch):
                    self._watch(message)
                elif isinstance(message, Unwatch):
                    self._unwatch(message)

    def _task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        """Tasks that a trigger makes are its own too."""
        wait_id = _mark.get()
        if wait_id is not None:
            coroutine = _Stepped(coroutine, self._board, wait_id)
        return asyncio.Task(coroutine, loop=loop, **more)

    def _watch(self, watch: Watch) -> None:
        if watch.wait_id in self._tasks:
            self._next[watch.wait_id] = watch
            return
        token, log = _mark.set(watch.wait_id.encode()), current_watch.set(watch)
        try:
            task = asyncio.ensure_future(self._run(watch))
        finally:
            _mark.reset(token)
            current_watch.reset(log)
        self._tasks[watch.wait_id] = task
        task.add_done_callback(lambda _: self._ended(watch.wait_id))

    def _ended(self, wait_id: str) -> None:
        self._tasks.pop(wait_id, None)
        following = self._next.pop(wait_id, None)
        if following is not None:
            self._watch(following)

    def _unwatch(self, message: Unwatch) -> None:
        self._next.pop(message.wait_id, None)
        task = self._tasks.get(message.wait_id)
        if task is not None:
            if message.killed:
                self._killed.add(message.wait_id)
            task.cancel()

    async def _run(self, watch: Watch) -> None:
        trigger: Any = None
        try:
            self._board.enter(watch.wait_id.encode(), loading=True)
            trigger = self._loader.make(watch.classpath, watch.kwargs)
            self._board.enter(watch.wait_id.encode())
            if watch.watched is not None:
                await self._watch_asset(watch, watch.watched, trigger)
            else:
                self._end(watch, event=await _event_of(trigger, watch.classpath))
        except asyncio.CancelledError:
            if watch.wait_id in self._killed:
                await self._tidy(trigger, "on_kill")
            raise
        except BaseException as error:  # whatever a trigger raises is its own task's business alone
            log.error("The trigger %s failed", watch.classpath, exc_info=error)
            self._end(watch, error=_reason(watch.classpath, error))
        finally:
            self._killed.discard(watch.wait_id)
            await self._tidy(trigger, "cleanup")

    async def _watch_asset(self, watch: Watch, watched: Watched, trigger: Any) -> None:
        """Report every event; whether the trigger is run again when it ends is up to the triggerer."""
        fired = False
        running = trigger.run()
        if inspect.isawaitable(running):
            running = _once(running)
        async with contextlib.aclosing(running) as events:
            async for event in events:
                fired = True
                self._report(
                    WatcherFired(
                        attempt_id=watch.wait_id,
                        at=self._clock.now(),
                        event_id=self._ids.new_id(),
                        watched=watched,
                        payload=msgspec.json.encode(getattr(event, "payload", event)).decode(),
                    )
                )
                await self._writer.drain()
                await asyncio.sleep(_BETWEEN_EVENTS)
        if not fired:
            raise RuntimeError(_WITHOUT.format(watch.classpath))
        self._end(watch)

    def _end(self, watch: Watch, *, event: str | None = None, error: str | None = None) -> None:
        self._report(WaitEnded(attempt_id=watch.wait_id, at=self._clock.now(), event=event, error=error))

    def _report(self, fact: Fact) -> None:
        self._reports += 1
        self._writer.write(frame(report_of(self._reports, fact)))

    @staticmethod
    async def _tidy(trigger: Any, method: str) -> None:
        call = getattr(trigger, method, None)
        if call is None:
            return
        try:
            result = call()
            if inspect.isawaitable(result):
                await asyncio.wait_for(result, _CLEANUP)
        except BaseException as error:  # its task has what it waited for, or is gone
            log.warning("%s() of a trigger raised", method, exc_info=error)


async def _event_of(trigger: Any, name: str) -> str:
    """The payload of the trigger's first event, in typed JSON."""
    running = trigger.run()
    if inspect.isawaitable(running):
        return encode(getattr(await running, "payload", None)).decode()
    async with contextlib.aclosing(running) as events:
        async for event in events:
            return encode(getattr(event, "payload", event)).decode()
    raise RuntimeError(_WITHOUT.format(name))


async def _once(running: Awaitable[Any]) -> AsyncGenerator[Any, None]:
    yield await running


def _reason(name: str, error: BaseException) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"the trigger {name} failed: {text}"[:_MAX_REASON]


def run(line: socket.socket, board: Board, loader: TriggerLoader) -> None:
    """Be a worker until the line ends."""
    asyncio.run(Worker(line, board, loader).serve())
    os._exit(0)  # threads of triggers must not keep the process

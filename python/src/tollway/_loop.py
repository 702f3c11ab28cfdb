"""The way from the native runtime to asyncio: one completion queue per event loop.

The runtime's threads never touch the interpreter. They put finished calls on the queue and make a file descriptor
readable, which the loop watches; one wake-up resolves all calls that have finished by then.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from typing import TYPE_CHECKING, Protocol

from . import _native
from .errors import from_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._secret import Secret

_JOIN_TIMEOUT = 1.0


class Starter(Protocol):
    """What starts verbs: an open file, or, for verbs about others, the native module."""

    def start(self, verb: str, arguments: str, queue: _native.CompletionQueue, ticket: int, /) -> _native.Call:
        """Starts a verb, whose end is put on a queue under a ticket."""


class LoopQueue:
    """Resolves the futures of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.process = os.getpid()
        self._native = _native.CompletionQueue()
        self._futures: dict[int, asyncio.Future[str]] = {}
        self._last_ticket = 0
        self._thread: threading.Thread | None = None
        descriptor = self._native.fileno()
        # The loop must not be kept alive by what it watches, or neither would ever be collected.
        drain = _call_weakly(self)
        if descriptor is not None:
            try:
                loop.add_reader(descriptor, drain)
            except NotImplementedError:
                descriptor = None
        if descriptor is None:
            self._thread = threading.Thread(
                target=_wait_for_loop, args=(self._native, weakref.ref(loop), drain), name="tollway", daemon=True
            )
            self._thread.start()
            weakref.finalize(self, self._native.close)

    async def call(self, starter: Starter, verb: str, arguments: Secret) -> str:
        """Runs a verb and returns its result; cancelling gives the call up, which is then settled by its policy."""
        ticket, future = self._new_future()
        call = starter.start(verb, arguments.reveal(), self._native, ticket)
        try:
            return await future
        except BaseException:
            call.cancel()
            raise
        finally:
            del self._futures[ticket]

    async def ready(
        self,
        source: _native.Stream | _native.Fetch,
        timeout: float | None = None,
    ) -> None:
        """Waits until a source has something to take; cancelling loses nothing.

        Raises:
            TimeoutError: It had nothing for so many seconds.
        """
        ticket, future = self._new_future()
        source.notify(self._native, ticket)
        timer = None if timeout is None else future.get_loop().call_later(timeout, _expire, future)
        try:
            await future
        finally:
            del self._futures[ticket]
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Ends the thread that waits where the loop cannot."""
        self._native.close()
        if self._thread is not None:
            self._thread.join(_JOIN_TIMEOUT)

    def _new_future(self) -> tuple[int, asyncio.Future[str]]:
        self._last_ticket += 1
        future = asyncio.get_running_loop().create_future()
        self._futures[self._last_ticket] = future
        return self._last_ticket, future

    def drain(self) -> None:
        """Resolves every call that has finished."""
        for ticket, result, error in self._native.drain():
            future = self._futures.get(ticket)
            # A call that was cancelled is gone; its end interests nobody any more.
            if future is None or future.done():
                continue
            if error is not None:
                future.set_exception(from_json(error))
            elif result is not None:
                future.set_result(result)


def _expire(future: asyncio.Future[str]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopQueue] = weakref.WeakKeyDictionary()


def current() -> LoopQueue:
    """Returns the queue of the running event loop, and makes it at the first call.

    Raises:
        RuntimeError: No event loop of asyncio is running.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        detail = "AsyncTollway needs a running asyncio event loop; use Tollway in threads, or under other frameworks"
        raise RuntimeError(detail) from None
    queue = _queues.get(loop)
    # After a fork, the threads that would fill an inherited queue are the parent's.
    if queue is None or queue.process != os.getpid():
        _forget_closed_loops()
        queue = _queues[loop] = LoopQueue(loop)
    return queue


def _forget_closed_loops() -> None:
    """Lets go of loops that were closed with calls pending, which are thereby given up."""
    # A pending future holds its loop, so that such a loop would stay in the mapping for ever.
    for reference in _queues.keyrefs():
        loop = reference()
        if loop is not None and loop.is_closed():
            queue = _queues.pop(loop, None)
            if queue is not None and queue.process == os.getpid():
                queue.close()


def close_all() -> None:
    """Ends all threads that wait where a loop cannot, so that none is left when the interpreter goes."""
    for queue in list(_queues.values()):
        if queue.process == os.getpid():
            queue.close()


def _call_weakly(queue: LoopQueue) -> Callable[[], None]:
    reference = weakref.ref(queue)

    def drain() -> None:
        alive = reference()
        if alive is not None:
            alive.drain()

    return drain


def _wait_for_loop(
    native: _native.CompletionQueue,
    reference: weakref.ref[asyncio.AbstractEventLoop],
    drain: Callable[[], None],
) -> None:
    while native.wait():
        loop = reference()
        if loop is None or loop.is_closed():
            return
        drained = threading.Event()

        def drain_once(drained: threading.Event = drained) -> None:
            drain()
            drained.set()

        try:
            loop.call_soon_threadsafe(drain_once)
        except RuntimeError:
            # The loop was closed in between.
            return
        del loop
        drained.wait(_JOIN_TIMEOUT)

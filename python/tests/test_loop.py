from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import MASTER_KEY, eventually
from tollway import _handle, _loop
from tollway._engine import AsyncEngine
from tollway._secret import Secret

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path


class LoopWithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as the one of Windows."""

    def __init__(self) -> None:
        self.is_ready = False
        super().__init__()
        self.is_ready = True

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        # The loop watches one of its own, to be woken by other threads.
        if self.is_ready:
            raise NotImplementedError
        super().add_reader(fd, callback, *args)


def run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> None:
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()


async def refuse(path: Path, count: int) -> None:
    """Makes many calls that end without a file or a provider."""
    atw = await open_and_close(path)

    async def call() -> None:
        try:
            await atw.models.list()
        except tollway.ClosedError:
            return
        raise AssertionError

    await asyncio.gather(*(call() for _ in range(count)))


async def open_and_close(path: Path) -> tollway.AsyncTollway:
    atw = tollway.AsyncTollway(AsyncEngine(_handle.create(path, Secret(MASTER_KEY), {})))
    assert await atw.aclose()
    return atw


def test_without_an_asyncio_loop_the_error_says_what_to_use(path: Path) -> None:
    atw = asyncio.run(open_and_close(path))
    with pytest.raises(RuntimeError, match="needs a running asyncio event loop; use Tollway"):
        atw.models.list().send(None)


def test_an_event_loop_that_watches_descriptors_needs_no_thread(path: Path) -> None:
    before = threading.active_count()
    run(asyncio.SelectorEventLoop(), refuse(path, 500))
    assert threading.active_count() == before


def test_an_event_loop_that_cannot_watch_descriptors_gets_a_thread(path: Path) -> None:
    before = threading.active_count()
    loop = LoopWithoutReaders()

    async def main() -> None:
        await refuse(path, 500)
        assert threading.active_count() == before + 1

    run(loop, main())
    del loop
    gc.collect()
    eventually(lambda: threading.active_count() == before)


def test_a_closed_loop_is_collected_with_its_queue(path: Path) -> None:
    loop = asyncio.SelectorEventLoop()
    reference = weakref.ref(loop)
    run(loop, refuse(path, 3))
    del loop
    gc.collect()
    assert reference() is None
    assert all(not loop.is_closed() for loop in _loop._queues)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_event_loop_closed_with_calls_pending_is_released(path: Path, tw: tollway.Tollway) -> None:
    atw = asyncio.run(tollway.AsyncTollway.open(path, master_key=MASTER_KEY))
    loop = asyncio.SelectorEventLoop()
    loop.set_exception_handler(lambda _loop, _context: None)
    reference = weakref.ref(loop)
    task = loop.create_task(atw.chat("Hi", model="openai/slow", user="left"))
    loop.run_until_complete(asyncio.sleep(0.3))
    loop.close()
    del task, loop
    # The next loop is where the one before is noticed.
    assert asyncio.run(atw.chat("Hi", user="next")).text
    gc.collect()
    assert reference() is None
    (record,) = eventually(lambda: list(tw.usage.records(user="left")))
    assert record.status == "cancelled"
    assert asyncio.run(atw.aclose())


def test_a_call_that_was_cancelled_leaves_nothing_behind(path: Path) -> None:
    async def main() -> None:
        atw = await open_and_close(path)
        tasks = [asyncio.ensure_future(atw.models.list()) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, (asyncio.CancelledError, tollway.ClosedError)) for result in results)
        assert _loop.current()._futures == {}

    asyncio.run(main())

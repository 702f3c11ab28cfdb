from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, SCRIPT_TIMEOUT, eventually, start_script

if TYPE_CHECKING:
    from pathlib import Path


def cancelled(tw: tollway.Tollway, user: str) -> bool:
    records = eventually(lambda: list(tw.usage.records(user=user)))
    return all(record.status == "cancelled" for record in records)


def test_a_cancelled_task_cancels_its_call(path: Path, tw: tollway.Tollway) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            task = asyncio.create_task(atw.chat("Hi", model="openai/slow", user="alice"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # Others of the same loop go on.
            assert (await atw.chat("Hi")).text

    asyncio.run(main())
    assert cancelled(tw, "alice")


def test_a_timeout_of_asyncio_cancels_its_call(path: Path, tw: tollway.Tollway) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(atw.chat("Hi", model="openai/slow", user="bob"), 0.2)

    asyncio.run(main())
    assert cancelled(tw, "bob")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with Python 3.11")
def test_an_asyncio_timeout_block_cancels_its_call(path: Path, tw: tollway.Tollway) -> None:
    if sys.version_info >= (3, 11):

        async def main() -> None:
            async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await atw.chat("Hi", model="openai/slow", user="erin")

        asyncio.run(main())
        assert cancelled(tw, "erin")


def test_a_deadline_of_a_call_is_a_timeout_error(tw: tollway.Tollway) -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        tw.chat("Hi", model="openai/slow", timeout=0.3, user="carol")
    assert isinstance(caught.value, tollway.CallTimeoutError)
    assert time.monotonic() - start < 5
    (record,) = tw.usage.records(user="carol")
    assert record.status == "timeout"


CALL = """
import sys, time, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
print("ready", flush=True)
try:
    tw.chat("Hi", model="openai/slow", user="dave")
except KeyboardInterrupt:
    print(time.time(), flush=True)
"""

STREAM = """
import sys, time, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
print("ready", flush=True)
try:
    for event in tw.chat.stream("Hi", model="openai/slow", user="dave"): pass
except KeyboardInterrupt:
    print(time.time(), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send to another process")
@pytest.mark.parametrize("source", [CALL, STREAM])
def test_ctrl_c_ends_a_wait_at_once(path: Path, tw: tollway.Tollway, source: str) -> None:
    def seconds_to_end() -> float:
        process = start_script(source, path, MASTER_KEY)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SCRIPT_TIMEOUT)
        assert process.returncode == 0, errors
        return float(output) - sent

    # The best of a few, because a busy machine delays some of them.
    assert any(seconds_to_end() < 0.2 for _ in range(3))
    assert cancelled(tw, "dave")

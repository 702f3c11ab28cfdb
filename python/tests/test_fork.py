from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from conftest import MASTER_KEY, run_script

if TYPE_CHECKING:
    from pathlib import Path

    import tollway

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

FORK = """
import asyncio, os, signal, sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
tw.chat("Hi", user="parent")
for number in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        tw.chat("Hi", user="child")
        async def main():
            async with await tollway.AsyncTollway.open(sys.argv[1], master_key=sys.argv[2]) as atw:
                await atw.chat("Hi", user="child")
        asyncio.run(main())
        if number == 2:
            tw.close()
        # An exit with all its hooks, and one without.
        sys.exit(0) if number == 1 else os._exit(0)
    tw.chat("Hi", user="parent")
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    tw.chat("Hi", user="parent")
"""

POOL = """
import multiprocessing, sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
tw.chat("Hi", user="parent")
def work(number):
    return tw.chat("Hi", user="worker").request_id
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert len(set(pool.map(work, range(12)))) == 12
tw.chat("Hi", user="parent")
"""

INHERITED = """
import os, signal, sys, time, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
stream = tw.chat.stream("Hi", user="parent")
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        next(stream)
    except tollway.ForkedError as error:
        assert error.code == "forked"
        del stream
        os._exit(0)
    os._exit(9)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert "".join(event.text for event in stream)
assert stream.reply is not None
"""

ASYNC_PARENT = """
import asyncio, os, signal, sys, tollway
async def open_it():
    atw = await tollway.AsyncTollway.open(sys.argv[1], master_key=sys.argv[2])
    await atw.chat("Hi", user="parent")
    return atw
async def call(user):
    await atw.chat("Hi", user=user)
atw = asyncio.run(open_it())
child = os.fork()
if child == 0:
    signal.alarm(20)
    asyncio.run(call("child"))
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
asyncio.run(call("parent"))
"""

THREADS = """
import os, signal, sys, threading, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
stop = threading.Event()
def work():
    while not stop.is_set():
        tw.chat("Hi", user="thread")
        for event in tw.chat.stream("Hi", user="thread"): pass
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
failed = []
for number in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        tw.chat("Hi", user="child")
        for event in tw.chat.stream("Hi", user="child"): pass
        (os._exit if number % 2 else sys.exit)(0)
    _, status = os.waitpid(child, 0)
    failed += [status] if status else []
stop.set()
for thread in threads: thread.join()
assert not failed, failed
"""


def users(tw: tollway.Tollway) -> list[str]:
    return sorted(record.user or "" for record in tw.usage.records(status="success"))


def test_forked_children_and_their_parent_are_all_recorded(path: Path, tw: tollway.Tollway) -> None:
    run_script(FORK, path, MASTER_KEY)
    assert users(tw) == ["child"] * 6 + ["parent"] * 7


def test_a_pool_of_forked_workers_is_recorded(path: Path, tw: tollway.Tollway) -> None:
    run_script(POOL, path, MASTER_KEY)
    assert users(tw) == ["parent"] * 2 + ["worker"] * 12


def test_an_inherited_stream_stays_the_parents(path: Path, tw: tollway.Tollway) -> None:
    run_script(INHERITED, path, MASTER_KEY)
    assert users(tw) == ["parent"]


def test_an_async_handle_goes_on_in_a_child(path: Path, tw: tollway.Tollway) -> None:
    run_script(ASYNC_PARENT, path, MASTER_KEY)
    assert users(tw) == ["child"] + ["parent"] * 2


def test_forking_while_other_threads_are_calling(path: Path, tw: tollway.Tollway) -> None:
    run_script(THREADS, path, MASTER_KEY)
    assert sum(1 for _record in tw.usage.iterate(user="child", status="success")) == 40

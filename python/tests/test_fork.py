from __future__ import annotations

import os
import signal
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, SCRIPT_TIMEOUT, MockProvider, configure, run_script, start_script

if TYPE_CHECKING:
    from pathlib import Path

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


TOGETHER = """
import os, signal, sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
def work():
    made = 0
    for _ in range(40):
        try:
            tw.chat("Hi", user="capped", max_tokens=20)
            made += 1
        except tollway.BudgetExceededError:
            pass
    return made
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(50)
        os._exit(work())
    children.append(child)
made = work()
made += sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
print(made)
"""

POOL_TOGETHER = """
import multiprocessing, sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
def work(number):
    model = "openai/nothing" if number % 4 == 0 else None
    return tw.chat("Hi", user="worker", model=model)
with multiprocessing.get_context("fork").Pool(3) as pool:
    pending = [pool.apply_async(work, (number,)) for number in range(24)]
    own = [tw.chat("Hi", user="parent") for _ in range(12)]
    replies, errors = [], []
    for each in pending:
        try:
            replies.append(each.get(40))
        except tollway.NoRouteError as error:
            errors.append(error)
assert len(errors) == 6 and all(error.code == "no_route" for error in errors)
requests = {reply.request_id for reply in [*own, *replies]}
assert len(requests) == 30
print(*requests)
"""

EXCLUSIVE = """
import os, signal, sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2], exclusive=True)
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        tw.chat("Hi")
    except tollway.StorageError as error:
        os._exit(0 if "exclusive" in error.detail else 8)
    os._exit(9)
_, status = os.waitpid(child, 0)
assert status == 0, status
tw.chat("Hi")
"""

# How a child may end that inherited a handle and never used it.
ENDINGS = {
    "collects": "del tw; gc.collect(); os._exit(0)",
    "closes": "tw.close(); os._exit(0)",
    "exits": "sys.exit(0)",
    "exits at once": "os._exit(0)",
    "calls and exits": "tw.chat('Hi', user='child'); sys.exit(0)",
    "calls and collects": "tw.chat('Hi', user='child'); del tw; gc.collect(); os._exit(0)",
}

HOLDER = """
import gc, os, signal, sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2], exclusive=sys.argv[3] == "exclusive")
child = os.fork()
if child == 0:
    signal.alarm(20)
    {ending}
_, status = os.waitpid(child, 0)
assert status == 0, status
print("ready", flush=True)
sys.stdin.readline()
tw.chat("Hi", user="parent")
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


def test_an_async_handle_works_in_a_forked_child(path: Path, tw: tollway.Tollway) -> None:
    run_script(ASYNC_PARENT, path, MASTER_KEY)
    assert users(tw) == ["child"] + ["parent"] * 2


def test_forking_while_other_threads_are_calling(path: Path, tw: tollway.Tollway) -> None:
    run_script(THREADS, path, MASTER_KEY)
    assert sum(1 for _record in tw.usage.iterate(user="child", status="success")) == 40


def test_parent_and_children_that_call_at_once_share_a_budget(path: Path, tw: tollway.Tollway) -> None:
    limit = Decimal("0.0001")
    tw.budgets.set(user="capped", limit=limit, currency="USD")
    made = int(run_script(TOGETHER, path, MASTER_KEY))
    records = list(tw.usage.iterate(user="capped"))
    assert [record.status for record in records] == ["success"] * made
    costs = [record.cost_amount for record in records if record.cost_amount is not None]
    (budget,) = tw.budgets.list()
    assert budget.settled == sum(costs) <= limit
    assert budget.reserved == 0
    assert budget.remaining == limit - sum(costs)
    assert 0 < made < 160, "some calls must pass, and some must be refused"


def test_a_pool_and_its_parent_call_at_once(path: Path, tw: tollway.Tollway) -> None:
    requests = run_script(POOL_TOGETHER, path, MASTER_KEY).split()
    assert users(tw) == ["parent"] * 12 + ["worker"] * 18
    assert sorted(record.request_id for record in tw.usage.iterate()) == sorted(requests)


# In the exclusive mode a child may not call, which has a test of its own.
@pytest.mark.parametrize(
    ("mode", "ending"),
    [(mode, name) for mode in ("shared", "exclusive") for name in ENDINGS if mode == "shared" or "calls" not in name],
)
def test_a_child_releases_no_lock_of_its_parent(path: Path, mock: MockProvider, mode: str, ending: str) -> None:
    with tollway.open(path, master_key=MASTER_KEY) as client:
        configure(client, mock)
    holder = start_script(HOLDER.format(ending=ENDINGS[ending]), path, MASTER_KEY, mode)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n", holder.communicate()
    with pytest.raises(tollway.StorageError, match="open elsewhere"):
        tollway.open(path, master_key=MASTER_KEY, exclusive=True)
    if mode == "exclusive":
        with pytest.raises(tollway.StorageError, match="open elsewhere"):
            tollway.open(path, master_key=MASTER_KEY)
    _, errors = holder.communicate("go\n", timeout=SCRIPT_TIMEOUT)
    assert holder.returncode == 0, errors
    # The parent is gone, and with it its locks.
    with tollway.open(path, master_key=MASTER_KEY, exclusive=True) as client:
        assert "parent" in users(client)


INHERITS = """for name in os.listdir("/proc/self/fd"):
        path = "/proc/self/fd/" + name
        assert not os.path.exists(path) or os.path.realpath(path) != os.path.realpath(sys.argv[1]), name
    os._exit(0)"""


@pytest.mark.skipif(sys.platform != "linux", reason="such a list of descriptors is of Linux")
@pytest.mark.parametrize("mode", ["shared", "exclusive"])
def test_a_child_has_no_descriptor_of_the_file(path: Path, mock: MockProvider, mode: str) -> None:
    with tollway.open(path, master_key=MASTER_KEY) as client:
        configure(client, mock)
    holder = start_script(HOLDER.format(ending=INHERITS), path, MASTER_KEY, mode)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n", holder.communicate()
    with pytest.raises(tollway.StorageError, match="open elsewhere"):
        tollway.open(path, master_key=MASTER_KEY, exclusive=True)
    holder.communicate("go\n", timeout=SCRIPT_TIMEOUT)


OUTLIVED = """
import os, sys, threading, time, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2], exclusive=sys.argv[3] == "exclusive")
def work():
    while True:
        tw.chat("Hi", user="parent")
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
tw.chat("Hi", user="parent")
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("mode", ["shared", "exclusive"])
def test_a_child_that_outlives_its_killed_parent_keeps_nobody_from_the_file(
    path: Path, mock: MockProvider, mode: str
) -> None:
    with tollway.open(path, master_key=MASTER_KEY) as client:
        configure(client, mock)
    parent = start_script(OUTLIVED, path, MASTER_KEY, mode)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait()
        with tollway.open(path, master_key=MASTER_KEY) as client:
            client.chat("Hi", user="other")
            assert "other" in users(client)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.communicate()


def test_a_child_of_an_exclusive_handle_is_refused(path: Path, tw: tollway.Tollway) -> None:
    tw.close()
    run_script(EXCLUSIVE, path, MASTER_KEY)

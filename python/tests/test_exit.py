from __future__ import annotations

import collections
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, SCRIPT_TIMEOUT, MockProvider, configure, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = 200
AT_ONCE = os.cpu_count() or 1
# A whole key, because a passphrase would take each program longer than all the rest.
KEY = "5e" * 32

AWAIT = """
import asyncio, sys, tollway
async def main():
    atw = await tollway.AsyncTollway.open(sys.argv[1], master_key=sys.argv[2])
    await atw.chat("Hi", user="exit")
asyncio.run(main())
"""

UNDER_WAY = """
import asyncio, sys, tollway
async def main():
    atw = await tollway.AsyncTollway.open(sys.argv[1], master_key=sys.argv[2])
    tasks = [asyncio.ensure_future(atw.chat("Hi", user="exit")) for _ in range(20)]
    await tasks[-1]
asyncio.run(main())
"""

ABANDONED = """
import sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
stream = tw.chat.stream("Hi", model="openai/slow", user="left")
import time; time.sleep(0.3)
"""


@pytest.fixture
def keyed(path: Path, mock: MockProvider) -> Iterator[tollway.Tollway]:
    """An open file whose master key is a whole key, not a passphrase."""
    with tollway.open(path, master_key=KEY) as client:
        configure(client, mock)
        yield client


def statuses(source: str, path: Path, count: int) -> dict[int, int]:
    def run(_number: int) -> int:
        command = [sys.executable, "-c", source, str(path), KEY]
        return subprocess.run(command, timeout=SCRIPT_TIMEOUT, check=False, capture_output=True).returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(collections.Counter(pool.map(run, range(count))))


def test_programs_that_end_right_after_an_await_exit_cleanly(path: Path, keyed: tollway.Tollway) -> None:
    assert statuses(AWAIT, path, PROGRAMS) == {0: PROGRAMS}
    assert sum(1 for _record in keyed.usage.iterate(user="exit", status="success")) == PROGRAMS


def test_programs_that_end_with_calls_under_way_exit_cleanly(path: Path, keyed: tollway.Tollway) -> None:
    assert statuses(UNDER_WAY, path, PROGRAMS // 4) == {0: PROGRAMS // 4}
    assert all(record.status in {"success", "cancelled"} for record in keyed.usage.iterate(user="exit"))


def test_calls_that_a_program_leaves_open_are_settled_at_its_exit(path: Path, tw: tollway.Tollway) -> None:
    start = time.monotonic()
    run_script(ABANDONED, path, MASTER_KEY)
    assert time.monotonic() - start < 10
    (record,) = tw.usage.records(user="left")
    assert record.status == "cancelled"

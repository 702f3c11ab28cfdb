"""A ledger in memory: `tollway.open(":memory:")`."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, MockProvider, configure, run_script

if TYPE_CHECKING:
    from pathlib import Path

IN_MEMORY = ":memory:"

FORK = """
import os, signal, sys, tollway
tw = tollway.open(":memory:", master_key=sys.argv[1])
tw.budgets.set(limit="0.01", currency="USD", window="total")
child = os.fork()
if child == 0:
    signal.alarm(20)
    try:
        tw.budgets.list()
    except tollway.ForkedError as error:
        assert "path of one file" in str(error), error
        with tollway.open(":memory:", master_key=sys.argv[1]) as own:
            assert own.budgets.list() == []
        os._exit(0)
    os._exit(9)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert len(tw.budgets.list()) == 1
tw.close()
"""


def test_a_ledger_in_memory_bills_and_caps_and_leaves_no_file(
    mock: MockProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with tollway.open(IN_MEMORY, master_key=MASTER_KEY, max_retries=0) as tw:
        configure(tw, mock)
        tw.budgets.set(limit="0.01", currency="USD", window="total", user="alice")
        reply = tw.chat("Hi", user="alice", max_tokens=16)
        assert [record.uid for record in tw.usage.records(user="alice")] == [reply.attempts[0].record_uid]
        (status,) = tw.budgets.list()
        assert isinstance(status.limit, Decimal)
        assert status.settled == reply.cost
        with pytest.raises(tollway.BudgetExceededError):
            tw.chat("Hi", user="alice", max_tokens=100_000)
        checked = tw.verify()
        assert (checked.records, checked.damage) == (1, ())
    assert list(tmp_path.iterdir()) == []


def test_each_ledger_in_memory_is_its_own() -> None:
    async def main() -> None:
        with tollway.open(IN_MEMORY, master_key=MASTER_KEY) as one:
            async with await tollway.AsyncTollway.open(IN_MEMORY, master_key=MASTER_KEY) as other:
                one.budgets.set(limit="1", currency="USD", window="total")
                assert (len(one.budgets.list()), await other.budgets.list()) == (1, [])

    asyncio.run(main())


def test_a_ledger_in_memory_that_must_exist_is_not_found() -> None:
    with pytest.raises(tollway.NotFoundError, match="leave `create` out"):
        tollway.open(IN_MEMORY, master_key=MASTER_KEY, create=False)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_is_refused_the_ledger_in_its_parents_memory() -> None:
    run_script(FORK, MASTER_KEY)

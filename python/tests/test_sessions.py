"""Sessions: blocks of calls that are capped as a whole."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, run_script

if TYPE_CHECKING:
    from pathlib import Path

CHAT = {"model": "openai/house-model", "messages": [{"role": "user", "content": "Hi"}]}


def tags(tw: tollway.Tollway) -> list[dict[str, str]]:
    return [dict(record.tags) for record in tw.usage.records()]


def test_a_block_caps_its_calls_streams_and_requests_of_libraries(tw: tollway.Tollway) -> None:
    with tw.session(id="run", limit_requests=3) as session:
        assert (session.id, list(session.path), len(session.budget_ids)) == ("run", ["run"], 1)
        tw.chat("Hi")
        with tw.chat.stream("Hi") as stream:
            for _ in stream:
                pass
        with tollway.httpx_client(tw) as http:
            assert http.post("https://api.openai.com/v1/chat/completions", json=CHAT).status_code == 200
            with pytest.raises(tollway.BudgetExceededError):
                tw.chat("Hi")
            refused = http.post("https://api.openai.com/v1/chat/completions", json=CHAT)
            assert "budget_exceeded" in refused.text
    tw.chat("Hi")
    assert tags(tw) == [{"session": "run"}] * 3 + [{}]


def test_what_is_spent_in_an_inner_session_is_spent_in_the_outer(tw: tollway.Tollway) -> None:
    with tw.session(limit_requests=2) as outer:
        with tw.session(limit_requests=1) as inner:
            assert list(inner.path) == [outer.id, inner.id]
            tw.chat("Hi")
            with pytest.raises(tollway.BudgetExceededError):
                tw.chat("Hi")
        tw.chat("Hi")
        with pytest.raises(tollway.BudgetExceededError):
            tw.chat("Hi")
    assert tw.budgets.list() == [], "limits of sessions without a name end with them"


def test_money_is_exact_and_half_a_limit_is_refused(tw: tollway.Tollway) -> None:
    with tw.session(limit="0.10", currency="USD") as session:
        budget = tw.budgets.get(session.budget_ids[0])
        assert (str(budget.limit), budget.currency) == ("0.10", "USD")
    for wrong in (
        tw.session(limit="1"),
        tw.session(currency="USD"),
        tw.session(id=""),
        tw.session(id="*"),
    ):
        with pytest.raises(tollway.InvalidRequestError), wrong:
            pytest.fail("it is no session")
    with pytest.raises(TypeError), tw.session(limit=0.1, currency="USD"):  # type: ignore[arg-type]
        pytest.fail("a float is no amount")


def test_tasks_that_are_started_in_the_block_are_in_it_and_no_others(path: Path, tw: tollway.Tollway) -> None:
    async def main() -> None:
        async with tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            outside = asyncio.Event()

            async def other() -> None:
                await outside.wait()
                await atw.chat("Hi", user="other")

            waiting = asyncio.create_task(other())
            async with atw.session(id="run", limit_requests=4):
                await asyncio.gather(*(atw.chat("Hi") for _ in range(3)))
                await asyncio.to_thread(tw.chat, "Hi")
                with pytest.raises(tollway.BudgetExceededError):
                    await asyncio.create_task(atw.chat("Hi"))
                outside.set()
                await waiting

    asyncio.run(main())
    assert sum(each == {"session": "run"} for each in tags(tw)) == 4
    assert [dict(record.tags) for record in tw.usage.records(user="other")] == [{}]


def test_what_is_left_running_when_the_block_ends_is_refused(path: Path) -> None:
    async def main() -> None:
        async with tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            ended = asyncio.Event()

            async def late() -> None:
                await ended.wait()
                await atw.chat("Hi")

            async with atw.session(limit_requests=1):
                left = asyncio.create_task(late())
                await asyncio.sleep(0)
            ended.set()
            with pytest.raises(tollway.InvalidRequestError, match="has ended"):
                await left

    asyncio.run(main())


def test_a_thread_is_in_the_session_by_its_context_or_by_the_path(tw: tollway.Tollway) -> None:
    with tw.session(id="run") as session:
        context = contextvars.copy_context()
        threads = [
            threading.Thread(target=tw.chat, args=("Hi",)),
            threading.Thread(target=context.run, args=(tw.chat, "Hi")),
            threading.Thread(target=tw.chat, args=("Hi",), kwargs={"sessions": session.path}),
        ]
        for thread in threads:
            thread.start()
            thread.join()
    assert tags(tw) == [{}, {"session": "run"}, {"session": "run"}]


def test_another_process_is_in_the_session_by_its_path(path: Path, tw: tollway.Tollway) -> None:
    source = """
import json, sys, tollway
with tollway.open(sys.argv[1], master_key=sys.argv[2], max_retries=0) as tw:
    with tw.session(within=json.loads(sys.argv[3])):
        tw.chat("Hi")
        try:
            tw.chat("Hi")
        except tollway.BudgetExceededError as error:
            print(error.code)
"""
    with tw.session(limit_requests=2) as session:
        tw.chat("Hi")
        printed = run_script(source, path, MASTER_KEY, json.dumps(list(session.path)))
        assert printed.strip() == "budget_exceeded"
        with pytest.raises(tollway.BudgetExceededError):
            tw.chat("Hi")


def test_sessions_that_a_call_names_must_be_those_that_it_is_made_in(tw: tollway.Tollway) -> None:
    with tw.session(id="run"):
        tw.chat("Hi", sessions=["run", "step"])
        with pytest.raises(tollway.InvalidRequestError, match="leave it out"):
            tw.chat("Hi", sessions=["other"])
        with pytest.raises(tollway.InvalidRequestError):
            tw.chat("Hi", session="other")
    assert tags(tw) == [{"session": "run", "session.2": "step"}]


def test_a_named_session_goes_on_where_it_is_opened_again(tw: tollway.Tollway) -> None:
    with tw.session(id="run", limit_requests=2):
        tw.chat("Hi")
    with tw.session(id="run", limit_requests=2) as session:
        tw.chat("Hi")
        with pytest.raises(tollway.BudgetExceededError):
            tw.chat("Hi")
    tw.sessions.close(session.path)
    assert tw.budgets.list() == []


def test_a_block_runs_once_and_survives_the_end_of_its_file(path: Path, tw: tollway.Tollway) -> None:
    del tw
    with tollway.open(path, master_key=MASTER_KEY) as other:
        block = other.session(limit_requests=1)
        with block:
            other.close()
        with pytest.raises(RuntimeError), block:
            pytest.fail("it has ended")

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY

if TYPE_CHECKING:
    from pathlib import Path


def check(reply: tollway.ChatReply) -> None:
    assert reply.text
    assert reply.model == "openai/house-model"
    assert reply.provider == "openai"
    assert reply.finish_reason == "stop"
    usage = reply.usage
    assert usage.input_tokens
    assert usage.output_tokens
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    expected = usage.input_tokens * Decimal("0.15") / 10**6 + usage.output_tokens * Decimal("0.60") / 10**6
    assert reply.cost == expected
    assert type(reply.cost) is Decimal
    assert reply.currency == "USD"
    assert reply.cost_status == "computed"
    assert reply.receipt.totals == {"USD": expected}
    assert [attempt.status for attempt in reply.attempts] == ["success"]
    assert not reply.replayed


def test_a_string_is_answered_metered_and_billed(tw: tollway.Tollway) -> None:
    reply = tw.chat("Name three rivers.", user="alice", tags={"feature": "geo"})
    check(reply)
    (record,) = tw.usage.records(user="alice")
    assert record.cost_amount == reply.cost
    assert record.request_id == reply.request_id
    assert record.uid == reply.attempts[0].record_uid
    assert record.tags == {"feature": "geo"}
    assert record.model == "openai/house-model"
    assert record.status == "success"


def test_messages_are_taken_as_a_sequence(tw: tollway.Tollway) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name three rivers."}]
    check(tw.chat(messages, max_tokens=50, temperature=0.5, extra={"logit_bias": {}}))


def test_the_receipt_is_a_table(tw: tollway.Tollway) -> None:
    reply = tw.chat("Name three rivers.")
    lines = str(reply.receipt).splitlines()
    assert lines[0].split() == ["attempt", "model", "meter", "quantity", "unit", "price", "unit", "amount"]
    assert len(lines) == 1 + len(reply.receipt.lines) + 1
    assert "input_token" in lines[1]
    assert lines[-1].split() == ["total", f"{reply.cost:f}", "USD"]
    assert len({line.rstrip().rfind("USD") for line in lines[1:]}) == 1, "the columns are aligned"


def test_an_unknown_argument_is_a_type_error(tw: tollway.Tollway) -> None:
    with pytest.raises(TypeError, match=r"'max_token'.*extra="):
        tw.chat("Hi", max_token=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'user'"):
        tw.chat("Hi", extra={"user": "alice"})


def test_the_async_twin_answers_the_same(path: Path, tw: tollway.Tollway) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            check(await atw.chat("Name three rivers.", user="bob"))
            replies = await asyncio.gather(*(atw.chat("Name three rivers.", user="bob") for _ in range(50)))
            assert len({reply.request_id for reply in replies}) == 50
            assert [record.user for record in await atw.usage.records(user="bob")] == ["bob"] * 51

    # Two loops, one after another, in one process.
    asyncio.run(main())
    assert len(tw.usage.records(user="bob")) == 51


def test_loops_and_threads_share_a_handle(tw: tollway.Tollway) -> None:
    def work(number: int) -> str:
        return tw.chat(f"Name river {number}.", user="carol").request_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(40)))) == 40
    assert len(tw.usage.records(user="carol")) == 40


def test_each_loop_has_its_own_queue(path: Path, tw: tollway.Tollway) -> None:
    async def open_async() -> tollway.AsyncTollway:
        return await tollway.AsyncTollway.open(path, master_key=MASTER_KEY)

    async def call(atw: tollway.AsyncTollway) -> str:
        return (await atw.chat("Name three rivers.", user="dave")).text

    atw = asyncio.run(open_async())
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: asyncio.run(call(atw)), range(8)))
    asyncio.run(atw.aclose())
    assert len(tw.usage.records(user="dave")) == 8

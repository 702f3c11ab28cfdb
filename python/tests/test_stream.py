from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING

import pytest

import tollway
from conftest import MASTER_KEY, PRICES, MockProvider, eventually
from test_chat import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The streams that tests leave early must still be under way when they are left.
LONG = "Write a hundred words, each in an event of its own. " * 20


def given_up(tw: tollway.Tollway, user: str) -> None:
    record: tollway.UsageRecord
    (record,) = eventually(lambda: list(tw.usage.records(user=user)))
    assert record.status in {"cancelled", "partial"}


def test_events_come_and_then_the_settled_reply(tw: tollway.Tollway) -> None:
    stream = tw.chat.stream("Name three rivers.", user="alice")
    assert stream.reply is None
    events = list(stream)
    assert all(isinstance(event, tollway.StreamEvent) for event in events)
    assert "".join(event.text for event in events)
    assert events[-1].reply is stream.reply
    assert stream.reply is not None
    check(stream.reply)
    assert list(stream) == []
    (record,) = tw.usage.records(user="alice")
    assert record.cost_amount == stream.reply.cost


def leave_by_break(tw: tollway.Tollway) -> None:
    for _event in tw.chat.stream(LONG, model="openai/slow", user="leaver", max_tokens=500):
        break


def leave_by_close(tw: tollway.Tollway) -> None:
    stream = tw.chat.stream(LONG, model="openai/slow", user="leaver", max_tokens=500)
    next(stream)
    stream.close()
    stream.close()
    assert list(stream) == []


def leave_by_error(tw: tollway.Tollway) -> None:
    def fail_inside() -> None:
        with tw.chat.stream(LONG, model="openai/slow", user="leaver", max_tokens=500) as stream:
            next(stream)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()


def leave_by_collection(tw: tollway.Tollway) -> None:
    stream = tw.chat.stream(LONG, model="openai/slow", user="leaver", max_tokens=500)
    next(stream)
    del stream
    gc.collect()


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_close, leave_by_error, leave_by_collection])
def test_leaving_a_stream_early_cancels_the_call(
    slow_stream: tollway.Tollway, leave: Callable[[tollway.Tollway], None]
) -> None:
    leave(slow_stream)
    given_up(slow_stream, "leaver")


@pytest.fixture
def slow_stream(tw: tollway.Tollway, mock: MockProvider) -> tollway.Tollway:
    """A file whose model `openai/slow` begins to answer at once and then takes its time."""
    tw.models.delete("openai/slow")
    base_url = mock.script("trickle", {"automatic": True, "chunk_delay_ms": 200})
    tw.models.add("openai/slow", api_key="k", base_url=base_url, prices=PRICES)
    return tw


def test_an_error_in_a_stream_comes_after_the_events_before_it(tw: tollway.Tollway) -> None:
    events: list[tollway.StreamEvent] = []
    with pytest.raises(tollway.TollwayError) as caught:
        events.extend(iter(tw.chat.stream(LONG, model="openai/fail", user="alice")))
    assert caught.value.code in {"provider_unavailable", "timeout"}
    (record,) = eventually(lambda: list(tw.usage.records(user="alice")))
    assert record.status in {"partial", "failed"}


def test_the_error_of_a_wrong_request_is_raised_by_the_iterator(tw: tollway.Tollway) -> None:
    with pytest.raises(tollway.InvalidRequestError, match="messages"):
        next(tw.chat.stream([]))


def test_async_streams_yield_events_and_then_the_settled_reply(path: Path, slow_stream: tollway.Tollway) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            stream = atw.chat.stream("Name three rivers.", user="bob")
            assert "".join([event.text async for event in stream])
            assert stream.reply is not None
            check(stream.reply)

            async def read() -> int:
                return len([event async for event in atw.chat.stream("Name three rivers.", user="many")])

            assert all(await asyncio.gather(*(read() for _ in range(30))))

            async for _event in atw.chat.stream(LONG, model="openai/slow", user="breaker", max_tokens=500):
                break
            async with atw.chat.stream(LONG, model="openai/slow", user="closer", max_tokens=500) as stream:
                await stream.__anext__()
            assert [event async for event in stream] == []

    asyncio.run(main())
    assert len(slow_stream.usage.records(user="many")) == 30
    given_up(slow_stream, "breaker")
    given_up(slow_stream, "closer")


@pytest.mark.usefixtures("slow_stream")
def test_cancelling_a_wait_loses_no_event(path: Path) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            whole = await atw.chat("Name three rivers.", model="openai/house-model")
            stream = atw.chat.stream("Name three rivers.", model="openai/slow")
            events: list[tollway.StreamEvent] = []
            while stream.reply is None:
                with contextlib.suppress(asyncio.TimeoutError):
                    events.append(await asyncio.wait_for(stream.__anext__(), 0.05))
            assert stream.reply is not None
            assert "".join(event.text for event in events) == stream.reply.text
            assert whole.usage == stream.reply.usage

    asyncio.run(main())

"""The Python package as a contestant: reads a setup and then rounds, a line of JSON each, and answers each round.

One call in flight goes through the sync API; several go through asyncio. The driver starts it; see `benches/README.md`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import tollway
from rounds import API_KEY, MAX_TOKENS, MESSAGES, PRICES, WORDS, cpu_seconds, read_setup, serve

MASTER_KEY = "0f" * 32


def main() -> None:
    """Serves rounds until the driver closes the pipe."""
    setup = read_setup()
    path = Path(setup["folder"], "app.tollway")
    with tollway.open(path, master_key=MASTER_KEY) as client:
        configure(client, setup["mock"])
    contestant = Contestant(path)
    serve(contestant.play)
    contestant.close()


class Contestant:
    """One handle at a time: the sync one for one call in flight, the async one for several."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = asyncio.new_event_loop()
        self.one: tollway.Tollway | None = None
        self.several: tollway.AsyncTollway | None = None

    def play(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Runs a round and says what it took."""
        shape, in_flight = wanted["shape"], wanted["in_flight"]
        self.prepare(is_sync=in_flight == 1)
        cpu, begin = cpu_seconds(), time.perf_counter()
        end = begin + wanted["seconds"]
        if self.one is not None:
            calls = one_by_one(self.one, shape, end)
        elif self.several is not None:
            calls = self.loop.run_until_complete(side_by_side(self.several, shape, in_flight, end))
        seconds, cpu = time.perf_counter() - begin, cpu_seconds() - cpu
        records = self.count() if wanted["count"] else None
        return {"calls": calls, "seconds": seconds, "cpu_seconds": cpu, "records": records}

    def prepare(self, *, is_sync: bool) -> None:
        """Opens the handle that the round needs, where it is not open already."""
        if is_sync and self.one is None:
            self.close_handles()
            self.one = tollway.open(self.path, master_key=MASTER_KEY)
        elif not is_sync and self.several is None:
            self.close_handles()
            opening = tollway.AsyncTollway.open(self.path, master_key=MASTER_KEY)
            self.several = self.loop.run_until_complete(opening)

    def count(self) -> int:
        """Counts the records of the ledger."""
        self.prepare(is_sync=True)
        return sum(row.calls for row in self.one.usage.summary()) if self.one is not None else 0

    def close_handles(self) -> None:
        """Closes the handle that is open."""
        if self.one is not None:
            self.one.close()
        if self.several is not None:
            self.loop.run_until_complete(self.several.aclose())
        self.one = self.several = None

    def close(self) -> None:
        """Closes everything."""
        self.close_handles()
        self.loop.close()


def configure(client: tollway.Tollway, mock: str) -> None:
    """Adds the models, with prices, and a budget that applies to every call."""
    prices = {
        meter: {"unit_price": price, "unit": "per_1m_tokens", "currency": "USD"} for meter, price in PRICES.items()
    }
    for words in WORDS.values():
        client.models.add(f"openai/mock-words-{words}", api_key=API_KEY, base_url=f"{mock}/v1", prices=prices)
    client.budgets.set(user="bench", limit="1000000", currency="USD", window="month")


def one_by_one(client: tollway.Tollway, shape: str, end: float) -> int:
    """Calls through the sync API until the time is over, at least once."""
    parameters = call_parameters(shape)
    calls = 0
    while True:
        if shape == "whole":
            check(client.chat(MESSAGES, **parameters), shape)
        else:
            stream = client.chat.stream(MESSAGES, **parameters)
            pieces = sum(1 for event in stream if event.text)
            check_stream(pieces, stream.reply, shape)
        calls += 1
        if time.perf_counter() >= end:
            return calls


async def side_by_side(client: tollway.AsyncTollway, shape: str, in_flight: int, end: float) -> int:
    """Keeps so many calls in flight until the time is over."""
    parameters = call_parameters(shape)

    async def worker() -> int:
        calls = 0
        while True:
            if shape == "whole":
                check(await client.chat(MESSAGES, **parameters), shape)
            else:
                stream = client.chat.stream(MESSAGES, **parameters)
                pieces = 0
                async for event in stream:
                    pieces += bool(event.text)
                check_stream(pieces, stream.reply, shape)
            calls += 1
            if time.perf_counter() >= end:
                return calls

    return sum(await asyncio.gather(*(worker() for _ in range(in_flight))))


def call_parameters(shape: str) -> dict[str, Any]:
    """Returns the parameters of the calls of a shape."""
    return {"model": f"openai/mock-words-{WORDS[shape]}", "max_tokens": MAX_TOKENS, "user": "bench"}


def check(reply: tollway.ChatReply, shape: str) -> None:
    """Refuses a reply that was cut or has no cost, which would make the figures worthless."""
    if len(reply.text.split()) != WORDS[shape] or reply.cost_status != "computed":
        detail = f"a reply of {WORDS[shape]} words was expected, not {reply.text!r} at {reply.cost}"
        raise RuntimeError(detail)


def check_stream(pieces: int, reply: tollway.ChatReply | None, shape: str) -> None:
    """Refuses a stream that lacks pieces or a settled reply."""
    if pieces != WORDS[shape] or reply is None:
        detail = f"the stream had {pieces} pieces and the reply {reply!r}"
        raise RuntimeError(detail)
    check(reply, shape)


if __name__ == "__main__":
    main()

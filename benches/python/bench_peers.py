"""Other libraries as contestants: the same calls, whole replies, to the same provider.

The driver starts it with the name of the library and a Python that has it; see `benches/README.md`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import os
import sys
import time
from decimal import Decimal
from typing import Any, Protocol

from rounds import API_KEY, MAX_TOKENS, MESSAGES, PRICES, WORDS, cpu_seconds, read_setup, serve

MODEL = f"openai/mock-words-{WORDS['whole']}"
# How long after its time a round waits for the calls in flight. One that is not answered then is given up uncounted.
GRACE_SECONDS = 5.0


class Peer(Protocol):
    """A library that can make the call."""

    has_sync_api: bool

    def call(self) -> str:
        """Calls once, through the sync API, and returns the reply's text."""

    async def call_async(self) -> str:
        """Calls once and returns the reply's text."""


class LiteLlm:
    """LiteLLM, which prices each call by what it is told of the model; it keeps no ledger and checks no budget here."""

    has_sync_api = True

    def __init__(self, mock: str) -> None:
        # Otherwise it fetches its prices when it is imported.
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        self.library: Any = importlib.import_module("litellm")
        million = Decimal(1_000_000)
        input_price = float(Decimal(PRICES["input_token"]) / million)
        model_terms = {
            "litellm_provider": "openai",
            "mode": "chat",
            "input_cost_per_token": input_price,
            "cache_read_input_token_cost": input_price,
            "cache_creation_input_token_cost": input_price,
            "output_cost_per_token": float(Decimal(PRICES["output_token"]) / million),
        }
        self.library.register_model({MODEL: model_terms})
        self.parameters = {
            "model": MODEL,
            "messages": MESSAGES,
            "max_tokens": MAX_TOKENS,
            "api_key": API_KEY,
            "api_base": f"{mock}/v1",
            "num_retries": 0,
        }

    def call(self) -> str:
        """Calls once, through the sync API."""
        return priced_text(self.library.completion(**self.parameters))

    async def call_async(self) -> str:
        """Calls once."""
        return priced_text(await self.library.acompletion(**self.parameters))


def priced_text(reply: Any) -> str:
    """Returns the text of a reply of LiteLLM, and refuses one without a cost."""
    if not reply._hidden_params.get("response_cost"):  # noqa: SLF001, RUF100 - where LiteLLM itself says to look
        detail = "LiteLLM gave a reply no cost"
        raise RuntimeError(detail)
    text: str = reply.choices[0].message.content
    return text


class LiterLlm:
    """liter-llm, which counts tokens; it prices nothing by itself, keeps no ledger and has an async API only."""

    has_sync_api = False

    def __init__(self, mock: str) -> None:
        self.library: Any = importlib.import_module("liter_llm")
        self.client = self.library.create_client(
            api_key=API_KEY, base_url=f"{mock}/v1", max_retries=0, model_hint="openai"
        )
        self.request = self.library.ChatCompletionRequest(model=MODEL, messages=MESSAGES, max_tokens=MAX_TOKENS)

    def call(self) -> str:
        """Refuses: there is no sync API."""
        detail = "liter-llm has an async API only"
        raise RuntimeError(detail)

    async def call_async(self) -> str:
        """Calls once."""
        reply = await self.library.chat(self.client, self.request)
        if not reply.usage.completion_tokens:
            detail = "liter-llm gave a reply no usage"
            raise RuntimeError(detail)
        return str(reply.choices[0].message.content)


PEERS: dict[str, type[LiteLlm | LiterLlm]] = {"litellm": LiteLlm, "liter-llm": LiterLlm}


class Contestant:
    """Plays rounds with one library."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.loop = asyncio.new_event_loop()

    def play(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Runs a round and says what it took."""
        if wanted["shape"] != "whole":
            detail = f"a peer makes whole calls only, not {wanted['shape']}"
            raise RuntimeError(detail)
        cpu, begin = cpu_seconds(), time.perf_counter()
        end = begin + wanted["seconds"]
        if wanted["in_flight"] == 1 and self.peer.has_sync_api:
            calls = self.one_by_one(end)
        else:
            calls = self.loop.run_until_complete(self.side_by_side(wanted["in_flight"], end))
        seconds, cpu = time.perf_counter() - begin, cpu_seconds() - cpu
        return {"calls": calls, "seconds": seconds, "cpu_seconds": cpu, "records": None}

    def one_by_one(self, end: float) -> int:
        """Calls through the sync API until the time is over, at least once."""
        calls = 0
        while True:
            check(self.peer.call())
            calls += 1
            if time.perf_counter() >= end:
                return calls

    async def side_by_side(self, in_flight: int, end: float) -> int:
        """Keeps so many calls in flight until the time is over, and gives up what is not answered after it either."""
        calls = 0

        async def worker() -> None:
            nonlocal calls
            while True:
                check(await self.peer.call_async())
                calls += 1
                if time.perf_counter() >= end:
                    return

        workers = [asyncio.create_task(worker()) for _ in range(in_flight)]
        done, late = await asyncio.wait(workers, timeout=end - time.perf_counter() + GRACE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            task.result()
        if calls == 0:
            detail = f"none of {in_flight} calls was answered in time"
            raise RuntimeError(detail)
        return calls


def check(text: str) -> None:
    """Refuses a reply that was cut, which would make the figures worthless."""
    if len(text.split()) != WORDS["whole"]:
        detail = f"a reply of {WORDS['whole']} words was expected, not {text!r}"
        raise RuntimeError(detail)


def main() -> None:
    """Serves rounds with the library that the command line names, or prints its version."""
    name = sys.argv[1]
    if sys.argv[2:] == ["--version"]:
        print(importlib.metadata.version(name))
        return
    serve(Contestant(PEERS[name](read_setup()["mock"])).play)


if __name__ == "__main__":
    main()

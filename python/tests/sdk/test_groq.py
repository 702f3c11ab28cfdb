"""Groq's library, which takes clients of `httpx` alone: another family than that of Anthropic's, the same client."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import anthropic
import groq
import httpx
import httpx2
import openai
import pytest

import tollway
from sdk.ledger import (
    ANSWER,
    ANSWER_TOKENS,
    PROMPT,
    PROMPT_TOKENS,
    TAGS,
    TOOL_CALL_TOKENS,
    TOOL_PROMPT,
    TOOL_PROMPT_TOKENS,
    USER,
    Call,
    Ledger,
    Refusal,
)

if TYPE_CHECKING:
    from groq.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": PROMPT}]
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def client_of(tw: tollway.Tollway, **chosen: Any) -> groq.Groq:
    options = {"user": USER, "tags": TAGS, **chosen}
    return groq.Groq(api_key="-", http_client=tollway.httpx_client(tw, **options))


def test_calls_streams_and_tools(tw: tollway.Tollway, ledger: Ledger) -> None:
    client = client_of(tw)
    reply = client.chat.completions.with_raw_response.create(model="anthropic/house", messages=MESSAGES)
    assert isinstance(reply.http_response, httpx.Response)
    assert reply.parse().choices[0].message.content == ANSWER
    chunks = list(client.chat.completions.create(model="gemini/house", messages=MESSAGES, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    prompt: list[ChatCompletionMessageParam] = [{"role": "user", "content": TOOL_PROMPT}]
    used = client.chat.completions.create(model="openai/house", messages=prompt, tools=[TOOL])
    calls = used.choices[0].message.tool_calls
    assert calls is not None
    assert json.loads(calls[0].function.arguments) == {"city": "mock"}
    ledger.holds(
        Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Call("gemini/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Call("openai/house", TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
    )


def test_fallbacks_and_budgets(tw: tollway.Tollway, ledger: Ledger) -> None:
    reply = client_of(tw, fallbacks=["anthropic/house"]).chat.completions.create(model="openai/busy", messages=MESSAGES)
    assert reply.choices[0].message.content == ANSWER
    with pytest.raises(groq.APIStatusError) as caught:
        client_of(tw, user="poor").chat.completions.create(model="openai/house", messages=MESSAGES)
    assert caught.value.status_code == 402
    assert caught.value.response.json()["error"]["code"] == "budget_exceeded"
    ledger.holds(Refusal("openai/busy"), Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_stream_that_is_left_is_billed_for_what_came(tw: tollway.Tollway, ledger: Ledger) -> None:
    model = "openai/mock-words-200"
    with client_of(tw).chat.completions.create(model=model, messages=MESSAGES, stream=True) as stream:
        pieces = (chunk for chunk in stream if chunk.choices[0].delta.content)
        assert next(pieces)
        assert next(pieces)
    ledger.holds_one_left_early(model, PROMPT_TOKENS)


def test_a_timeout_of_the_library_is_its_own_error(tw: tollway.Tollway) -> None:
    client = client_of(tw).with_options(timeout=0.2, max_retries=0)
    with pytest.raises(groq.APITimeoutError) as caught:
        client.chat.completions.create(model="openai/slow", messages=MESSAGES)
    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
    assert tw.close(5)


def test_awaited_calls_and_streams(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        http = tollway.async_httpx_client(tw, user=USER, tags=TAGS)
        async with groq.AsyncGroq(api_key="-", http_client=http) as client:
            reply = await client.chat.completions.create(model="openai/house", messages=MESSAGES)
            assert reply.choices[0].message.content == ANSWER
            chunks = await client.chat.completions.create(model="gemini/house", messages=MESSAGES, stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in chunks]) == ANSWER

    asyncio.run(main())
    ledger.holds(Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS), Call("gemini/house", PROMPT_TOKENS, ANSWER_TOKENS))


def test_one_client_serves_libraries_of_both_families(tw: tollway.Tollway, ledger: Ledger) -> None:
    http = tollway.httpx_client(tw, user=USER, tags=TAGS)
    assert isinstance(http, httpx.Client)
    assert isinstance(http, httpx2.Client)
    groq_reply = groq.Groq(api_key="-", http_client=http).chat.completions.create(
        model="openai/house", messages=MESSAGES
    )
    assert groq_reply.choices[0].message.content == ANSWER
    message = anthropic.Anthropic(api_key="-", http_client=http).messages.with_raw_response.create(
        model="openai/house", max_tokens=9, messages=[{"role": "user", "content": PROMPT}]
    )
    assert isinstance(message.http_response, httpx2.Response)
    openai_reply = openai.OpenAI(api_key="-", http_client=http).chat.completions.create(
        model="openai/house", messages=[{"role": "user", "content": PROMPT}]
    )
    assert openai_reply.choices[0].message.content == ANSWER
    ledger.holds(*[Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS)] * 3)

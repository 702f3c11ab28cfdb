"""OpenAI's library over an open file: chats."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

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
    cost,
    script_of,
)
from tollway.openai import AsyncOpenAI, OpenAI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

    from conftest import MockProvider

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": PROMPT}]
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def client(tw: tollway.Tollway) -> Iterator[openai.OpenAI]:
    with OpenAI(tw, user=USER, tags=TAGS) as made:
        yield made


def test_a_call(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    reply = client.chat.completions.create(model=served_by, messages=MESSAGES)
    assert (reply.object, reply.choices[0].message.content) == ("chat.completion", ANSWER)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    call = Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS)
    extra: dict[str, Any] = reply.tollway  # type: ignore[attr-defined]
    assert (extra["model"], extra["cost_status"], extra["currency"]) == (served_by, "computed", "USD")
    assert extra["cost"] == f"{cost(call):f}"
    ledger.holds(call)


def test_a_stream(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=served_by, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == ANSWER
    assert len([text for text in texts if text]) > 1
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["stop"]
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    call = Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS)
    assert chunks[-1].tollway["cost"] == f"{cost(call):f}"  # type: ignore[attr-defined]
    ledger.holds(call)


def test_a_stream_that_asked_for_no_usage_has_none_and_is_billed(client: openai.OpenAI, ledger: Ledger) -> None:
    chunks = list(client.chat.completions.create(model="openai/house", messages=MESSAGES, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    call = Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].tollway["cost"] == f"{cost(call):f}"  # type: ignore[attr-defined]
    ledger.holds(call)


def test_a_tool_call_and_its_result(client: openai.OpenAI, ledger: Ledger, mock: MockProvider, served_by: str) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": TOOL_PROMPT}]
    first = client.chat.completions.create(model=served_by, messages=messages, tools=[TOOL])
    assert first.choices[0].finish_reason == "tool_calls"
    calls = first.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert (calls[0].function.name, json.loads(calls[0].function.arguments)) == ("weather", {"city": "mock"})
    messages.append(first.choices[0].message.to_dict())  # type: ignore[arg-type]
    messages.append({"role": "tool", "tool_call_id": calls[0].id, "content": "It is sunny there."})
    second = client.chat.completions.create(model=served_by, messages=messages, tools=[TOOL])
    assert second.choices[0].message.content
    assert second.usage is not None
    assert "It is sunny there." in mock.last_request(script_of(served_by))
    ledger.holds(
        Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
        Call(served_by, second.usage.prompt_tokens, second.usage.completion_tokens),
    )


def test_a_streamed_tool_call(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    with client.chat.completions.stream(
        model=served_by, messages=[{"role": "user", "content": TOOL_PROMPT}], tools=[TOOL]
    ) as stream:
        stream.until_done()
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls
    assert (calls[0].function.name, json.loads(calls[0].function.arguments)) == ("weather", {"city": "mock"})
    ledger.holds(Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS))


def test_structured_output(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    reply = client.chat.completions.parse(model=served_by, messages=MESSAGES, response_format=City)
    assert reply.choices[0].message.parsed == City(name="mock", people=0)
    assert reply.usage is not None
    ledger.holds(Call(served_by, reply.usage.prompt_tokens, reply.usage.completion_tokens))


@pytest.mark.parametrize("fallback", ["anthropic/house", "gemini/house"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_busy_provider_falls_back_to_one_of_another_format(
    tw: tollway.Tollway, ledger: Ledger, fallback: str, *, streamed: bool
) -> None:
    client = OpenAI(tw, user=USER, tags=TAGS, fallbacks=[fallback])
    if streamed:
        chunks = client.chat.completions.create(model="openai/busy", messages=MESSAGES, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    else:
        reply = client.chat.completions.create(model="openai/busy", messages=MESSAGES)
        assert reply.choices[0].message.content == ANSWER
        assert len(reply.tollway["attempts"]) == 2  # type: ignore[attr-defined]
    ledger.holds(Refusal("openai/busy"), Call(fallback, PROMPT_TOKENS, ANSWER_TOKENS))


@pytest.mark.parametrize("streamed", [False, True])
def test_a_budget_is_the_librarys_own_error(tw: tollway.Tollway, ledger: Ledger, *, streamed: bool) -> None:
    client = OpenAI(tw, user="poor", max_retries=5)
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="openai/house", messages=MESSAGES, stream=streamed)
    assert (caught.value.status_code, caught.value.code) == (402, "budget_exceeded")
    assert caught.value.response.headers["x-should-retry"] == "false"
    ledger.is_empty()


def test_a_wrong_request_is_the_librarys_own_error(client: openai.OpenAI, ledger: Ledger) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="openai/house", messages=[])
    assert caught.value.code == "invalid_request"
    assert "messages" in caught.value.message
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="openai/no-such-model", messages=MESSAGES)
    assert unknown.value.code == "no_route"
    ledger.is_empty()


@pytest.mark.parametrize("served_by", ["openai/mock-words-200", "anthropic/mock-words-200", "gemini/mock-words-200"])
def test_a_stream_that_is_left_is_billed_for_what_came(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    with client.chat.completions.create(model=served_by, messages=MESSAGES, stream=True) as stream:
        pieces = (chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        assert next(pieces)
        assert next(pieces)
    ledger.holds_one_left_early(served_by, PROMPT_TOKENS)


def test_a_garbage_collected_stream_is_billed_for_what_came(client: openai.OpenAI, ledger: Ledger) -> None:
    stream = client.chat.completions.create(model="openai/mock-words-200", messages=MESSAGES, stream=True)
    for number, _chunk in enumerate(stream):
        if number == 4:
            break
    del stream
    gc.collect()
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)


def test_the_timeout_of_the_library_cancels_the_call(client: openai.OpenAI, tw: tollway.Tollway) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).chat.completions.create(model="openai/slow", messages=MESSAGES)
    assert tw.close(5)


def test_a_timeout_of_the_engine_is_an_error_response(client: openai.OpenAI, tw: tollway.Tollway) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(
            model="openai/slow", messages=MESSAGES, extra_headers={"x-tollway-timeout": "0.2"}
        )
    assert (caught.value.status_code, caught.value.code) == (504, "timeout")
    assert [record.status for record in tw.usage.records()] == ["timeout"]


def test_headers_of_a_request_choose_what_the_client_left_open(ledger: Ledger, tw: tollway.Tollway) -> None:
    headers = {"x-tollway-user": "bob", "x-tollway-tags": '{"feature": "history"}', "idempotency-key": "once"}
    raw = OpenAI(tw, tags={"team": "core"}).chat.completions.with_raw_response
    first = raw.create(model="openai/house", messages=MESSAGES, extra_headers=headers)
    call = Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS)
    assert first.headers["x-tollway-model"] == "openai/house"
    assert first.headers["x-tollway-cost"] == f"{cost(call):f}"
    assert first.headers["x-tollway-currency"] == "USD"
    assert first.headers["x-tollway-attempts"] == "1"
    assert "x-tollway-replayed" not in first.headers
    assert json.loads(first.headers["x-tollway-receipt"])["totals"] == {"USD": f"{cost(call):f}"}
    request_id = next(iter(tw.usage.records())).request_id
    assert first.headers["x-tollway-request-id"] == request_id
    second = raw.create(model="openai/house", messages=MESSAGES, extra_headers=headers)
    assert second.headers["x-tollway-replayed"] == "true"
    assert first.parse().choices[0].message.content == ANSWER
    ledger.holds(call, user="bob", tags={"feature": "history", "team": "core"})


def test_the_client_chooses_the_model(tw: tollway.Tollway, ledger: Ledger) -> None:
    client = OpenAI(tw, model="gemini/house", user=USER, tags=TAGS)
    reply = client.chat.completions.create(model="gpt-whatever", messages=MESSAGES)
    assert reply.choices[0].message.content == ANSWER
    ledger.holds(Call("gemini/house", PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_closed_file_is_a_connection_error(client: openai.OpenAI, tw: tollway.Tollway) -> None:
    tw.close()
    with pytest.raises(openai.APIConnectionError) as caught:
        client.chat.completions.create(model="openai/house", messages=MESSAGES)
    assert caught.value.__cause__ is not None
    assert isinstance(caught.value.__cause__.__cause__, tollway.ClosedError)


def test_awaited_calls_streams_and_tools(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        async with AsyncOpenAI(tw, user=USER, tags=TAGS) as client:
            reply = await client.chat.completions.create(model="anthropic/house", messages=MESSAGES)
            assert reply.choices[0].message.content == ANSWER
            chunks = await client.chat.completions.create(model="gemini/house", messages=MESSAGES, stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in chunks]) == ANSWER
            prompt: list[ChatCompletionMessageParam] = [{"role": "user", "content": TOOL_PROMPT}]
            tool = await client.chat.completions.create(model="openai/house", messages=prompt, tools=[TOOL])
            assert tool.choices[0].finish_reason == "tool_calls"
            poor = AsyncOpenAI(tw, user="poor")
            # Who it is was chosen with the client.
            headers = {"x-tollway-user": USER}
            with pytest.raises(openai.APIStatusError) as caught:
                await poor.chat.completions.create(model="openai/house", messages=MESSAGES, extra_headers=headers)
            assert (caught.value.status_code, caught.value.code) == (402, "budget_exceeded")

    asyncio.run(main())
    ledger.holds(
        Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Call("gemini/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Call("openai/house", TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
    )


def test_an_awaited_stream_that_is_left_is_billed_for_what_came(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        client = AsyncOpenAI(tw, user=USER, tags=TAGS)
        stream = await client.chat.completions.create(model="openai/mock-words-200", messages=MESSAGES, stream=True)
        async with stream:
            number = 0
            async for _chunk in stream:
                number += 1
                if number == 4:
                    break

    asyncio.run(main())
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)


def test_a_cancelled_task_cancels_its_call(tw: tollway.Tollway) -> None:
    async def main() -> None:
        client = AsyncOpenAI(tw, user=USER)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.chat.completions.create(model="openai/slow", messages=MESSAGES), 0.2)
        with pytest.raises(openai.APITimeoutError):
            await client.with_options(timeout=0.2).chat.completions.create(model="openai/slow", messages=MESSAGES)

    asyncio.run(main())
    assert tw.close(5)


def test_many_calls_at_once(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        client = AsyncOpenAI(tw, user=USER, tags=TAGS)
        calls = [client.chat.completions.create(model="openai/house", messages=MESSAGES) for _ in range(20)]
        replies = await asyncio.gather(*calls)
        assert {reply.choices[0].message.content for reply in replies} == {ANSWER}

    asyncio.run(main())
    ledger.holds(*[Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS)] * 20)

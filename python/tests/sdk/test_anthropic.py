"""Anthropic's library over an open file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from pydantic import BaseModel

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
from tollway.anthropic import Anthropic, AsyncAnthropic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anthropic.types import MessageParam, ToolParam, ToolResultBlockParam

    import tollway
    from conftest import MockProvider

MESSAGES: list[MessageParam] = [{"role": "user", "content": PROMPT}]
TOOL: ToolParam = {
    "name": "weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def client(tw: tollway.Tollway) -> Iterator[anthropic.Anthropic]:
    with Anthropic(tw, user=USER, tags=TAGS) as made:
        yield made


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_a_message(client: anthropic.Anthropic, ledger: Ledger, served_by: str) -> None:
    message = client.messages.create(model=served_by, max_tokens=100, messages=MESSAGES)
    assert (message.type, text_of(message), message.stop_reason) == ("message", ANSWER, "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    call = Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS)
    extra: dict[str, Any] = message.tollway  # type: ignore[attr-defined]
    assert (extra["model"], extra["cost"], extra["cost_status"]) == (served_by, f"{cost(call):f}", "computed")
    ledger.holds(call)


def test_a_stream(client: anthropic.Anthropic, ledger: Ledger, served_by: str) -> None:
    events = list(client.messages.create(model=served_by, max_tokens=100, messages=MESSAGES, stream=True))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    texts = [delta.text for delta in deltas if delta.type == "text_delta"]
    assert "".join(texts) == ANSWER
    assert len(texts) > 1
    last = events[-2]
    assert last.type == "message_delta"
    assert (last.delta.stop_reason, last.usage.output_tokens) == ("end_turn", ANSWER_TOKENS)
    call = Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS)
    assert last.tollway["cost"] == f"{cost(call):f}"  # type: ignore[attr-defined]
    ledger.holds(call)


def test_the_library_gathers_a_stream_into_one_message(
    client: anthropic.Anthropic, ledger: Ledger, served_by: str
) -> None:
    with client.messages.stream(model=served_by, max_tokens=100, messages=MESSAGES) as stream:
        assert "".join(stream.text_stream) == ANSWER
        message = stream.get_final_message()
    assert (message.usage.input_tokens, message.usage.output_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    ledger.holds(Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_tool_use_and_its_result(
    client: anthropic.Anthropic, ledger: Ledger, mock: MockProvider, served_by: str
) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": TOOL_PROMPT}]
    first = client.messages.create(model=served_by, max_tokens=100, messages=messages, tools=[TOOL])
    assert first.stop_reason == "tool_use"
    uses = [block for block in first.content if block.type == "tool_use"]
    assert [(use.name, use.input) for use in uses] == [("weather", {"city": "mock"})]
    messages.append({"role": "assistant", "content": first.content})
    result: ToolResultBlockParam = {
        "type": "tool_result",
        "tool_use_id": uses[0].id,
        "content": "It is sunny there.",
    }
    messages.append({"role": "user", "content": [result]})
    second = client.messages.create(model=served_by, max_tokens=100, messages=messages, tools=[TOOL])
    assert text_of(second)
    assert "It is sunny there." in mock.last_request(script_of(served_by))
    ledger.holds(
        Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
        Call(served_by, second.usage.input_tokens, second.usage.output_tokens),
    )


def test_a_streamed_tool_use(client: anthropic.Anthropic, ledger: Ledger, served_by: str) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": TOOL_PROMPT}]
    with client.messages.stream(model=served_by, max_tokens=100, messages=messages, tools=[TOOL]) as stream:
        message = stream.get_final_message()
    uses = [block for block in message.content if block.type == "tool_use"]
    assert [(use.name, use.input) for use in uses] == [("weather", {"city": "mock"})]
    ledger.holds(Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS))


def test_structured_output(client: anthropic.Anthropic, ledger: Ledger, served_by: str) -> None:
    message = client.messages.parse(model=served_by, max_tokens=100, messages=MESSAGES, output_format=City)
    assert message.parsed_output == City(name="mock", people=0)
    ledger.holds(Call(served_by, message.usage.input_tokens, message.usage.output_tokens))


@pytest.mark.parametrize("fallback", ["openai/house", "gemini/house"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_busy_provider_falls_back_to_one_of_another_format(
    tw: tollway.Tollway, ledger: Ledger, fallback: str, *, streamed: bool
) -> None:
    client = Anthropic(tw, user=USER, tags=TAGS, fallbacks=[fallback])
    if streamed:
        with client.messages.stream(model="anthropic/busy", max_tokens=100, messages=MESSAGES) as stream:
            assert "".join(stream.text_stream) == ANSWER
    else:
        assert text_of(client.messages.create(model="anthropic/busy", max_tokens=100, messages=MESSAGES)) == ANSWER
    ledger.holds(Refusal("anthropic/busy"), Call(fallback, PROMPT_TOKENS, ANSWER_TOKENS))


@pytest.mark.parametrize("streamed", [False, True])
def test_a_budget_is_the_librarys_own_error(tw: tollway.Tollway, ledger: Ledger, *, streamed: bool) -> None:
    client = Anthropic(tw, user="poor", max_retries=5)
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model="anthropic/house", max_tokens=100, messages=MESSAGES, stream=streamed)
    assert caught.value.status_code == 402
    assert "budget_exceeded" in str(caught.value.body)
    assert caught.value.response.headers["x-tollway-error-code"] == "budget_exceeded"
    ledger.is_empty()


def test_a_wrong_request_is_the_librarys_own_error(client: anthropic.Anthropic, ledger: Ledger) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(model="anthropic/house", max_tokens=100, messages=[])
    assert "messages" in str(caught.value.body)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="no-such-model", max_tokens=100, messages=MESSAGES)
    ledger.is_empty()


@pytest.mark.parametrize("served_by", ["openai/mock-words-200", "anthropic/mock-words-200", "gemini/mock-words-200"])
def test_a_stream_that_is_left_is_billed_for_what_came(
    client: anthropic.Anthropic, ledger: Ledger, served_by: str
) -> None:
    with client.messages.stream(model=served_by, max_tokens=1000, messages=MESSAGES) as stream:
        texts = iter(stream.text_stream)
        assert next(texts)
        assert next(texts)
    ledger.holds_one_left_early(served_by, PROMPT_TOKENS)


def test_the_timeout_of_the_library_cancels_the_call(client: anthropic.Anthropic, tw: tollway.Tollway) -> None:
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.2).messages.create(model="anthropic/slow", max_tokens=9, messages=MESSAGES)
    assert tw.close(5)


def test_the_models_are_those_of_the_file(client: anthropic.Anthropic) -> None:
    assert "anthropic/house" in [model.id for model in client.models.list()]
    assert client.models.retrieve("gemini/house").id == "gemini/house"


def test_awaited_messages_streams_and_tools(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        async with AsyncAnthropic(tw, user=USER, tags=TAGS) as client:
            message = await client.messages.create(model="openai/house", max_tokens=100, messages=MESSAGES)
            assert text_of(message) == ANSWER
            async with client.messages.stream(model="gemini/house", max_tokens=100, messages=MESSAGES) as stream:
                assert "".join([text async for text in stream.text_stream]) == ANSWER
            messages: list[MessageParam] = [{"role": "user", "content": TOOL_PROMPT}]
            used = await client.messages.create(
                model="anthropic/house", max_tokens=100, messages=messages, tools=[TOOL]
            )
            assert used.stop_reason == "tool_use"
            with pytest.raises(anthropic.APIStatusError) as caught:
                await AsyncAnthropic(tw, user="poor").messages.create(
                    model="openai/house", max_tokens=9, messages=MESSAGES, extra_headers={"x-tollway-user": USER}
                )
            assert caught.value.status_code == 402

    asyncio.run(main())
    ledger.holds(
        Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Call("gemini/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Call("anthropic/house", TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
    )


def test_an_awaited_stream_that_is_left_is_billed_for_what_came(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        client = AsyncAnthropic(tw, user=USER, tags=TAGS)
        model = "anthropic/mock-words-200"
        async with client.messages.stream(model=model, max_tokens=1000, messages=MESSAGES) as stream:
            texts = aiter(stream.text_stream)
            assert await anext(texts)
            assert await anext(texts)

    asyncio.run(main())
    ledger.holds_one_left_early("anthropic/mock-words-200", PROMPT_TOKENS)

"""LangChain's models of OpenAI over an open file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

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
    script_of,
)

if TYPE_CHECKING:
    from conftest import MockProvider


class City(BaseModel):
    """A city."""

    name: str
    people: int


class Weather(BaseModel):
    """Tells the weather."""

    city: str


def chat(tw: tollway.Tollway, model: str, **chosen: Any) -> ChatOpenAI:
    options: dict[str, Any] = {"user": USER, "tags": TAGS, **chosen}
    return ChatOpenAI(
        model=model,
        api_key=SecretStr("-"),
        max_retries=0,
        stream_usage=True,
        http_client=tollway.httpx_client(tw, **options),
        http_async_client=tollway.async_httpx_client(tw, **options),
    )


def test_a_call(tw: tollway.Tollway, ledger: Ledger, served_by: str) -> None:
    reply = chat(tw, served_by).invoke(PROMPT)
    assert reply.content == ANSWER
    assert reply.usage_metadata is not None
    assert (reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]) == (
        PROMPT_TOKENS,
        ANSWER_TOKENS,
    )
    ledger.holds(Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_stream(tw: tollway.Tollway, ledger: Ledger, served_by: str) -> None:
    chunks = list(chat(tw, served_by).stream(PROMPT))
    assert "".join(str(chunk.content) for chunk in chunks) == ANSWER
    assert [chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata] == [ANSWER_TOKENS]
    ledger.holds(Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_tool_call_and_its_result(tw: tollway.Tollway, ledger: Ledger, mock: MockProvider, served_by: str) -> None:
    model = chat(tw, served_by).bind_tools([Weather])
    messages: list[BaseMessage] = [HumanMessage(TOOL_PROMPT)]
    first = model.invoke(messages)
    assert isinstance(first, AIMessage)
    assert [(call["name"], call["args"]) for call in first.tool_calls] == [("Weather", {"city": "mock"})]
    messages += [first, ToolMessage("It is sunny there.", tool_call_id=first.tool_calls[0]["id"])]
    second = model.invoke(messages)
    assert isinstance(second, AIMessage)
    assert second.content
    assert "It is sunny there." in mock.last_request(script_of(served_by))
    assert second.usage_metadata is not None
    ledger.holds(
        Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
        Call(served_by, second.usage_metadata["input_tokens"], second.usage_metadata["output_tokens"]),
    )


def test_structured_output(tw: tollway.Tollway, ledger: Ledger, served_by: str) -> None:
    answer = chat(tw, served_by).with_structured_output(City, include_raw=True).invoke(PROMPT)
    assert isinstance(answer, dict)
    assert answer["parsed"] == City(name="mock", people=0)
    usage = answer["raw"].usage_metadata
    ledger.holds(Call(served_by, usage["input_tokens"], usage["output_tokens"]))


def test_fallbacks_and_budgets(tw: tollway.Tollway, ledger: Ledger) -> None:
    for fallback in ("anthropic/house", "gemini/house"):
        assert chat(tw, "openai/busy", fallbacks=[fallback]).invoke(PROMPT).content == ANSWER
    with pytest.raises(openai.APIStatusError) as caught:
        chat(tw, "openai/house", user="poor").invoke(PROMPT)
    assert (caught.value.status_code, caught.value.code) == (402, "budget_exceeded")
    ledger.holds(
        Refusal("openai/busy"),
        Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS),
        Refusal("openai/busy"),
        Call("gemini/house", PROMPT_TOKENS, ANSWER_TOKENS),
    )


def test_a_stream_that_is_left_is_billed_for_what_came(tw: tollway.Tollway, ledger: Ledger) -> None:
    stream = chat(tw, "openai/mock-words-200").stream(PROMPT)
    pieces = (chunk for chunk in stream if chunk.content)
    assert next(pieces)
    assert next(pieces)
    pieces.close()
    stream.close()  # type: ignore[attr-defined]
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)


def test_awaited_calls_and_streams(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        model = chat(tw, "anthropic/house")
        assert (await model.ainvoke(PROMPT)).content == ANSWER
        assert "".join([str(chunk.content) async for chunk in model.astream(PROMPT)]) == ANSWER

    asyncio.run(main())
    ledger.holds(*[Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS)] * 2)


def test_an_awaited_stream_that_is_left_is_billed_for_what_came(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        stream = chat(tw, "openai/mock-words-200").astream(PROMPT)
        count = 0
        async for chunk in stream:
            count += bool(chunk.content)
            if count == 2:
                break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)

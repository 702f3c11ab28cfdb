"""Agents of Pydantic AI over an open file, through its models of OpenAI and of Anthropic."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

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
    from collections.abc import Callable

    from pydantic_ai.models import Model
    from pydantic_ai.run import AgentRunResult

    from conftest import MockProvider

    Maker = Callable[..., Model]


class City(BaseModel):
    name: str
    people: int


Output = TypeVar("Output")


def run(agent: Agent[None, Output], prompt: str) -> AgentRunResult[Output]:
    # `run_sync` leaves the loop open that it makes.
    return asyncio.run(agent.run(prompt))


def openai_model(tw: tollway.Tollway, name: str, **chosen: Any) -> OpenAIChatModel:
    http = tollway.async_httpx_client(tw, library="httpx2", **{"user": USER, "tags": TAGS, **chosen})
    return OpenAIChatModel(name, provider=OpenAIProvider(api_key="-", http_client=http))


def anthropic_model(tw: tollway.Tollway, name: str, **chosen: Any) -> AnthropicModel:
    http = tollway.async_httpx_client(tw, **{"user": USER, "tags": TAGS, **chosen})
    return AnthropicModel(name, provider=AnthropicProvider(api_key="-", http_client=http))


@pytest.fixture(params=[openai_model, anthropic_model])
def maker(request: pytest.FixtureRequest) -> Maker:
    made: Maker = request.param
    return made


def test_a_run(tw: tollway.Tollway, ledger: Ledger, maker: Maker, served_by: str) -> None:
    result = run(Agent(maker(tw, served_by)), PROMPT)
    assert result.output == ANSWER
    assert (result.usage.input_tokens, result.usage.output_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    ledger.holds(Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_stream(tw: tollway.Tollway, ledger: Ledger, maker: Maker, served_by: str) -> None:
    async def main() -> None:
        async with Agent(maker(tw, served_by)).run_stream(PROMPT) as result:
            pieces = [text async for text in result.stream_text(delta=True, debounce_by=None)]
        assert "".join(pieces) == ANSWER
        assert len(pieces) > 1

    asyncio.run(main())
    ledger.holds(Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_tool_and_its_result(
    tw: tollway.Tollway, ledger: Ledger, mock: MockProvider, maker: Maker, served_by: str
) -> None:
    asked: list[str] = []
    agent = Agent(maker(tw, served_by))

    @agent.tool_plain
    def weather(city: str) -> str:
        asked.append(city)
        return "It is sunny there."

    result = run(agent, TOOL_PROMPT)
    assert asked == ["mock"]
    assert result.output
    assert "It is sunny there." in mock.last_request(script_of(served_by))
    usage = result.usage
    ledger.holds(
        Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
        Call(served_by, usage.input_tokens - TOOL_PROMPT_TOKENS, usage.output_tokens - TOOL_CALL_TOKENS),
    )


def test_structured_output(tw: tollway.Tollway, ledger: Ledger, maker: Maker, served_by: str) -> None:
    # As a tool, which the model is made to call.
    by_tool = run(Agent(maker(tw, served_by), output_type=City), TOOL_PROMPT)
    assert by_tool.output == City(name="mock", people=0)
    usage = by_tool.usage
    ledger.holds(Call(served_by, usage.input_tokens, usage.output_tokens))


def test_native_structured_output(tw: tollway.Tollway, ledger: Ledger, served_by: str) -> None:
    result = run(Agent(openai_model(tw, served_by), output_type=NativeOutput(City)), PROMPT)
    assert result.output == City(name="mock", people=0)
    ledger.holds(Call(served_by, result.usage.input_tokens, result.usage.output_tokens))


@pytest.mark.parametrize("fallback", ["openai/house", "anthropic/house", "gemini/house"])
def test_a_busy_provider_falls_back(tw: tollway.Tollway, ledger: Ledger, maker: Maker, fallback: str) -> None:
    busy = "anthropic/busy" if fallback == "openai/house" else "openai/busy"
    assert run(Agent(maker(tw, busy, fallbacks=[fallback])), PROMPT).output == ANSWER
    ledger.holds(Refusal(busy), Call(fallback, PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_budget_is_the_librarys_own_error(tw: tollway.Tollway, ledger: Ledger, maker: Maker) -> None:
    with pytest.raises(ModelHTTPError) as caught:
        run(Agent(maker(tw, "openai/house", user="poor")), PROMPT)
    assert caught.value.status_code == 402
    assert "budget_exceeded" in str(caught.value.body)
    ledger.is_empty()


def test_a_stream_that_is_left_is_billed_for_what_came(tw: tollway.Tollway, ledger: Ledger, maker: Maker) -> None:
    async def main() -> None:
        async with Agent(maker(tw, "openai/mock-words-200")).run_stream(PROMPT) as result:
            pieces = result.stream_text(delta=True, debounce_by=None)
            assert await anext(pieces)
            assert await anext(pieces)
            await pieces.aclose()  # type: ignore[attr-defined]
            await result.cancel()

    asyncio.run(main())
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)

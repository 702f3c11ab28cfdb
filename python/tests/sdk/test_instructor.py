"""Instructor over an open file, on the clients of OpenAI and of Anthropic."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import instructor
import pytest
from instructor.core import InstructorRetryException
from pydantic import BaseModel

from sdk.ledger import (
    TAGS,
    TOOL_PROMPT,
    TOOL_PROMPT_TOKENS,
    USER,
    Call,
    Ledger,
    Refusal,
    script_of,
)
from tollway.anthropic import Anthropic
from tollway.openai import AsyncOpenAI, OpenAI

if TYPE_CHECKING:
    import tollway
    from conftest import MockProvider


class City(BaseModel):
    """A city."""

    name: str
    people: int


EXPECTED = {"name": "mock", "people": 0}
# The name of the tool, and `{"name":"mock","people":0}`.
CITY_TOKENS = 2
MESSAGES: list[Any] = [{"role": "user", "content": TOOL_PROMPT}]


def client(tw: tollway.Tollway, kind: str, **chosen: Any) -> instructor.Instructor:
    options: dict[str, Any] = {"user": USER, "tags": TAGS, **chosen}
    if kind == "openai":
        return instructor.from_openai(OpenAI(tw, **options))
    return instructor.from_anthropic(Anthropic(tw, **options))


# Instructor forbids Anthropic's models more than one tool call, which Gemini's format cannot say.
PAIRS = pytest.mark.parametrize(
    ("kind", "served_by"),
    [
        ("openai", "openai/house"),
        ("openai", "anthropic/house"),
        ("openai", "gemini/house"),
        ("anthropic", "anthropic/house"),
        ("anthropic", "openai/house"),
    ],
)


def limits(kind: str) -> dict[str, Any]:
    return {"max_tokens": 100} if kind == "anthropic" else {}


@PAIRS
def test_an_object(tw: tollway.Tollway, ledger: Ledger, kind: str, served_by: str) -> None:
    city, raw = client(tw, kind).create_with_completion(
        response_model=City, messages=MESSAGES, model=served_by, **limits(kind)
    )
    assert city.model_dump() == EXPECTED
    assert raw.tollway["model"] == served_by
    ledger.holds(Call(served_by, TOOL_PROMPT_TOKENS, CITY_TOKENS))


def test_an_object_in_json_mode(tw: tollway.Tollway, ledger: Ledger, mock: MockProvider, served_by: str) -> None:
    patched = instructor.from_openai(OpenAI(tw, user=USER, tags=TAGS), mode=instructor.Mode.JSON_SCHEMA)
    city, raw = patched.create_with_completion(response_model=City, messages=MESSAGES, model=served_by)
    assert city.model_dump() == EXPECTED
    assert '"people"' in mock.last_request(script_of(served_by))
    ledger.holds(Call(served_by, raw.usage.prompt_tokens, raw.usage.completion_tokens))


@PAIRS
def test_a_partial_stream(tw: tollway.Tollway, ledger: Ledger, kind: str, served_by: str) -> None:
    pieces = list(
        client(tw, kind).create_partial(response_model=City, messages=MESSAGES, model=served_by, **limits(kind))
    )
    assert pieces[-1].model_dump() == EXPECTED
    ledger.holds(Call(served_by, TOOL_PROMPT_TOKENS, CITY_TOKENS))


@pytest.mark.parametrize(
    ("kind", "busy", "fallback"),
    [
        ("openai", "openai/busy", "anthropic/house"),
        ("openai", "openai/busy", "gemini/house"),
        ("anthropic", "anthropic/busy", "openai/house"),
    ],
)
def test_fallbacks_and_budgets(tw: tollway.Tollway, ledger: Ledger, kind: str, busy: str, fallback: str) -> None:
    made = client(tw, kind, fallbacks=[fallback])
    city = made.create(response_model=City, messages=MESSAGES, model=busy, **limits(kind))
    assert city.model_dump() == EXPECTED
    poor = client(tw, kind, user="poor")
    with pytest.raises(InstructorRetryException) as caught:
        poor.create(response_model=City, messages=MESSAGES, model=fallback, max_retries=1, **limits(kind))
    assert "402" in str(caught.value)
    assert "budget" in str(caught.value)
    ledger.holds(Refusal(busy), Call(fallback, TOOL_PROMPT_TOKENS, CITY_TOKENS))


def test_an_awaited_object(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        made = instructor.from_openai(AsyncOpenAI(tw, user=USER, tags=TAGS))
        city = await made.create(response_model=City, messages=MESSAGES, model="gemini/house")
        assert city.model_dump() == EXPECTED

    asyncio.run(main())
    ledger.holds(Call("gemini/house", TOOL_PROMPT_TOKENS, CITY_TOKENS))

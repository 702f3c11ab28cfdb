"""OpenAI's library over an open file: responses, embeddings, the list of models."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from conftest import MockProvider, eventually
from sdk.ledger import (
    ANSWER,
    ANSWER_TOKENS,
    MODELS,
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

    from openai.types.responses import FunctionToolParam, ResponseInputParam

    import tollway

TOOL: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
EMBEDDINGS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.25]}],
    "model": "embedder",
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
    "a_field_of_its_own": [1, 2],
}


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def client(tw: tollway.Tollway) -> Iterator[openai.OpenAI]:
    with OpenAI(tw, user=USER, tags=TAGS) as made:
        yield made


def test_a_response(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    response = client.responses.create(model=served_by, input=PROMPT)
    assert (response.output_text, response.status) == (ANSWER, "completed")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (PROMPT_TOKENS, ANSWER_TOKENS)
    call = Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS)
    assert response.tollway["cost"] == f"{cost(call):f}"  # type: ignore[attr-defined]
    ledger.holds(call)


def test_a_streamed_response(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    events = list(client.responses.create(model=served_by, input=PROMPT, stream=True))
    assert events[0].type == "response.created"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == ANSWER
    assert len(deltas) > 1
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == ANSWER
    call = Call(served_by, PROMPT_TOKENS, ANSWER_TOKENS)
    assert last.response.tollway["cost"] == f"{cost(call):f}"  # type: ignore[attr-defined]
    ledger.holds(call)


def test_a_function_call_of_a_response_and_its_result(
    client: openai.OpenAI, ledger: Ledger, mock: MockProvider, served_by: str
) -> None:
    given: ResponseInputParam = [{"role": "user", "content": TOOL_PROMPT}]
    first = client.responses.create(model=served_by, input=given, tools=[TOOL])
    calls = [item for item in first.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": "mock"})]
    given += [item.to_dict() for item in first.output]  # type: ignore[misc]
    given.append({"type": "function_call_output", "call_id": calls[0].call_id, "output": "It is sunny there."})
    second = client.responses.create(model=served_by, input=given, tools=[TOOL])
    assert second.output_text
    assert "It is sunny there." in mock.last_request(script_of(served_by))
    assert second.usage is not None
    ledger.holds(
        Call(served_by, TOOL_PROMPT_TOKENS, TOOL_CALL_TOKENS),
        Call(served_by, second.usage.input_tokens, second.usage.output_tokens),
    )


def test_a_structured_response(client: openai.OpenAI, ledger: Ledger, served_by: str) -> None:
    response = client.responses.parse(model=served_by, input=PROMPT, text_format=City)
    assert response.output_parsed == City(name="mock", people=0)
    assert response.usage is not None
    ledger.holds(Call(served_by, response.usage.input_tokens, response.usage.output_tokens))


def test_a_response_falls_back_and_is_held_to_its_budget(tw: tollway.Tollway, ledger: Ledger) -> None:
    client = OpenAI(tw, user=USER, tags=TAGS, fallbacks=["anthropic/house"])
    assert client.responses.create(model="openai/busy", input=PROMPT).output_text == ANSWER
    with pytest.raises(openai.APIStatusError) as caught:
        OpenAI(tw, user="poor").responses.create(model="openai/house", input=PROMPT)
    assert (caught.value.status_code, caught.value.code) == (402, "budget_exceeded")
    ledger.holds(Refusal("openai/busy"), Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS))


def test_a_streamed_response_that_is_left_is_billed_for_what_came(client: openai.OpenAI, ledger: Ledger) -> None:
    with client.responses.create(model="openai/mock-words-200", input=PROMPT, stream=True) as stream:
        pieces = (event for event in stream if event.type == "response.output_text.delta")
        assert next(pieces)
        assert next(pieces)
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)


@pytest.mark.parametrize("asked", ["float", "base64", None])
def test_embeddings_are_served_and_priced(
    client: openai.OpenAI, tw: tollway.Tollway, mock: MockProvider, asked: str | None
) -> None:
    base_url = mock.script("embeddings", {"body": EMBEDDINGS})
    price = {"unit_price": "0.5", "unit": "per_1m_tokens", "currency": "USD"}
    tw.models.add(
        "openai/embedder", api_key="the-key", base_url=base_url, capability="embedding", prices={"input_token": price}
    )
    form: Any = {"encoding_format": asked} if asked else {}
    raw = client.with_options(api_key="not-ours").embeddings.with_raw_response.create(
        model="openai/embedder", input="Name three rivers.", **form
    )
    tokens = 3
    assert Decimal(raw.headers["x-tollway-cost"]) == Decimal("0.0000005") * tokens
    # What is asked for as Base64 is not read by the library.
    assert raw.parse().data[0].embedding == ("AAAAPwAAoL8=" if asked == "base64" else [0.5, -1.25])
    sent = json.loads(mock.last_request("embeddings"))[0]
    assert sent["body"]["input"] == ["Name three rivers."]
    assert "not-ours" not in json.dumps(sent)
    assert ["authorization", "Bearer the-key"] in [list(each) for each in sent["headers"]]
    record = eventually(lambda: list(tw.usage.records()))[0]
    assert (record.model, record.user, record.tags) == ("openai/embedder", USER, TAGS)
    assert (record.status, record.cost_status, record.usage_type) == ("success", "computed", "embedding")
    assert record.usage.meters == {"input_token": tokens}


def test_the_models_are_those_of_the_file(client: openai.OpenAI, tw: tollway.Tollway, ledger: Ledger) -> None:
    tw.models.add("gemini/another", alias="quick", api_key="k")
    assert [model.id for model in client.models.list()] == ["quick", *MODELS, "gemini/another"]
    assert client.models.retrieve("anthropic/house").owned_by == "anthropic"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
    ledger.is_empty()


def test_awaited_responses_and_models(tw: tollway.Tollway, ledger: Ledger) -> None:
    async def main() -> None:
        async with AsyncOpenAI(tw, user=USER, tags=TAGS) as client:
            assert (await client.responses.create(model="anthropic/house", input=PROMPT)).output_text == ANSWER
            events = await client.responses.create(model="openai/house", input=PROMPT, stream=True)
            deltas = [event.delta async for event in events if event.type == "response.output_text.delta"]
            assert "".join(deltas) == ANSWER
            assert [model.id async for model in client.models.list()] == MODELS

    asyncio.run(main())
    ledger.holds(
        Call("anthropic/house", PROMPT_TOKENS, ANSWER_TOKENS), Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS)
    )

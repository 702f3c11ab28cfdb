"""Tool calls come in pieces of any kind, and end with any word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from traffic.answers import INPUT, OUTPUT, chunk, events, usage_of, whole, written
from traffic.provider import Reply

if TYPE_CHECKING:
    from traffic.conftest import Traffic
    from traffic.ways import Way

NAME, ARGUMENTS = "weather", {"city": "Köln", "days": 3}
TEXT = json.dumps(ARGUMENTS, ensure_ascii=False)
FIRST, SECOND = TEXT[:7], TEXT[7:]
CALLS = [(NAME, ARGUMENTS)]

# The pieces of one call, as they stand in `delta.tool_calls`.
PIECES: dict[str, list[dict[str, Any]]] = {
    "in one piece": [{"index": 0, "id": "a", "function": {"name": NAME, "arguments": TEXT}}],
    "the name after the id": [
        {"index": 0, "id": "a", "function": {"arguments": ""}},
        {"index": 0, "function": {"name": NAME}},
        {"index": 0, "function": {"arguments": TEXT}},
    ],
    "an empty name first": [
        {"index": 0, "id": "a", "function": {"name": "", "arguments": ""}},
        {"index": 0, "function": {"name": NAME, "arguments": TEXT}},
    ],
    "the name in halves": [
        {"index": 0, "id": "a", "function": {"name": NAME[:3], "arguments": ""}},
        {"index": 0, "function": {"name": NAME[3:]}},
        {"index": 0, "function": {"arguments": TEXT}},
    ],
    "the name repeated": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": FIRST}},
        {"index": 0, "function": {"name": NAME, "arguments": SECOND}},
    ],
    "id and name repeated": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": FIRST}},
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": SECOND}},
    ],
    "the arguments first": [
        {"index": 0, "function": {"arguments": FIRST}},
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": SECOND}},
    ],
    "the id last": [
        {"index": 0, "function": {"name": NAME, "arguments": FIRST}},
        {"index": 0, "function": {"arguments": SECOND}},
        {"index": 0, "id": "a"},
    ],
    "no number": [
        {"id": "a", "function": {"name": NAME, "arguments": FIRST}},
        {"function": {"arguments": SECOND}},
    ],
    "a number and a new id in each": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": FIRST}},
        {"index": 0, "id": "b", "function": {"name": NAME, "arguments": SECOND}},
    ],
    "a new id in each": [
        {"id": "a", "function": {"name": NAME, "arguments": FIRST}},
        {"id": "b", "function": {"arguments": SECOND}},
    ],
    "nulls": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": None}},
        {"index": 0, "id": None, "function": {"name": None, "arguments": TEXT}},
    ],
}
# The pieces of two calls.
TWO: dict[str, list[dict[str, Any]]] = {
    "numbers of their own": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": TEXT}},
        {"index": 1, "id": "b", "function": {"name": "look_up", "arguments": "{}"}},
    ],
    "the same number": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": TEXT}},
        {"index": 0, "id": "b", "function": {"name": "look_up", "arguments": "{}"}},
    ],
    "no numbers": [
        {"id": "a", "function": {"name": NAME, "arguments": TEXT}},
        {"id": "b", "function": {"name": "look_up", "arguments": "{}"}},
    ],
    "woven": [
        {"index": 0, "id": "a", "function": {"name": NAME, "arguments": FIRST}},
        {"index": 1, "id": "b", "function": {"name": "look_up", "arguments": "{"}},
        {"index": 0, "function": {"arguments": SECOND}},
        {"index": 1, "function": {"arguments": "}"}},
    ],
    "one id, no numbers": [
        {"id": "a", "function": {"name": NAME, "arguments": TEXT}},
        {"id": "a", "function": {"name": "look_up", "arguments": "{}"}},
    ],
    "the numbers from one": [
        {"index": 1, "id": "a", "function": {"name": NAME, "arguments": TEXT}},
        {"index": 2, "id": "b", "function": {"name": "look_up", "arguments": "{}"}},
    ],
}
CALL_ENDS = ["tool_calls", "tool_call", "stop", "function_call", "tool_use", "eos", "STOP", "end_turn"]
ENDS = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "STOP": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "MAX_TOKENS": "length",
    "content_filter": "content_filter",
}


def streamed_calls(pieces: list[dict[str, Any]], finish: str = "tool_calls") -> Reply:
    chunks = [chunk({"role": "assistant", "content": None})]
    chunks += [chunk({"tool_calls": [None, piece]}) for piece in pieces]
    chunks += [chunk({}, finish), {**chunk({}), "choices": [], **usage_of("openai")}]
    return Reply(tuple(written([*map(json.dumps, chunks), "[DONE]"])), "text/event-stream", framing="chunked")


def whole_calls(finish: str) -> Reply:
    answer = whole("openai")
    calls = [None, {"id": "a", "type": "function", "function": {"name": NAME, "arguments": TEXT}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    answer["choices"] = [{"index": 0, "message": message, "finish_reason": finish}]
    return Reply((json.dumps(answer).encode(),))


@pytest.mark.parametrize("pieces", PIECES)
def test_a_tool_call_is_joined_however_it_is_split(traffic: Traffic, way: Way, pieces: str) -> None:
    told = traffic.ask("openai", streamed_calls(PIECES[pieces]), way=way, streamed=True)
    assert (told.error, told.calls, told.finish) == (None, CALLS, "tool_calls")
    traffic.holds_the_answer()


@pytest.mark.parametrize("pieces", TWO)
def test_two_tool_calls_are_not_joined(traffic: Traffic, way: Way, pieces: str) -> None:
    told = traffic.ask("openai", streamed_calls(TWO[pieces]), way=way, streamed=True)
    assert (told.error, told.calls, told.finish) == (None, [*CALLS, ("look_up", {})], "tool_calls")
    traffic.holds_the_answer()


@pytest.mark.parametrize("pieces", PIECES)
def test_pieces_are_put_together_where_a_document_was_asked_for(traffic: Traffic, way: Way, pieces: str) -> None:
    told = traffic.ask("openai", streamed_calls(PIECES[pieces]), way=way, streamed=False)
    assert (told.error, told.calls, told.finish) == (None, CALLS, "tool_calls")
    traffic.holds_the_answer()


@pytest.mark.parametrize("finish", CALL_ENDS)
def test_an_answer_with_tool_calls_has_that_finish_reason(
    traffic: Traffic, way: Way, finish: str, *, streamed: bool
) -> None:
    reply = streamed_calls(PIECES["in one piece"], finish) if streamed else whole_calls(finish)
    told = traffic.ask("openai", reply, way=way, streamed=streamed)
    assert (told.error, told.calls, told.finish) == (None, CALLS, "tool_calls")
    traffic.holds_the_answer()


@pytest.mark.parametrize("finish", ENDS)
def test_finish_reasons_of_other_vendors_are_known(traffic: Traffic, finish: str, *, streamed: bool) -> None:
    told_as = ENDS[finish]
    if streamed:
        datas = [data.replace('"finish_reason": "stop"', f'"finish_reason": "{finish}"') for data in events("openai")]
        reply = Reply(tuple(written(datas)), "text/event-stream", framing="chunked")
    else:
        answer = whole("openai")
        answer["choices"][0]["finish_reason"] = finish
        reply = Reply((json.dumps(answer).encode(),))
    ways: tuple[Way, ...] = ("native", "openai", "httpx")
    for way in ways:
        told = traffic.ask("openai", reply, way=way, streamed=streamed)
        assert (told.error, told.finish) == (None, told_as)
        traffic.holds_the_answer()


@pytest.mark.parametrize("cut", [1, 4, 9, 20, 1_000])
def test_arguments_in_anthropics_pieces_are_put_together(traffic: Traffic, way: Way, cut: int) -> None:
    datas = [json.loads(data) for data in events("anthropic", ("Let me see.",))]
    block = {"type": "tool_use", "id": "toolu_1", "name": NAME, "input": {}}
    parts = [TEXT[start : start + cut] for start in range(0, len(TEXT), cut)]
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *parts)]
    call = [
        {"type": "content_block_start", "index": 1, "content_block": block},
        *({"type": "content_block_delta", "index": 1, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 1},
    ]
    datas[-2]["delta"]["stop_reason"] = "tool_use"
    pieces = written([json.dumps(data) for data in [*datas[:-2], *call, *datas[-2:]]])
    told = traffic.ask(
        "anthropic", Reply(tuple(pieces), "text/event-stream", framing="chunked"), way=way, streamed=True
    )
    assert (told.error, told.calls, told.finish) == (None, CALLS, "tool_calls")
    traffic.holds_the_answer()


@pytest.mark.parametrize("how", ["input and pieces", "input", "pieces first", "pieces without an end"])
def test_the_input_of_an_anthropic_tool_call_is_not_doubled(traffic: Traffic, way: Way, how: str) -> None:
    if how == "pieces first" and way == "anthropic":
        pytest.skip("the library itself wants the start first")
    datas = [json.loads(data) for data in events("anthropic", ("Let me see.",))]
    given = ARGUMENTS if how in {"input and pieces", "input"} else {}
    block = {"type": "tool_use", "id": "toolu_1", "name": NAME, "input": given}
    start = {"type": "content_block_start", "index": 1, "content_block": block}
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in (FIRST, SECOND)]
    parts = [{"type": "content_block_delta", "index": 1, "delta": delta} for delta in deltas]
    stop = {"type": "content_block_stop", "index": 1}
    call = {
        "input and pieces": [start, *parts, stop],
        "input": [start, stop],
        "pieces first": [*parts, start, stop],
        "pieces without an end": [start, *parts],
    }[how]
    datas[-2]["delta"]["stop_reason"] = "tool_use"
    pieces = written([json.dumps(data) for data in [*datas[:-2], *call, *datas[-2:]]])
    reply = Reply(tuple(pieces), "text/event-stream", framing="chunked")
    told = traffic.ask("anthropic", reply, way=way, streamed=True)
    assert (told.error, told.calls, told.finish) == (None, CALLS, "tool_calls")
    traffic.holds_the_answer()


@pytest.mark.parametrize("finish", ["STOP", "OTHER", "UNEXPECTED_TOOL_CALL", "MAX_TOKENS", None])
def test_gemini_tool_calls_have_that_finish_reason(
    traffic: Traffic, way: Way, finish: str | None, *, streamed: bool
) -> None:
    answer = {**whole("gemini"), **usage_of("gemini")}
    candidate = answer["candidates"][0]
    candidate["content"]["parts"] = [{"functionCall": {"name": NAME, "args": ARGUMENTS}}]
    candidate["finishReason"] = finish or "STOP"
    body = json.dumps(answer)
    reply = Reply((f"data: {body}\r\n\r\n".encode(),), "text/event-stream") if streamed else Reply((body.encode(),))
    told = traffic.ask("gemini", reply, way=way, streamed=streamed)
    assert (told.error, told.calls) == (None, CALLS)
    if finish in {"STOP", None}:
        assert told.finish == "tool_calls"
    record = traffic.record()
    assert (record.usage.input_tokens, record.usage.output_tokens) == (INPUT, OUTPUT)

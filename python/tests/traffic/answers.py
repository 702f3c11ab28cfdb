"""Answers in the three wire formats: whole, and as the events of a stream. Each says what it took: 12 and 5 tokens."""

from __future__ import annotations

import json
from typing import Any, Literal

Format = Literal["openai", "anthropic", "gemini"]
FORMATS: tuple[Format, ...] = ("openai", "anthropic", "gemini")

INPUT, OUTPUT = 12, 5
TEXTS = ("Three rivers: ", "Rhine, Elbe, Oder.")
TEXT = "".join(TEXTS)

_FIELDS = {"openai": "choices", "anthropic": "content", "gemini": "candidates"}


def usage_of(wire: Format) -> dict[str, Any]:
    """Returns what an answer took, under the name that it has in a format."""
    if wire == "openai":
        return {"usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}}
    if wire == "anthropic":
        return {"usage": {"input_tokens": INPUT, "output_tokens": OUTPUT}}
    counts = {"promptTokenCount": INPUT, "candidatesTokenCount": OUTPUT, "totalTokenCount": INPUT + OUTPUT}
    return {"usageMetadata": counts}


def whole(wire: Format, text: str = TEXT) -> dict[str, Any]:
    """Returns a whole answer of one text."""
    if wire == "openai":
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": choices,
            **usage_of(wire),
        }
    if wire == "anthropic":
        content = [{"type": "text", "text": text}]
        return {**_message(content), "stop_reason": "end_turn", **usage_of(wire)}
    return {**_candidate([{"text": text}], finish="STOP"), **usage_of(wire)}


def without_answers(wire: Format, how: Literal["null", "absent", "empty"]) -> dict[str, Any]:
    """Returns a whole answer that says what it took, and nothing else."""
    answer = whole(wire)
    field = _FIELDS[wire]
    if how == "absent":
        del answer[field]
    else:
        answer[field] = None if how == "null" else []
    return answer


def _message(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_sequence": None}


def _candidate(parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
    reason = {"finishReason": finish} if finish else {}
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **reason}], "modelVersion": "m"}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Returns a chunk of OpenAI's format."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def events(wire: Format, texts: tuple[str, ...] = TEXTS) -> list[str]:
    """Returns the data of the events of a whole stream, the last mark of its format included."""
    if wire == "openai":
        chunks = [chunk({"role": "assistant", "content": ""})]
        chunks += [chunk({"content": text}) for text in texts]
        chunks += [chunk({}, "stop"), {**chunk({}), "choices": [], **usage_of(wire)}]
        return [*map(json.dumps, chunks), "[DONE]"]
    if wire == "anthropic":
        start = {**_message([]), "stop_reason": None, "usage": {"input_tokens": INPUT, "output_tokens": 1}}
        block = {"type": "text", "text": ""}
        return list(
            map(
                json.dumps,
                [
                    {"type": "message_start", "message": start},
                    {"type": "content_block_start", "index": 0, "content_block": block},
                    *(
                        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
                        for text in texts
                    ),
                    {"type": "content_block_stop", "index": 0},
                    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, **usage_of(wire)},
                    {"type": "message_stop"},
                ],
            )
        )
    pieces = [_candidate([{"text": text}]) for text in texts[:-1]]
    last = {**_candidate([{"text": texts[-1]}], finish="STOP"), **usage_of(wire)}
    return [json.dumps(piece) for piece in [*pieces, last]]


def named(data: str) -> str | None:
    """Returns the name that Anthropic's format gives to an event."""
    kind = json.loads(data).get("type") if data.startswith("{") else None
    return kind if isinstance(kind, str) else None


def written(datas: list[str], *, line_end: str = "\n", gap: bool = True, space: bool = True) -> list[bytes]:
    """Writes events out, each in a piece of its own."""
    pieces = []
    for data in datas:
        try:
            name = named(data)
        except ValueError:
            name = None
        lines = ([f"event: {name}"] if name else []) + [f"data:{' ' if space else ''}{data}"] + ([""] if gap else [])
        pieces.append("".join(line + line_end for line in lines).encode())
    return pieces

"""Every way in which an app asks: by our own methods, by the vendors' libraries, and by plain HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import anthropic
import openai

import tollway

if TYPE_CHECKING:
    from collections.abc import Iterable

Way = Literal["native", "openai", "anthropic", "httpx"]
WAYS: tuple[Way, ...] = ("native", "openai", "anthropic", "httpx")

PROMPT = "Name three rivers."
_MESSAGES: list[Any] = [{"role": "user", "content": PROMPT}]
_URL = "https://api.openai.com/v1/chat/completions"
# Anthropic's words for an end, in OpenAI's.
_ENDS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}


@dataclass
class Told:
    """What an app was told."""

    text: str = ""
    # The name and the arguments of each call of a tool.
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str | None = None
    error: str | None = None


class App:
    """An app over an open file, which asks in every way."""

    def __init__(self, tw: tollway.Tollway) -> None:
        self._tw = tw
        self._http = tollway.httpx_client(tw)
        self._openai = openai.OpenAI(http_client=tollway.httpx_client(tw), api_key="unused", max_retries=2)
        self._anthropic = anthropic.Anthropic(http_client=tollway.httpx_client(tw), api_key="unused", max_retries=2)

    def close(self) -> None:
        """Closes the clients."""
        self._http.close()
        self._openai.close()
        self._anthropic.close()

    def ask(self, way: Way, model: str, user: str, *, streamed: bool) -> Told:
        """Asks, and reads the answer to its end."""
        told = Told()
        asks = {"native": self._natively, "openai": self._by_openai, "anthropic": self._by_anthropic}.get(way)
        try:
            (asks or self._by_httpx)(told, model, user, streamed=streamed)
        except (tollway.TollwayError, openai.OpenAIError, anthropic.AnthropicError) as error:
            told.error = str(error)
        return told

    def _natively(self, told: Told, model: str, user: str, *, streamed: bool) -> None:
        if streamed:
            with self._tw.chat.stream(PROMPT, model=model, user=user, max_tokens=64) as events:
                told.text = "".join(event.text for event in events)
                reply = events.reply
            assert reply is not None
            assert told.text == reply.text
        else:
            reply = self._tw.chat(PROMPT, model=model, user=user, max_tokens=64)
        told.text = reply.text
        told.calls = [(call.name, json.loads(call.arguments or "{}")) for call in reply.tool_calls]
        told.finish = reply.finish_reason

    def _by_openai(self, told: Told, model: str, user: str, *, streamed: bool) -> None:
        headers = {"x-tollway-user": user}
        if not streamed:
            reply = self._openai.chat.completions.create(
                model=model, messages=_MESSAGES, max_tokens=64, extra_headers=headers
            )
            _read_message(told, reply.choices[0].to_dict())
            return
        chunks = self._openai.chat.completions.create(
            model=model, messages=_MESSAGES, max_tokens=64, stream=True, extra_headers=headers
        )
        _read_chunks(told, (chunk.to_dict() for chunk in chunks))

    def _by_anthropic(self, told: Told, model: str, user: str, *, streamed: bool) -> None:
        asked: dict[str, Any] = {
            "model": model,
            "messages": _MESSAGES,
            "max_tokens": 64,
            "extra_headers": {"x-tollway-user": user},
        }
        if streamed:
            with self._anthropic.messages.stream(**asked) as events:
                reply = events.get_final_message()
        else:
            reply = self._anthropic.messages.create(**asked)
        told.text = "".join(block.text for block in reply.content if block.type == "text")
        told.calls = [(block.name, block.input) for block in reply.content if block.type == "tool_use"]
        told.finish = _ENDS.get(reply.stop_reason or "")

    def _by_httpx(self, told: Told, model: str, user: str, *, streamed: bool) -> None:
        body = {"model": model, "messages": _MESSAGES, "max_tokens": 64, "stream": streamed}
        answer = self._http.post(_URL, json=body, headers={"x-tollway-user": user})
        if answer.status_code != 200:
            told.error = answer.text
        elif streamed:
            datas = [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]
            assert datas[-1:] == ["[DONE]"] or '"error"' in datas[-1]
            _read_chunks(told, (json.loads(data) for data in datas if data != "[DONE]"))
        else:
            _read_message(told, answer.json()["choices"][0])


def _read_message(told: Told, choice: dict[str, Any]) -> None:
    message = choice["message"]
    told.text = message.get("content") or ""
    for call in message.get("tool_calls") or []:
        told.calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
    told.finish = choice["finish_reason"]


def _read_chunks(told: Told, chunks: Iterable[dict[str, Any]]) -> None:
    calls: dict[int, tuple[str, str]] = {}
    for chunk in chunks:
        if "error" in chunk:
            told.error = json.dumps(chunk["error"])
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            told.text += delta.get("content") or ""
            told.finish = choice.get("finish_reason") or told.finish
            for call in delta.get("tool_calls") or []:
                name, arguments = calls.get(call["index"], ("", ""))
                function = call.get("function") or {}
                calls[call["index"]] = (
                    name + (function.get("name") or ""),
                    arguments + (function.get("arguments") or ""),
                )
    told.calls = [(name, json.loads(arguments or "{}")) for _, (name, arguments) in sorted(calls.items())]

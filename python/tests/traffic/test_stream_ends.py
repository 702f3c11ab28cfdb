"""A stream ends where its format says so, and a whole answer is one however its body is framed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from traffic.answers import TEXT, TEXTS, chunk, events, usage_of, whole, written
from traffic.conftest import IDLE
from traffic.provider import End, Framing, Reply

if TYPE_CHECKING:
    from traffic.answers import Format
    from traffic.conftest import Traffic
    from traffic.ways import Way

STREAM = "text/event-stream"
KEEPALIVES = [
    ": keepalive\n\n",
    ":\n",
    "\n\n",
    "event: ping\n\n",
    "id: 4\n\n",
    "retry: 50\n\n",
    "data:\n\n",
    "data: ping\n\n",
    "data: [PING]\n\n",
]


@pytest.mark.parametrize("end", ["silence", "reset", "close"])
@pytest.mark.parametrize("framing", ["unended", "longer", "until_closed"])
def test_the_end_mark_ends_a_stream(traffic: Traffic, wire: Format, way: Way, framing: Framing, end: End) -> None:
    reply = Reply(tuple(written(events(wire))), STREAM, framing=framing, end=end)
    started = time.monotonic()
    told = traffic.ask(wire, reply, way=way, streamed=True)
    assert (told.error, told.text, told.finish) == (None, TEXT, "stop")
    # Gemini's format has no mark: there a silence is the end where the last piece has come.
    assert time.monotonic() - started < (IDLE * 4 if wire == "gemini" else IDLE * 0.8)
    traffic.holds_the_answer()


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_bytes_after_the_end_mark_do_not_keep_a_stream_open(traffic: Traffic, wire: Format, way: Way) -> None:
    keepalives = [b": keepalive\n\n"] * 12
    pieces = (b"".join(written(events(wire))), *keepalives)
    started = time.monotonic()
    told = traffic.ask(wire, Reply(pieces, STREAM, framing="unended", pause=0.1), way=way, streamed=True)
    assert (told.error, told.text) == (None, TEXT)
    assert time.monotonic() - started < 0.8
    traffic.holds_the_answer()


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("framing", ["longer", "unended", "until_closed"])
def test_a_document_that_is_complete_is_an_answer(
    traffic: Traffic, wire: Format, way: Way, framing: Framing, end: End
) -> None:
    body = json.dumps(whole(wire)).encode()
    told = traffic.ask(wire, Reply((body[:30], body[30:]), framing=framing, end=end), way=way, streamed=False)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


def test_bytes_of_any_kind_are_a_sign_of_life(traffic: Traffic, wire: Format) -> None:
    # Two pauses are longer than the limit of silence: so each sign must count.
    pieces = (*(sign.encode() for sign in KEEPALIVES), b"".join(written(events(wire))))
    told = traffic.ask(wire, Reply(pieces, STREAM, framing="chunked", pause=IDLE * 0.6), way="native", streamed=True)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("content_type", [STREAM, "text/event-stream; charset=utf-8", "application/json", None])
@pytest.mark.parametrize("framing", ["chunked", "until_closed", "length"])
def test_events_where_a_document_was_asked_for_are_read(
    traffic: Traffic, wire: Format, way: Way, content_type: str | None, framing: Framing
) -> None:
    pieces = tuple(written(events(wire)))
    told = traffic.ask(wire, Reply(pieces, content_type, framing=framing), way=way, streamed=False)
    assert (told.error, told.text, told.finish) == (None, TEXT, "stop")
    traffic.holds_the_answer()


@pytest.mark.parametrize("indent", [None, 2], ids=["tight", "indented"])
@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", None])
def test_a_document_where_events_were_asked_for_is_read(
    traffic: Traffic, wire: Format, way: Way, indent: int | None, content_type: str | None
) -> None:
    body = json.dumps(whole(wire), indent=indent).encode()
    told = traffic.ask(wire, Reply((body[:50], body[50:]), content_type, framing="chunked"), way=way, streamed=True)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("gap", [True, False], ids=["blank lines", "single line ends"])
@pytest.mark.parametrize("space", [True, False], ids=["space", "no space"])
def test_events_are_read_however_they_are_set_apart(
    traffic: Traffic, wire: Format, way: Way, line_end: str, *, gap: bool, space: bool
) -> None:
    pieces = tuple(written(events(wire), line_end=line_end, gap=gap, space=space))
    told = traffic.ask(wire, Reply(pieces, STREAM, framing="chunked"), way=way, streamed=True)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("size", [1, 7, 64])
def test_pieces_of_a_stream_may_end_anywhere(traffic: Traffic, wire: Format, size: int) -> None:
    body = b"".join(written(events(wire, (*TEXTS, " Größe \U0001f600")), line_end="\r\n"))
    pieces = tuple(body[start : start + size] for start in range(0, len(body), size))
    told = traffic.ask(wire, Reply(pieces, STREAM, framing="chunked"), way="native", streamed=True)
    assert (told.error, told.text) == (None, f"{TEXT} Größe \U0001f600")
    traffic.holds_the_answer()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-ndjson", None])
def test_documents_on_lines_are_read_whatever_they_are_called(
    traffic: Traffic, wire: Format, way: Way, content_type: str | None, *, streamed: bool
) -> None:
    pieces = tuple(f"{data}\n".encode() for data in events(wire) if data != "[DONE]")
    told = traffic.ask(wire, Reply(pieces, content_type, framing="chunked"), way=way, streamed=streamed)
    assert (told.error, told.text, told.finish) == (None, TEXT, "stop")
    traffic.holds_the_answer()


def test_a_document_that_is_the_only_piece_is_read(traffic: Traffic, way: Way, *, streamed: bool) -> None:
    piece = chunk({"role": "assistant", "content": TEXT}, "stop", **usage_of("openai"))
    told = traffic.ask("openai", Reply((json.dumps(piece).encode(),)), way=way, streamed=streamed)
    assert (told.error, told.text, told.finish) == (None, TEXT, "stop")
    traffic.holds_the_answer()


@pytest.mark.parametrize("sign", KEEPALIVES)
def test_signs_of_life_between_events_are_no_part_of_an_answer(
    traffic: Traffic, wire: Format, way: Way, sign: str
) -> None:
    pieces = tuple(piece + sign.encode() for piece in written(events(wire)))
    told = traffic.ask(wire, Reply((sign.encode(), *pieces), STREAM, framing="chunked"), way=way, streamed=True)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()

"""No answer that was produced is free: it is read as others read it, or else billed, and never asked for again."""

from __future__ import annotations

import gzip
import json
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest

from conftest import PRICES
from traffic.answers import INPUT, OUTPUT, TEXT, chunk, events, whole, without_answers, written
from traffic.conftest import COST
from traffic.provider import End, Reply

if TYPE_CHECKING:
    from traffic.answers import Format
    from traffic.conftest import Traffic
    from traffic.ways import Way

# A stand-in for bytes that no JSON encoder writes; what they are; what they read as.
STAND_IN = "@@"
SPELLINGS = {
    "the first half of a pair": (rb"\ud83d", "\ufffd"),
    "the second half of a pair": (rb"\uDE00", "\ufffd"),
    "two first halves": (rb"\ud83d\ud83d", "\ufffd"),
    "halves in the wrong order": (rb"\ude00\ud83d", "\ufffd"),
    "a half before another escape": (rb"\ud83d\n", "\ufffd\n"),
    "a byte that is no text": (b"\xff", "\ufffd"),
    "a character cut short": (b"\xe4\xb8", "\ufffd"),
    "a raw control character": (b"\x02", "\x02"),
    "a raw tab": (b"\t", "\t"),
    "a raw escape": (b"\x1b[0m", "\x1b[0m"),
}
# A field beside the answer, which no app reads.
NUMBERS = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1E+400", b"123456789012345678901234567890"]


def reading(text: str) -> str:
    """Returns a text in which what is no text is one sign, however many stand for it."""
    text = text.replace("\U0001f600", "\ufffd")
    while "\ufffd\ufffd" in text:
        text = text.replace("\ufffd\ufffd", "\ufffd")
    return text


def document(wire: Format, text: str) -> bytes:
    return json.dumps(whole(wire, text), ensure_ascii=False).encode()


def reply_of(wire: Format, texts: tuple[str, ...], *, streamed: bool) -> Reply:
    if streamed:
        return Reply(tuple(written(events(wire, texts))), "text/event-stream", framing="chunked")
    return Reply((document(wire, "".join(texts)),))


def respelled(reply: Reply, stand_in: str, spelling: bytes) -> Reply:
    pieces = tuple(piece.replace(stand_in.encode(), spelling) for piece in reply.pieces)
    assert pieces != reply.pieces
    return Reply(pieces, reply.content_type, framing=reply.framing)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_strings_that_only_some_readers_accept_are_read(
    traffic: Traffic, wire: Format, way: Way, spelling: str, *, streamed: bool
) -> None:
    spelled, read = SPELLINGS[spelling]
    plain = reply_of(wire, ("so ", f"it{STAND_IN}is"), streamed=streamed)
    told = traffic.ask(wire, respelled(plain, STAND_IN, spelled), way=way, streamed=streamed)
    assert (told.error, reading(told.text)) == (None, f"so it{read}is")
    traffic.holds_the_answer()


def test_halves_of_a_character_in_two_pieces_are_read(traffic: Traffic, wire: Format, way: Way) -> None:
    plain = reply_of(wire, ("so @1@", "@2@ it is"), streamed=True)
    halves = respelled(respelled(plain, "@1@", rb"\ud83d"), "@2@", rb"\ude00")
    told = traffic.ask(wire, halves, way=way, streamed=True)
    assert (told.error, reading(told.text)) == (None, "so \ufffd it is")
    traffic.holds_the_answer()


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_that_only_some_readers_accept_are_read(
    traffic: Traffic, wire: Format, way: Way, number: bytes, *, streamed: bool
) -> None:
    plain = reply_of(wire, (TEXT,), streamed=streamed)
    pieces = tuple(piece.replace(b"{", b'{"score": [%s], ' % number, 1) for piece in plain.pieces)
    told = traffic.ask(wire, Reply(pieces, plain.content_type, framing=plain.framing), way=way, streamed=streamed)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("error", [b"null", b'""', b"{}", b"[]", b"false", b'{"code": 0, "message": ""}'])
def test_an_empty_error_beside_an_answer_is_ignored(
    traffic: Traffic, wire: Format, way: Way, error: bytes, *, streamed: bool
) -> None:
    plain = reply_of(wire, (TEXT,), streamed=streamed)
    pieces = tuple(piece.replace(b"{", b'{"error": %s, ' % error, 1) for piece in plain.pieces)
    told = traffic.ask(wire, Reply(pieces, plain.content_type, framing=plain.framing), way=way, streamed=streamed)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


def test_a_byte_order_mark_is_no_part_of_an_answer(traffic: Traffic, wire: Format, way: Way, *, streamed: bool) -> None:
    plain = reply_of(wire, (TEXT,), streamed=streamed)
    marked = Reply((b"\xef\xbb\xbf", *plain.pieces), plain.content_type, framing="chunked")
    told = traffic.ask(wire, marked, way=way, streamed=streamed)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("how", ["null", "absent", "empty"])
def test_usage_is_billed_where_no_answer_is_given(
    traffic: Traffic, wire: Format, way: Way, how: Literal["null", "absent", "empty"], *, streamed: bool
) -> None:
    body = json.dumps(without_answers(wire, how)).encode()
    # Whether the app is told an error or an empty answer is not what this is about.
    traffic.ask(wire, Reply((body,)), way=way, streamed=streamed)
    record = traffic.record()
    assert (record.usage.input_tokens, record.usage.output_tokens) == (INPUT, OUTPUT)
    assert record.billed_by == "provider_usage"
    assert record.cost_amount


@pytest.mark.parametrize("how", ["null", "absent", "empty"])
def test_usage_in_a_piece_without_choices_is_read(
    traffic: Traffic, way: Way, how: Literal["null", "absent", "empty"]
) -> None:
    datas = events("openai")
    last = {key: value for key, value in without_answers("openai", how).items() if key != "object"}
    told = traffic.ask(
        "openai",
        Reply(tuple(written([*datas[:-2], json.dumps(last), "[DONE]"])), "text/event-stream", framing="chunked"),
        way=way,
        streamed=True,
    )
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("content", [None, "", []], ids=["null", "blank", "list"])
def test_usage_is_billed_where_the_answer_is_empty(traffic: Traffic, way: Way, content: Any) -> None:
    answer = whole("openai")
    answer["choices"][0]["message"]["content"] = content
    traffic.ask("openai", Reply((json.dumps(answer).encode(),)), way=way, streamed=False)
    record = traffic.record()
    assert (record.usage.input_tokens, record.usage.output_tokens) == (INPUT, OUTPUT)
    assert record.cost_amount


@pytest.mark.parametrize("end", ["close", "reset", "silence"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6], ids=["nothing", "some", "most"])
def test_an_answer_that_breaks_off_is_billed_and_not_repeated(
    traffic: Traffic, wire: Format, end: End, share: float, *, streamed: bool
) -> None:
    # The promised length makes the break plain, also where nothing of the body came.
    plain = reply_of(wire, ("Three ", "rivers ", "run ", "north."), streamed=streamed)
    body = b"".join(plain.pieces)
    cut = body[: int(len(body) * share)]
    reply = Reply((cut,), plain.content_type, framing="longer", end=end, missing=len(body) - len(cut))
    if end == "silence" and not streamed:
        pytest.skip("only a stream has a limit of silence; a whole call waits for its timeout")
    told = traffic.ask(wire, reply, way="native", streamed=streamed)
    assert told.error is not None
    traffic.holds_something()


@pytest.mark.parametrize(
    "unreadable",
    ["{", '{"choices": [', "not JSON", '{"type": "text"', "<<<"],
    ids=["open", "cut", "words", "part", "odd"],
)
def test_an_event_that_cannot_be_read_leaves_what_came_billed(
    traffic: Traffic, wire: Format, way: Way, unreadable: str
) -> None:
    datas = events(wire, ("Three rivers", " run north."))
    pieces = written([*datas[:-2], unreadable])
    traffic.ask(wire, Reply(tuple(pieces), "text/event-stream", framing="chunked"), way=way, streamed=True)
    traffic.holds_something()


def test_an_error_amid_a_stream_leaves_what_came_billed(traffic: Traffic, way: Way) -> None:
    failed = json.dumps({"error": {"message": "the server has failed", "type": "server_error"}})
    pieces = written([json.dumps(chunk({"content": "Three rivers"})), failed])
    told = traffic.ask("openai", Reply(tuple(pieces), "text/event-stream", framing="chunked"), way=way, streamed=True)
    assert told.error is not None
    traffic.holds_something()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_answer_is_read_though_nobody_asked_for_it(
    traffic: Traffic, wire: Format, way: Way, encoding: Literal["gzip", "deflate"], *, streamed: bool
) -> None:
    plain = reply_of(wire, ("Three rivers", " run north."), streamed=streamed)
    joined = b"".join(plain.pieces)
    body = gzip.compress(joined) if encoding == "gzip" else zlib.compress(joined)
    reply = Reply((body,), plain.content_type, encoding=encoding, framing="chunked")
    told = traffic.ask(wire, reply, way=way, streamed=streamed)
    assert (told.error, told.text) == (None, "Three rivers run north.")
    traffic.holds_the_answer()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br", "compress", "x-own"])
def test_an_answer_that_is_compressed_in_another_way_is_billed(
    traffic: Traffic, wire: Format, encoding: str, *, streamed: bool
) -> None:
    content_type = "text/event-stream" if streamed else "application/json"
    reply = Reply((b"\x1b\x2f\x00\xf8" * 50,), content_type, encoding=encoding)
    told = traffic.ask(wire, reply, way="native", streamed=streamed)
    assert told.error is not None
    traffic.holds_something()


@pytest.mark.parametrize("envelope", ["data", "result", "response", "body"])
def test_an_answer_in_an_envelope_is_taken_out(
    traffic: Traffic, wire: Format, way: Way, envelope: str, *, streamed: bool
) -> None:
    def wrapped(data: str) -> str:
        return data if data == "[DONE]" else f'{{"code": 0, "message": "ok", "{envelope}": {data}}}'

    plain = reply_of(wire, (TEXT,), streamed=False)
    reply = Reply(tuple(wrapped(piece.decode()).encode() for piece in plain.pieces))
    if streamed:
        datas = tuple(f"data: {wrapped(data)}\n\n".encode() for data in events(wire))
        reply = Reply(datas, "text/event-stream", framing="chunked")
    told = traffic.ask(wire, reply, way=way, streamed=streamed)
    assert (told.error, told.text) == (None, TEXT)
    traffic.holds_the_answer()


@pytest.mark.parametrize("error", ['{"message": "it broke", "code": 500}', '"it broke"', '{"message": "x"}'])
def test_an_answer_beside_an_error_is_billed(
    traffic: Traffic, wire: Format, way: Way, error: str, *, streamed: bool
) -> None:
    counts = {"usage", "usageMetadata"}
    answer = {key: value for key, value in whole(wire).items() if key not in counts}
    body = f'{{"error": {error}, {json.dumps(answer)[1:]}'
    reply = Reply((body.encode(),))
    if streamed:
        reply = Reply((f"data: {body}\n\n".encode(),), "text/event-stream", framing="chunked")
    told = traffic.ask(wire, reply, way=way, streamed=streamed)
    assert told.error is not None
    # A provider that says it failed may be asked again, each time for what it made.
    for record in traffic.tw.usage.records(user=traffic.user):
        assert record.billed_by == "estimate"
        assert record.cost_amount


def test_images_that_have_a_price_and_no_count_are_an_estimate(traffic: Traffic, wire: Format) -> None:
    version = "v1beta" if wire == "gemini" else "v1"
    address = f"http://127.0.0.1:{traffic.provider.port}/{version}"
    model, prices = (
        f"{wire}/seeing",
        {**PRICES, "input_image": {"unit_price": "0.01", "unit": "per_image", "currency": "USD"}},
    )
    traffic.tw.models.add(model, api_key="k", base_url=address, prices=prices)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image, image]}]
    traffic.provider.play(reply_of(wire, (TEXT,), streamed=False))
    reply = traffic.tw.chat(messages, model=model)
    assert (reply.cost_status, reply.cost) == ("estimated", COST + Decimal("0.02"))
    assert "fee_not_reported" in reply.usage.flags

"""Nothing that did not happen is billed: a connection that was never made, and pages that no model wrote."""

from __future__ import annotations

import socket
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import PRICES, eventually
from traffic.answers import FORMATS
from traffic.conftest import KEY
from traffic.provider import Framing, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from traffic.answers import Format
    from traffic.conftest import Traffic
    from traffic.ways import Way

HTML = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>It works.</body></html>\n"
PAGES = {
    "a page": ("text/html", HTML),
    "a page with a character set": ("text/html; charset=utf-8", HTML),
    "a page that says it is JSON": ("application/json", HTML),
    "a page that does not say what it is": (None, HTML),
    "a page after blank lines": ("text/html", b"\n \r\n\t" + HTML),
    "a page after a byte order mark": ("text/html", b"\xef\xbb\xbf" + HTML),
    "a page that says it is a stream": ("text/event-stream", HTML),
    "an XML document": ("application/xml", b'<?xml version="1.0"?>\n<html><body>Sign in</body></html>'),
    "a page after a comment": ("text/html", b"<!-- of a proxy -->" + HTML),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_web_page_is_an_error_that_names_base_url(
    traffic: Traffic, wire: Format, way: Way, page: str, *, streamed: bool
) -> None:
    content_type, body = PAGES[page]
    told = traffic.ask(wire, Reply((body,), content_type), way=way, streamed=streamed)
    assert told.error is not None
    assert "base_url" in told.error
    traffic.holds_nothing()


@pytest.mark.parametrize("framing", ["chunked", "until_closed", "length"])
def test_a_web_page_costs_a_budget_nothing(traffic: Traffic, wire: Format, framing: Framing, *, streamed: bool) -> None:
    user = "of-a-page"
    traffic.tw.budgets.set(user=user, limit="1", currency="USD", window="total")
    traffic.provider.play(Reply((HTML[:20], HTML[20:]), "text/html", framing=framing))
    assert traffic.app.ask("native", f"{wire}/traffic", user, streamed=streamed).error is not None
    (budget,) = [each for each in traffic.tw.budgets.list() if each.user == user]
    assert budget.settled == budget.reserved == 0


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that drops the first packet of each connection, because its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(64):
            client = socket.socket()
            client.settimeout(0.15)
            waiting.append(client)
            try:
                client.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("the queue of a listener cannot be filled on this system")
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def unbilled(tw: tollway.Tollway, attempts: int = 1) -> None:
    records = eventually(lambda: (found := list(tw.usage.records())) and len(found) >= attempts and found)
    assert {(record.billed_by, record.cost_amount) for record in records} == {("not_billed", Decimal(0))}
    assert len(records) == attempts
    assert all(budget.settled == budget.reserved == 0 for budget in tw.budgets.list())


def opened(path: Path, port: int, **settings: Any) -> tollway.Tollway:
    tw = tollway.open(path, master_key=KEY, **settings)
    for wire in FORMATS:
        tw.models.add(f"{wire}/traffic", api_key="k", base_url=f"http://127.0.0.1:{port}/v1", prices=PRICES)
    tw.budgets.set(limit="1", currency="USD", window="total")
    return tw


def ask(tw: tollway.Tollway, wire: Format, *, streamed: bool, **options: Any) -> None:
    """Asks, and reads to the end."""
    if streamed:
        list(tw.chat.stream("Hi", model=f"{wire}/traffic", **options))
    else:
        tw.chat("Hi", model=f"{wire}/traffic", **options)


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("policy", ["cancel_and_estimate", "bill_reserved", "drain"])
def test_a_connection_that_was_never_made_costs_nothing_when_time_runs_out(
    path: Path, deaf: int, wire: Format, policy: str, *, streamed: bool
) -> None:
    with opened(path, deaf) as tw:
        with pytest.raises(tollway.CallTimeoutError):
            ask(tw, wire, streamed=streamed, timeout=0.2, on_abandon=policy)
        unbilled(tw)


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("policy", ["cancel_and_estimate", "bill_reserved"])
def test_a_connection_that_was_never_made_costs_nothing_when_the_caller_goes(
    path: Path, deaf: int, wire: Format, policy: str
) -> None:
    with opened(path, deaf) as tw:
        events = tw.chat.stream("Hi", model=f"{wire}/traffic", on_abandon=policy)  # type: ignore[arg-type]
        # It is under way once its worst case is held.
        eventually(lambda: any(budget.reserved for budget in tw.budgets.list()))
        events.close()
        unbilled(tw)


@pytest.mark.parametrize("wire", FORMATS)
def test_a_connection_that_takes_too_long_costs_nothing(path: Path, deaf: int, wire: Format, *, streamed: bool) -> None:
    with opened(path, deaf, connect_timeout=0.15, max_retries=0) as tw:
        with pytest.raises(tollway.ProviderUnavailableError):
            ask(tw, wire, streamed=streamed)
        unbilled(tw)


@pytest.mark.parametrize("wire", FORMATS)
def test_a_connection_that_is_refused_costs_nothing_however_often_it_is_tried(
    path: Path, refusing: int, wire: Format
) -> None:
    with opened(path, refusing, max_retries=1) as tw:
        with pytest.raises(tollway.ProviderUnavailableError):
            tw.chat("Hi", model=f"{wire}/traffic")
        unbilled(tw, attempts=2)


@pytest.mark.parametrize(
    "path_of", ["embeddings/multimodal", "completions", "moderations", "images/generations", "rerank/batch"]
)
def test_a_request_that_is_passed_on_costs_nothing_where_no_connection_is_made(
    path: Path, deaf: int, path_of: str
) -> None:
    with opened(path, deaf) as tw, tollway.httpx_client(tw, timeout=0.2, on_unpriced="allow") as client:
        answer = client.post(f"https://api.openai.com/v1/{path_of}", json={"model": "openai/traffic", "input": "Hi"})
        assert answer.status_code == 504
        unbilled(tw)

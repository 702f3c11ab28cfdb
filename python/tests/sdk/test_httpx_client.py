"""The HTTP clients themselves: both libraries, no sockets, bodies, times, and what is refused."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import httpx2
import openai
import pytest

import tollway
from conftest import MASTER_KEY, SCRIPT_TIMEOUT, MockProvider, eventually, start_script
from sdk.ledger import ANSWER, ANSWER_TOKENS, PROMPT, PROMPT_TOKENS, TAGS, USER, Call, Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

URL = "https://api.openai.com/v1/chat/completions"
BODY: dict[str, Any] = {"model": "openai/house", "messages": [{"role": "user", "content": PROMPT}]}
LONG: dict[str, Any] = {**BODY, "model": "openai/mock-words-200", "stream": True}
SLOW: dict[str, Any] = {**BODY, "model": "openai/slow"}
# A program that hides one of the two libraries, or both.
HIDING = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[3].split(","), None))
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if sys.modules.get(name, 0) is None else find_spec(name)
import tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
try:
    client = tollway.httpx_client(tw)
    print(type(client).__module__.partition(".")[0], type(client).__name__)
except ImportError as error:
    print(error)
"""

# A program without the vendors' libraries, which uses the modules that make their clients.
READY = """
import sys
sys.modules.update(dict.fromkeys(("openai", "anthropic"), None))
import tollway
for name in ("openai", "anthropic"):
    try:
        getattr(tollway, name)
    except ImportError as error:
        print(error)
"""
# A program that waits for an answer, or amid one, until it is interrupted.
WAITING = """
import sys, tollway
tw = tollway.open(sys.argv[1], master_key=sys.argv[2])
client = tollway.httpx_client(tw, user="frank")
body = {"model": sys.argv[3], "messages": [{"role": "user", "content": "Hi"}], "stream": sys.argv[3] != "openai/slow"}
print("asks", flush=True)
try:
    with client.stream("POST", "https://api.openai.com/v1/chat/completions", json=body) as answer:
        for piece in answer.iter_bytes():
            print("reads", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.fixture(params=["httpx", "httpx2", None])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_no_socket_is_opened(tw: tollway.Tollway, ledger: Ledger) -> None:
    """The engine's own connections are made in Rust, and pass no hook of Python."""
    seen: list[str] = []
    watching = [True]

    def watch(event: str, _arguments: object) -> None:
        if watching[0] and event.startswith("socket."):
            seen.append(event)

    # A hook cannot be taken away again.
    sys.addaudithook(watch)
    with tollway.httpx_client(tw, user=USER, tags=TAGS) as client:
        assert client.post(URL, json=BODY).json()["choices"][0]["message"]["content"] == ANSWER

        async def main() -> None:
            # A loop makes a pair of sockets for itself before.
            del seen[:]
            async with tollway.async_httpx_client(tw, user=USER, tags=TAGS) as awaiting:
                assert (await awaiting.post(URL, json=BODY)).status_code == 200

        assert seen == []
        asyncio.run(main())
    watching[0] = False
    assert not [event for event in seen if event in {"socket.connect", "socket.getaddrinfo", "socket.bind"}]
    ledger.holds(*[Call("openai/house", PROMPT_TOKENS, ANSWER_TOKENS)] * 2)


def test_a_client_of_each_library(tw: tollway.Tollway, library: Any) -> None:
    with tollway.httpx_client(tw, library=library, headers={"x-tollway-user": "carol"}) as client:
        assert isinstance(client, {"httpx": httpx, "httpx2": httpx2, None: httpx2}[library].Client)
        answer = client.post(URL, json=BODY)
        assert (answer.status_code, answer.reason_phrase, answer.http_version) == (200, "OK", "HTTP/1.1")
        assert answer.headers["content-type"] == "application/json"
        assert answer.elapsed.total_seconds() > 0
    assert client.is_closed
    assert [record.user for record in tw.usage.records()] == ["carol"]


@pytest.mark.parametrize(
    ("hidden", "made"),
    [
        ("httpx", "httpx2 Client"),
        ("httpx2", "httpx Client"),
        ("httpx,httpx2", "an HTTP client needs the package httpx, which is not installed: pip install httpx"),
    ],
)
def test_the_installed_http_libraries_decide_the_class_of_the_client(path: Path, hidden: str, made: str) -> None:
    command = [sys.executable, "-c", HIDING, str(path), MASTER_KEY, hidden]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == made


@pytest.mark.parametrize("family", [httpx, httpx2])
def test_the_types_of_a_request_decide_those_of_its_answer(tw: tollway.Tollway, family: Any) -> None:
    with tollway.httpx_client(tw) as client:
        # What is changed later holds for both.
        client.headers["x-tollway-user"] = "dave"
        answer = client.post(family.URL(URL), json=BODY, timeout=family.Timeout(5), auth=family.BasicAuth("a", "b"))
        assert isinstance(answer, family.Response)
        assert isinstance(answer.request, family.Request)
        request = client.build_request("POST", family.URL(URL), json=SLOW, timeout=0.2)
        with pytest.raises(family.ReadTimeout):
            client.send(request, auth=httpx2.Auth() if family is httpx else httpx.Auth())
        with client.stream("POST", family.URL(URL), json={**BODY, "stream": True}) as stream:
            assert b"".join(stream.iter_bytes()).endswith(b"data: [DONE]\n\n")
    with pytest.raises(RuntimeError, match="closed"):
        client.send(family.Request("POST", URL, json=BODY))
    assert {record.user for record in eventually(lambda: list(tw.usage.records()))} == {"dave"}


@pytest.mark.parametrize("family", [httpx, httpx2])
def test_the_types_of_an_awaited_request_decide_those_of_its_answer(tw: tollway.Tollway, family: Any) -> None:
    async def main() -> None:
        async with tollway.async_httpx_client(tw) as client:
            assert isinstance(client, (httpx.AsyncClient, httpx2.AsyncClient))
            answer = await client.post(family.URL(URL), json=BODY)
            assert isinstance(answer, family.Response)
            with pytest.raises(family.ReadTimeout):
                await client.post(family.URL(URL), json=SLOW, timeout=0.2)
            async with client.stream("POST", family.URL(URL), json={**BODY, "stream": True}) as stream:
                assert [line async for line in stream.aiter_lines()][-2] == "data: [DONE]"
        with pytest.raises(RuntimeError, match="closed"):
            await client.send(family.Request("POST", URL, json=BODY))

    asyncio.run(main())


def test_an_upload_arrives_whole(tw: tollway.Tollway, mock: MockProvider, library: Any) -> None:
    base_url = mock.script("files", {"body": {"id": "file-1"}})
    tw.models.add("openai/files", api_key="the-key", base_url=base_url, prices={})
    content = b"a line\n" * 20_000
    with tollway.httpx_client(tw, model="openai/files", library=library) as client:
        answer = client.post(
            "https://api.openai.com/v1/files", data={"purpose": "batch"}, files={"file": io.BytesIO(content)}
        )
        assert answer.json() == {"id": "file-1"}

        def pieces() -> Iterator[bytes]:
            yield b'{"piece": '
            yield b"1}"

        assert client.post("https://api.openai.com/v1/batches", content=pieces()).status_code == 200
    sent = json.loads(mock.last_request("files"))[0]
    assert sent["body"] == {"piece": 1}

    async def main() -> None:
        async def awaited() -> AsyncIterator[bytes]:
            yield b'{"piece": '
            yield b"2}"

        async with tollway.async_httpx_client(tw, model="openai/files", library=library) as client:
            await client.post("https://api.openai.com/v1/batches", content=awaited())
            await client.post("https://api.openai.com/v1/files", files={"file": io.BytesIO(content)})

    asyncio.run(main())
    whole = mock.last_request("files")
    assert whole.count("a line") == 20_000
    assert "multipart/form-data" in whole


def test_garbage_collection_of_an_answer_cancels_its_call(tw: tollway.Tollway, ledger: Ledger, library: Any) -> None:
    client = tollway.httpx_client(tw, user=USER, tags=TAGS, library=library)
    answer = client.send(client.build_request("POST", URL, json=LONG), stream=True)
    pieces = answer.iter_bytes()
    for _ in range(4):
        next(pieces)
    del answer, pieces
    gc.collect()
    ledger.holds_one_left_early("openai/mock-words-200", PROMPT_TOKENS)
    client.close()


def test_a_silent_provider_is_a_read_timeout_and_the_call_is_cancelled(tw: tollway.Tollway, mock: MockProvider) -> None:
    stalling = {"automatic": True, "text": "one two three", "fault": {"hang_after_bytes": 900}}
    tw.models.add("openai/stalling", api_key="the-key", base_url=mock.script("stalling", stalling), prices={})
    asked = {**BODY, "model": "openai/stalling", "stream": True}
    received: list[bytes] = []
    with (
        tollway.httpx_client(tw, library="httpx2", timeout=30) as client,
        pytest.raises(httpx2.ReadTimeout) as caught,
        client.stream("POST", URL, json=asked, timeout=0.3) as answer,
    ):
        received.extend(answer.iter_bytes())
    assert received
    assert caught.value.request.url == URL

    async def main() -> None:
        async with tollway.async_httpx_client(tw, library="httpx") as client:
            with pytest.raises(httpx.ReadTimeout):
                async with client.stream("POST", URL, json=asked, timeout=0.3) as answer:
                    received.extend([piece async for piece in answer.aiter_bytes()])

    asyncio.run(main())
    records = eventually(lambda: len(found := list(tw.usage.records())) == 2 and found)
    assert {record.status for record in records} <= {"partial", "cancelled"}


def test_the_timeout_of_the_client_is_that_of_the_call(tw: tollway.Tollway) -> None:
    with tollway.httpx_client(tw, timeout=0.2) as client:
        assert client.timeout.read is None
        answer = client.post(URL, json=SLOW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")


def test_a_closed_file_is_a_connection_error(tw: tollway.Tollway, library: Any) -> None:
    family: Any = httpx if library == "httpx" else httpx2
    client = tollway.httpx_client(tw, library=library)
    tw.close()
    with pytest.raises(family.ConnectError, match="closed") as caught:
        client.post(URL, json=BODY)
    assert isinstance(caught.value.__cause__, tollway.ClosedError)
    client.close()


def test_an_async_handle_serves_sync_and_async_clients(path: Path, tw: tollway.Tollway) -> None:
    async def main() -> None:
        async with await tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            async with tollway.async_httpx_client(atw, user="erin") as client:
                assert (await client.post(URL, json=BODY)).status_code == 200
            with tollway.httpx_client(atw, user="erin") as waiting:
                assert (await asyncio.to_thread(waiting.post, URL, json=BODY)).status_code == 200

    asyncio.run(main())
    assert [record.user for record in tw.usage.records()] == ["erin", "erin"]


def test_without_an_asyncio_loop_the_async_client_says_so(tw: tollway.Tollway, ledger: Ledger) -> None:
    client = tollway.async_httpx_client(tw, library="httpx")
    # What another framework does: it drives the coroutine without a loop of asyncio.
    coroutine = client.post(URL, json=BODY)
    with pytest.raises(RuntimeError, match="asyncio event loop"):
        coroutine.send(None)
    ledger.is_empty()


@pytest.mark.parametrize(("model", "after"), [("openai/slow", "asks"), ("openai/mock-words-200", "reads")])
def test_ctrl_c_cancels_the_call(path: Path, tw: tollway.Tollway, model: str, after: str) -> None:
    with start_script(WAITING, path, MASTER_KEY, model) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != after:
            assert process.poll() is None
        if after == "asks":
            # The request must have reached the provider.
            time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SCRIPT_TIMEOUT)
    assert (process.returncode, output.splitlines()[-1]) == (0, "interrupted"), errors
    record = eventually(lambda: list(tw.usage.records(user="frank")))[0]
    assert record.status == ("cancelled" if after == "asks" else "partial")


def test_ready_made_clients_name_the_library_that_is_missing() -> None:
    result = subprocess.run([sys.executable, "-c", READY], check=True, capture_output=True, text=True, timeout=60)
    assert result.stdout.splitlines() == [
        f"tollway.{name} needs the package {name}, which is not installed: pip install {name}"
        for name in ("openai", "anthropic")
    ]


def test_ready_made_clients_are_of_the_libraries_own_classes(tw: tollway.Tollway) -> None:
    client = tollway.openai.OpenAI(tw, max_retries=3, timeout=7)
    assert type(client) is openai.OpenAI
    assert (client.max_retries, client.timeout, client.with_options(timeout=1).max_retries) == (3, 7, 3)
    assert tollway.openai.AsyncOpenAI(tw).max_retries == 0
    assert type(tollway.anthropic.Anthropic(tw)) is anthropic.Anthropic
    with pytest.raises(TypeError, match="http_client"):
        tollway.anthropic.AsyncAnthropic(tw, http_client=tollway.async_httpx_client(tw))


def test_wrong_options_are_refused_when_the_client_is_made(tw: tollway.Tollway) -> None:
    path: Any = "app.tollway"
    with pytest.raises(TypeError, match=r"tollway\.open\(\.\.\.\)"):
        tollway.httpx_client(path)
    with pytest.raises(TypeError, match="AsyncTollway"):
        tollway.async_httpx_client(path)
    with pytest.raises(TypeError, match="'proxy' says how connections are made"):
        tollway.httpx_client(tw, proxy="http://127.0.0.1:1")
    with pytest.raises(TypeError, match="seconds"):
        tollway.httpx_client(tw, timeout=httpx.Timeout(5))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tags must be a mapping"):
        tollway.httpx_client(tw, tags="geography")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'httpx' or 'httpx2'"):
        tollway.httpx_client(tw, library="requests")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        tollway.httpx_client(tw, usr="alice")
    for wrong in ({"on_abandon": "never"}, {"user": 5}, {"timeout": -1.0}, {"max_retries": 1.5}):
        for make in (tollway.httpx_client, tollway.async_httpx_client):
            with pytest.raises(tollway.InvalidRequestError, match=next(iter(wrong))):
                make(tw, **wrong)

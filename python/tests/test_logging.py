"""What the engine tells by Python's logging."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import MASTER_KEY, PRICES, MockProvider, eventually, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-house-0123456789abcdef"
PROMPT = "the merger is secret"
FAILED = {"status": 503, "body": {"error": {"message": f"key {KEY} asked {PROMPT}", "code": "broken"}}}
ANSWERED = {"automatic": True}


class Records(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record)

    def wait(self, count: int) -> list[dict[str, Any]]:
        """Returns what was kept once it is so many, as what is in the records, and forgets it."""
        eventually(lambda: len(self.kept) >= count)
        # One too many would come at once.
        time.sleep(0.05)
        assert len(self.kept) == count, self.kept
        kept, self.kept = self.kept, []
        return [{**vars(record), "message": record.getMessage()} for record in kept]


@pytest.fixture
def records() -> Iterator[Records]:
    """Listens to all that is logged from the level INFO on."""
    handler = Records()
    logger = logging.getLogger("tollway")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def assert_fields(record: dict[str, Any], **expected: Any) -> None:
    assert {name: record.get(name) for name in expected} == expected


def add(tw: tollway.Tollway, name: str, base_url: str, **more: Any) -> tollway.ModelConfig:
    return tw.models.add(name, api_key=KEY, base_url=base_url, **{"prices": PRICES, **more})


@pytest.fixture
def quick(path: Path) -> Iterator[tollway.Tollway]:
    """An open file where one failure is enough for a cooldown, which is over at once."""
    with tollway.open(path, master_key=MASTER_KEY, cooldown_failures=1, cooldown=0, max_retries=0) as tw:
        yield tw


def test_a_retry_and_a_call_without_a_price_are_records_with_their_fields(
    path: Path, mock: MockProvider, records: Records
) -> None:
    started = time.time()
    with tollway.open(path, master_key=MASTER_KEY) as tw:
        add(tw, "house/llama", mock.script("log-retry", FAILED, ANSWERED), prices={})
        reply = tw.chat(PROMPT, model="house/llama")
        retry, unpriced = records.wait(2)
    call = {"name": "tollway.call", "levelname": "INFO", "request_id": reply.request_id, "provider": "house"}
    assert_fields(retry, **call, model="llama", attempt=1, code="provider_unavailable", status=503)
    assert 0.3 <= retry["wait"] <= 0.5
    assert retry["message"].startswith("house/llama failed (provider_unavailable, status 503); trying again in 0.")
    assert started <= retry["created"] <= unpriced["created"] <= time.time()
    assert_fields(unpriced, **call, model="llama", attempt=2, code="unpriced", record_uid=reply.attempts[1].record_uid)
    assert KEY not in f"{retry}{unpriced}"
    assert "merger" not in f"{retry}{unpriced}"


def test_a_fallback_and_the_beginning_and_the_end_of_a_cooldown_are_records(
    quick: tollway.Tollway, mock: MockProvider, records: Records
) -> None:
    first = add(quick, "house/first", mock.script("log-fallback", FAILED, ANSWERED))
    add(quick, "spare/second", mock.base_url)
    reply = quick.chat("Hi", model="house/first", fallbacks=["spare/second"])
    cooldown, fallback = records.wait(2)
    failed = {
        "levelname": "WARNING",
        "request_id": reply.request_id,
        "provider": "house",
        "model": "first",
        "code": "provider_unavailable",
        "status": 503,
    }
    assert_fields(cooldown, **failed, name="tollway.models", model_config_id=first.id, failures=1, wait=0.0)
    assert_fields(fallback, **failed, name="tollway.call", attempt=1, next_provider="spare", next_model="second")
    reply = quick.chat("Hi", model="house/first")
    (end,) = records.wait(1)
    assert_fields(end, name="tollway.models", levelname="INFO", request_id=reply.request_id, model_config_id=first.id)
    assert end["message"] == "house/first answers again; its cooldown has ended"


def test_refusals_are_records(quick: tollway.Tollway, mock: MockProvider, records: Records) -> None:
    add(quick, "house/priced", mock.base_url)
    add(quick, "house/unpriced", mock.base_url, prices={})
    budget = quick.budgets.set(limit="0.0000001", currency="USD")
    for model, code in (("priced", "budget_exceeded"), ("unpriced", "unpriced")):
        with pytest.raises(tollway.TollwayError) as caught:
            quick.chat("Hi", model=f"house/{model}")
        assert caught.value.code == code
        (refusal,) = records.wait(1)
        assert_fields(
            refusal, name="tollway.call", levelname="INFO", provider="house", model=model, code=code, attempt=1
        )
        assert refusal.get("budget_id") == (budget.id if code == "budget_exceeded" else None)


def test_the_async_twin_and_a_vendors_library_are_heard_too(path: Path, mock: MockProvider, records: Records) -> None:
    async def run() -> None:
        async with tollway.AsyncTollway.open(path, master_key=MASTER_KEY) as atw:
            await atw.models.add("house/m", base_url=mock.base_url, prices={})
            reply = await atw.chat("Hi", model="house/m")
            assert_fields(records.wait(1)[0], code="unpriced", request_id=reply.request_id)
            async with atw.chat.stream("Hi", model="house/m") as stream:
                async for _event in stream:
                    pass
            assert stream.reply is not None
            assert_fields(records.wait(1)[0], code="unpriced", request_id=stream.reply.request_id)
            client = tollway.async_httpx_client(atw, model="house/m")
            body = {"model": "house/m", "messages": [{"role": "user", "content": "Hi"}]}
            answer = (await client.post("/v1/chat/completions", json=body)).json()
            assert_fields(records.wait(1)[0], code="unpriced", request_id=answer["tollway"]["request_id"])

    asyncio.run(run())


def test_only_warnings_are_records_by_default_and_a_level_holds_from_the_next_call_on(
    quick: tollway.Tollway, mock: MockProvider, records: Records
) -> None:
    logging.getLogger("tollway").setLevel(logging.NOTSET)
    add(quick, "house/first", mock.script("log-levels", FAILED, ANSWERED), prices={})
    with pytest.raises(tollway.ProviderUnavailableError):
        quick.chat("Hi", model="house/first")
    (cooldown,) = records.wait(1)
    assert_fields(cooldown, levelname="WARNING", name="tollway.models")
    quick.chat("Hi", model="house/first")
    logging.getLogger("tollway.call").setLevel(logging.INFO)
    reply = quick.chat("Hi", model="house/first")
    assert_fields(records.wait(1)[0], levelname="INFO", code="unpriced", request_id=reply.request_id)
    logging.getLogger("tollway.call").setLevel(logging.NOTSET)
    quick.chat("Hi", model="house/first")
    records.wait(0)


def test_a_handler_that_hangs_or_raises_holds_up_no_call(
    quick: tollway.Tollway, mock: MockProvider, records: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    add(quick, "house/m", mock.base_url, prices={})
    let_go, hangs = threading.Event(), threading.Event()

    class Slow(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            hangs.set()
            let_go.wait(30)
            if record.__dict__["attempt"] == 1:
                message = "on purpose"
                raise SystemExit(message)
            return True

    slow = Slow()
    logging.getLogger("tollway.call").addFilter(slow)
    try:
        quick.chat("Hi", model="house/m")
        assert hangs.wait(5)
        # More than the queue takes, of calls that are soon over.
        for _call in range(1_100):
            with pytest.raises(tollway.UnpricedError):
                quick.chat("Hi", model="house/m", on_unpriced="refuse")
    finally:
        let_go.set()
    eventually(lambda: len(records.kept) == 1)
    logging.getLogger("tollway.call").removeFilter(slow)
    (told,) = records.wait(1)
    assert_fields(told, name="tollway", levelname="WARNING")
    assert told["dropped"] >= 1
    assert "on purpose" in capsys.readouterr().err
    quick.chat("Hi", model="house/m")
    records.wait(1)


SETUP = """
import logging, os, signal, sys, tollway
logging.basicConfig(format="%(process)d %(name)s %(levelname)s %(code)s", stream=sys.stdout, level="INFO")
path, key, url = sys.argv[1:4]
tw = tollway.open(path, master_key=key)
tw.models.set("house/m", base_url=url, prices={})
"""

FORK = f"""{SETUP}
tw.chat("Hi", model="house/m")
client = tollway.httpx_client(tw, model="house/m")
for number in range(3):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        if number == 0:
            # It makes no call, and has no thread of ours.
            import threading
            assert threading.active_count() == 1
        elif number == 1:
            tw.chat("Hi", model="house/m")
        else:
            body = {{"model": "house/m", "messages": [{{"role": "user", "content": "Hi"}}]}}
            client.post("/v1/chat/completions", json=body)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(child, flush=True)
"""

EXIT = f"""{SETUP}
import atexit
atexit.register(lambda: tw.chat("Hi", model="house/m"))
tw.chat("Hi", model="house/m")
"""

HANGS_AT_EXIT = f"""{SETUP}
import time
logging.getLogger().addFilter(lambda record: True)
logging.getLogger().handlers[0].addFilter(lambda record: time.sleep(60))
tw.chat("Hi", model="house/m")
"""

SILENT = """
import logging, sys, tollway
path, key, url = sys.argv[1:4]
with tollway.open(path, master_key=key, max_retries=0) as tw:
    tw.models.set("house/m", base_url=url, prices={})
    tw.chat("Hi", model="house/m")
    tw.models.set("openai/gpt-4o-minni", api_key="k")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_is_heard_once_it_uses_a_handle(path: Path, mock: MockProvider) -> None:
    *lines, last = run_script(FORK, path, MASTER_KEY, mock.base_url).splitlines()
    children = [line for line in [*lines, last] if line.isdigit()]
    assert len(children) == 3
    record = "tollway.call INFO unpriced"
    assert [line for line in lines if line.startswith(children[0])] == [children[0]]
    for child in children[1:]:
        assert f"{child} {record}" in lines
    assert len([line for line in lines if line.endswith(record)]) == 3


def test_what_is_logged_last_is_handed_over_at_the_exit(path: Path, mock: MockProvider) -> None:
    assert run_script(EXIT, path, MASTER_KEY, mock.base_url).count("tollway.call INFO unpriced") == 2


def test_a_handler_that_hangs_does_not_hold_up_the_exit(path: Path, mock: MockProvider) -> None:
    started = time.monotonic()
    run_script(HANGS_AT_EXIT, path, MASTER_KEY, mock.base_url)
    assert time.monotonic() - started < 20


def test_without_any_configuration_warnings_alone_are_seen(path: Path, mock: MockProvider) -> None:
    import subprocess  # noqa: PLC0415

    command = [sys.executable, "-c", SILENT, str(path), MASTER_KEY, mock.base_url]
    errors = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stderr
    assert "openai/gpt-4o-minni" in errors
    assert "without a price" not in errors

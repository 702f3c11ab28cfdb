"""Runs the scenarios of `tests/conformance` through the public API; their README describes them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import re
import struct
import time
import urllib.request
from base64 import b64encode
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import tollway
from conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import MockProvider

Client: TypeAlias = tollway.Tollway | tollway.AsyncTollway

FOLDER = Path(__file__).parents[2] / "tests" / "conformance"
SCENARIOS = sorted(FOLDER.glob("[0-9]*.json"))
# A key, not a passphrase, whose derivation takes its time at every opening.
MASTER_KEY = "0f" * 32
# What the facade leaves out where there is none of it.
ABSENT_IF_EMPTY = {
    "annotations",
    "logprobs",
    "service_tier",
    "billed_quantity",
    "modifiers",
    "conversions",
    "adjusts",
    "conditions",
    "rounding",
    "modifier",
    "superseded",
}
# What the engine says of its verbs.
SCHEMA = json.loads((FOLDER.parents[1] / "bindings" / "schema" / "schema.json").read_text(encoding="utf-8"))


def call(client: Client, verb: str, arguments: dict[str, Any]) -> Any:
    """Calls the method of a verb, with its arguments by their place or by their names, as the engine says of it."""
    noun, _, method = verb.rpartition(".")
    owner = getattr(client, noun) if noun in SCHEMA["nouns"] else client
    described = SCHEMA["verbs"][verb]
    fields = call_arguments(verb, arguments) if "request" in arguments else dict(arguments)
    for name, field in described["arguments"].get("properties", {}).items():
        if field.get("spread"):
            fields.update(fields.pop(name, {}))
    positional = [fields.pop(name) for name in described["positional"] if name in fields]
    return getattr(owner, method)(*positional, **fields)


def call_arguments(verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns a call's request and options side by side; fields that only some providers know go to `extra`."""
    described = SCHEMA["verbs"][verb]["arguments"]["properties"]["request"]["$ref"].rpartition("/")[2]
    known = SCHEMA["arguments"][described]["properties"].keys()
    request = arguments["request"]
    extra = {name: value for name, value in request.items() if name not in known}
    fields = {name: value for name, value in request.items() if name in known}
    return {**fields, **({"extra": extra} if extra else {}), **arguments.get("options", {})}


def check_receipt(receipt: tollway.Receipt) -> None:
    """Checks that a printed receipt has a row for each line, with its exact amount, and one for each total."""
    rows = [row.split() for row in str(receipt).splitlines()[1:]]
    assert len(rows) == len(receipt.lines) + len(receipt.totals)
    for row, line in zip(rows, receipt.lines, strict=False):
        assert row[:2] == [str(line.attempt), line.model]
        assert ("unpriced" if line.amount is None else f"{line.amount:f}") in row
    for row, (currency, total) in zip(rows[len(receipt.lines) :], receipt.totals.items(), strict=True):
        assert row == ["total", f"{total:f}", currency]


def as_json(value: Any) -> Any:
    """Writes a result as the facade does: decimals as text, and the few fields that Python names its own way."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {key: as_json(field) for key, field in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    if isinstance(value, tollway.Receipt):
        check_receipt(value)
    # A word that Python keeps to itself has an underscore at its end.
    fields = {field.name.rstrip("_"): as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    for name in ABSENT_IF_EMPTY & fields.keys():
        if not fields[name]:
            del fields[name]
    return in_the_engines_words(value, fields)


def in_the_engines_words(value: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Takes back what Python puts in a form of its own."""
    match value:
        case (
            tollway.ChatReply()
            | tollway.EmbedReply()
            | tollway.RerankReply()
            | tollway.Attempt()
            | tollway.UsageRecord()
        ):
            fields["model"] = value.model.removeprefix(f"{value.provider}/")
            if isinstance(value, tollway.EmbedReply):
                rows = [struct.pack(f"<{len(row)}f", *row) for row in value.embeddings]
                fields["embeddings"] = [b64encode(row).decode() for row in rows]

        case tollway.ToolCall():
            fields["function"] = {"name": value.name, "arguments": value.arguments}
        case tollway.Budget() | tollway.BudgetQuote():
            scope = {"type": "user", "user": value.user} if value.user is not None else {"type": "everyone"}
            if value.tag is not None:
                scope = {"type": "tag", "key": value.tag[0], "value": value.tag[1]}
            money = {"money": {"amount": fields["limit"], "currency": value.currency}}
            fields |= {"scope": scope, "limit": {"tokens": int(value.limit)} if value.currency is None else money}
    return fields


def fields_of(error: tollway.TollwayError) -> dict[str, Any]:
    """Returns an error as the engine tells it."""
    fields = {**vars(error), "attempts": [attempt._asdict() for attempt in error.attempts]}
    if isinstance(error, tollway.BudgetExceededError) and error.limit is not None:
        amounts = {name: f"{getattr(error, name):f}" for name in ("limit", "settled", "reserved", "asked")}
        others = {name: getattr(error, name) for name in ("budget_id", "currency", "max_tokens")}
        fields["budget"] = {**amounts, **others}
    return fields


class Records(logging.Handler):
    """Keeps what is logged, as the engine tells it."""

    # What every record has, whatever it says.
    _COMMON = frozenset(vars(logging.makeLogRecord({}))) | {"message"}

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name not in self._COMMON}
        level = record.levelname.lower().replace("warning", "warn")
        self.kept.append({"level": level, "target": record.name, "message": record.getMessage(), "fields": fields})

    def begin(self) -> None:
        """Forgets what was logged before: a record of another file's comes after all that."""
        with tollway.open(":memory:", master_key=MASTER_KEY) as other:
            other.models.add("house/the-last", base_url="http://127.0.0.1:9")
        eventually(lambda: any(record["fields"].get("model") == "the-last" for record in self.kept))
        self.kept.clear()

    def take(self, count: int) -> list[dict[str, Any]]:
        """Returns what was kept once it is so many, and forgets it."""
        eventually(lambda: len(self.kept) >= count)
        kept, self.kept = self.kept, []
        return kept


class Run:
    """One scenario under way, with a file of its own, through the sync API or, with a loop, through its async twin."""

    def __init__(
        self, path: Path, mock: MockProvider, settings: dict[str, Any], loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self.path = path
        self.settings = settings
        self.loop = loop
        self.saved: dict[str, Any] = {
            "mock": mock.address,
            "folder": str(path.parent),
            "masterkey": MASTER_KEY,
        }
        self.records = Records()
        self.client = self.open(path)

    def open(self, path: Path | str) -> Client:
        if self.loop is None:
            return tollway.open(path, master_key=MASTER_KEY, **self.settings)
        opening = tollway.AsyncTollway.open(path, master_key=MASTER_KEY, **self.settings)
        return self.loop.run_until_complete(opening)

    def done(self, outcome: Any) -> Any:
        """Waits for what the async API returns; the sync API has waited."""
        return outcome if self.loop is None else self.loop.run_until_complete(outcome)

    def step(self, step: dict[str, Any]) -> None:
        if reopened := step.get("reopen"):
            self.done(self.client.close())
            self.client = self.open(self.path if reopened is True else self.filled(reopened))
            return
        if "requests" in step:
            compare(self.filled(step["expect"]), self.requests(step["requests"]), "")
            return
        if "logs" in step:
            expected = self.filled(step["expect"])
            compare(expected, self.records.take(len(expected)), "")
            return
        result, error = None, None
        begin = time.monotonic()
        if "stream" in step:
            result, error = self.stream(self.filled(step["stream"]))
        elif "fetch" in step:
            result = self.fetch(self.filled(step["fetch"]))
        else:
            try:
                outcome = call(self.client, step["call"], self.filled(step.get("arguments", {})))
                result = as_json(self.done(outcome))
            except tollway.TollwayError as caught:
                error = caught
        seconds = time.monotonic() - begin
        assert step.get("at_least_seconds", 0) <= seconds <= step.get("at_most_seconds", 60)
        if error is not None:
            assert "error" in step, f"it failed: {error!r}"
            compare(self.filled(step["error"]), fields_of(error), "/error")
        else:
            assert "error" not in step, f"it should fail, and gave {result}"
        if "expect" in step:
            compare(self.filled(step["expect"]), result, "")
        for name, pointer in step.get("save", {}).items():
            self.saved[name] = at(result, pointer)

    def stream(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], tollway.TollwayError | None]:
        """Reads a stream to its end: the joined text, the number of its pieces, and the settled reply."""
        parameters = call_arguments("chat", arguments)
        pieces: list[str] = []
        error = None
        stream = self.client.chat.stream(parameters.pop("messages"), **parameters)
        try:
            if isinstance(stream, tollway.ChatStream):
                pieces.extend(event.text for event in stream if event.text)
            else:
                self.done(collect(stream, pieces))
        except tollway.TollwayError as caught:
            error = caught
        return {"text": "".join(pieces), "deltas": len(pieces), "reply": as_json(stream.reply)}, error

    def fetch(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Makes a request as a vendor's own library does, and reads its whole answer."""
        options = {**asked.get("options", {}), **({"model": asked["model"]} if "model" in asked else {})}
        content = asked.get("text", json.dumps(asked["json"]) if "json" in asked else "")
        arguments = (
            asked["method"],
            f"https://api.example.com{asked['url']}" if asked["url"][0] == "/" else asked["url"],
        )
        headers = asked.get("headers", {})
        if isinstance(self.client, tollway.Tollway):
            with tollway.httpx_client(self.client, **options) as http:
                response = http.request(*arguments, headers=headers, content=content)
        else:
            http = tollway.async_httpx_client(self.client, **options)
            response = self.done(http.request(*arguments, headers=headers, content=content))
            self.done(http.aclose())
        answer = {"status": response.status_code, "headers": dict(response.headers), "body": response.text}
        with contextlib.suppress(ValueError):
            answer["json"] = response.json()
        answer["events"] = [event(text) for text in response.text.split("\n\n") if text]
        return answer

    def requests(self, script: str) -> Any:
        """Returns what the mock provider received for a script."""
        address = f"{self.saved['mock']}/_mock/requests?script={script}&last=1000"
        with urllib.request.urlopen(address) as response:  # noqa: S310
            return json.load(response)

    def filled(self, value: Any) -> Any:
        """Puts what was saved in the place of `{name}`: as it is where the text is nothing else, or else as text."""
        if isinstance(value, dict):
            return {key: self.filled(field) for key, field in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, str):
            return value
        if alone := re.fullmatch(r"\{([a-z]+)\}", value):
            return self.saved[alone[1]]
        return re.sub(r"\{([a-z]+)\}", lambda found: str(self.saved.get(found[1], found[0])), value)


def event(text: str) -> dict[str, Any]:
    """Reads a server-sent event: its name, where it has one, and its data, as JSON where it is."""
    event: dict[str, Any] = {}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        event[name] = value
    with contextlib.suppress(ValueError, KeyError):
        event["data"] = json.loads(event["data"])
    return event


async def collect(stream: tollway.AsyncChatStream, pieces: list[str]) -> None:
    async for event in stream:
        if event.text:
            pieces.append(event.text)  # noqa: PERF401 -- a failure must leave those that came before it


def at(value: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def compare(expected: Any, found: Any, place: str) -> None:
    """Compares: objects hold at least what is expected, lists are as long and equal item by item, all else is equal."""
    if isinstance(expected, dict) and any(key.startswith("$") for key in expected):
        assert all(fits(key, wanted, found) for key, wanted in expected.items()), f"at {place!r}: {expected}, {found!r}"
    elif isinstance(expected, dict) and isinstance(found, dict):
        for key, wanted in expected.items():
            if isinstance(wanted, dict) and wanted.get("$absent") is True:
                assert key not in found, f"at {place!r}: {key!r} should be absent"
            else:
                assert key in found, f"at {place!r}: there is no {key!r}"
                compare(wanted, found[key], f"{place}/{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        assert len(expected) == len(found), f"at {place!r}: expected {expected}, found {found}"
        for index, (wanted, item) in enumerate(zip(expected, found, strict=True)):
            compare(wanted, item, f"{place}/{index}")
    else:
        # True equals 1 in Python, and not in JSON.
        same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
        assert same, f"at {place!r}: expected {expected!r}, found {found!r}"


def fits(key: str, wanted: Any, found: Any) -> bool:
    match key:
        case "$present":
            return found is not None
        case "$decimal":
            return isinstance(found, str) and Decimal(found) == Decimal(wanted)
        case "$between":
            return isinstance(found, (int, float)) and wanted[0] <= found <= wanted[1]
        case "$contains":
            parts = wanted if isinstance(wanted, list) else [wanted]
            return isinstance(found, (str, list)) and all(part in found for part in parts)
    return False


def test_scenarios_have_no_field_that_no_one_reads() -> None:
    schema = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    step_fields = schema["$defs"]["step"]["properties"].keys()
    assert len(SCENARIOS) >= 30
    for path in SCENARIOS:
        scenario = json.loads(path.read_text(encoding="utf-8"))
        assert path.stem.split("_", 1)[1] == scenario["name"]
        assert set(schema["required"]) <= scenario.keys() <= schema["properties"].keys(), path.stem
        assert all(step.keys() <= step_fields for step in scenario["steps"]), path.stem


@pytest.fixture(params=["sync", "async"])
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop | None]:
    """The event loop of a run through the async API; nothing for one through the sync API."""
    if request.param == "sync":
        yield None
        return
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(scenario: Path, path: Path, mock: MockProvider, loop: asyncio.AbstractEventLoop | None) -> None:
    content = json.loads(scenario.read_text(encoding="utf-8"))
    # The mock provider outlives a scenario, and must forget the requests of the one before.
    urllib.request.urlopen(f"{mock.address}/_mock/reset", b"").close()  # noqa: S310
    for name, script in content.get("scripts", {}).items():
        mock.script(name, *script["replies"], then=script.get("then", "repeat_last"))
    run = Run(path, mock, content.get("settings", {}), loop)
    logger = logging.getLogger("tollway")
    logger.setLevel(logging.INFO)
    logger.addHandler(run.records)
    if any("logs" in step for step in content["steps"]):
        run.records.begin()
    try:
        for field, verb in (("models", "models.add"), ("routes", "routes.set"), ("budgets", "budgets.set")):
            for arguments in content.get(field, []):
                run.step({"call": verb, "arguments": arguments})
        for place, step in enumerate(content["steps"], 1):
            print(f"step {place}: {step.get('call', next(iter(step)))}")
            run.step(step)
    finally:
        run.done(run.client.close())
        logger.removeHandler(run.records)
        logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": {"$contains": "c"}},
        {"amount": "0.1"},
        {"amount": {"$decimal": "0.2"}},
        {"wait": {"$between": [6, 7]}},
        {"list": [1]},
        {"list": {"$contains": 3}},
        {"text": {"$absent": True}},
        {"other": {"$present": True}},
        {"other": None},
        {"text": {"$unknown": 1}},
    ],
)
def test_a_scenario_with_a_wrong_expectation_fails(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        compare(wrong, {"text": "a b", "amount": "0.10", "wait": 5, "list": [1, 2]}, "")

"""Wrong arguments: each error names the argument, says what is taken, and repeats no secret."""

from __future__ import annotations

import copy
import pickle
from collections import UserDict, UserList
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import MASTER_KEY, PRICES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TERMS = PRICES["input_token"]
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
_CIRCULAR: dict[str, Any] = {"role": "user"}
_CIRCULAR["content"] = [_CIRCULAR]

Wrong = tuple["Callable[[Any], Any]", type[Exception], str]

CHAT: list[Wrong] = [
    (lambda tw: tw.chat(None), tollway.InvalidRequestError, "chat: messages must be a string, or an array such as"),
    (lambda tw: tw.chat({"role": "user"}), tollway.InvalidRequestError, "chat: messages must be a string, or an array"),
    (lambda tw: tw.chat(["Hi"]), tollway.InvalidRequestError, r"messages\[0\].* expected a message such as"),
    (lambda tw: tw.chat([{"role": "user", "content": 5}]), tollway.InvalidRequestError, r"\[0\]: `content` must be a"),
    (lambda tw: tw.chat(b"Hi"), TypeError, "^chat: messages is of type bytes; give"),
    (lambda tw: tw.chat(word for word in "Hi"), TypeError, "^chat: messages is of type generator"),
    (lambda tw: tw.chat([{"role": "user", "content": {5}}]), TypeError, r"messages\[0\].content is of type set"),
    (lambda tw: tw.chat([{"role": "user", b"content": "Hi"}]), TypeError, r"messages\[0\] has a key of type bytes"),
    (lambda tw: tw.chat("\ud83d"), ValueError, "messages holds half of a surrogate pair"),
    (lambda tw: tw.chat([_CIRCULAR]), ValueError, r"^chat: messages\[0\]\.content.*holds itself"),
    (lambda tw: tw.chat("Hi", temperature=Decimal("0.5")), TypeError, "temperature is of type Decimal"),
    (lambda tw: tw.chat("Hi", temperature=float("nan")), ValueError, "temperature must be a finite number"),
    (lambda tw: tw.chat("Hi", timeout=timedelta(1)), TypeError, "timeout is of type timedelta"),
    (lambda tw: tw.chat("Hi", timeout="1"), tollway.InvalidRequestError, "timeout: .* expected a number"),
    (lambda tw: tw.chat("Hi", max_tokens=-1), tollway.InvalidRequestError, "max_tokens: .* integer of zero or more"),
    (lambda tw: tw.chat("Hi", fallbacks="a/b"), tollway.InvalidRequestError, "fallbacks: .* expected an array"),
    (lambda tw: tw.chat("Hi", tags=["a"]), tollway.InvalidRequestError, "tags: .* expected an object"),
    (lambda tw: tw.chat("Hi", stop=5), tollway.InvalidRequestError, "stop: must be a string, or an array of strings"),
    (lambda tw: tw.chat("Hi", idempotency_key=""), tollway.InvalidRequestError, "idempotency_key is empty"),
    (lambda tw: tw.chat("Hi", extra=[1]), TypeError, "extra must be a mapping such as"),
    (lambda tw: tw.chat("Hi", stream=True), TypeError, r"chat\.stream\("),
    (lambda tw: tw.chat("Hi", max_completion_tokens=5), TypeError, "max_tokens here"),
]
MONEY: list[Wrong] = [
    (lambda tw: tw.prices.set("openai/slow", []), TypeError, "prices must be a mapping such as"),
    (lambda tw: tw.prices.set("openai/slow", {"request": "5"}), TypeError, "the price of request must be a mapping"),
    (
        lambda tw: tw.prices.set("openai/slow", {"input_token": {**TERMS, "unit": "per_million"}}),
        tollway.InvalidRequestError,
        r"prices\.input_token\.unit: .*per_1m_tokens",
    ),
    (
        lambda tw: tw.prices.set("openai/slow", {"input_token": {**TERMS, "currency": "dollars"}}),
        tollway.InvalidRequestError,
        r'prices\.input_token\.currency: .* such as "USD"',
    ),
    (
        lambda tw: tw.prices.set("openai/slow", {"inputs": TERMS}),
        tollway.InvalidRequestError,
        r"prices\.inputs: .*input_token",
    ),
    (
        lambda tw: tw.prices.set("openai/slow", {"request": {**TERMS, "effective_date": "soon"}}),
        tollway.InvalidRequestError,
        r"prices\.request\.effective_date: must be an instant .* such as",
    ),
    (lambda tw: tw.budgets.set(limit="5", currency="USD", tag="ab"), TypeError, "tag must be a key and a value"),
    (lambda tw: tw.budgets.set(limit="5", currency="USD", tag={"a": "b"}), TypeError, "tag must be a key and a value"),
    (lambda tw: tw.budgets.set(limit="5", currency="USD", window="fortnight"), tollway.InvalidRequestError, "month"),
    (lambda tw: tw.routes.set("text", strategy="economy", maximum_cost="1"), TypeError, "maximum_cost must be a map"),
    (
        lambda tw: tw.routes.set("text", strategy="economy", maximum_cost={"currency": "USD"}),
        tollway.InvalidRequestError,
        "amount",
    ),
]
OTHERS: list[Wrong] = [
    (lambda tw: tw.usage.records(since="yesterday"), tollway.InvalidRequestError, "since: must be an instant"),
    (lambda tw: tw.usage.records(since="2026-01-01T00:00:00"), tollway.InvalidRequestError, "its time zone"),
    (lambda tw: tw.usage.records(since=NAIVE), ValueError, "since has no time zone"),
    (lambda tw: tw.usage.summary(by=5), tollway.InvalidRequestError, "by: .* expected an array"),
    (lambda tw: tw.models.update("openai/slow", priority=None), TypeError, "priority to None"),
    (lambda tw: tw.models.delete(tw.models.list()[0]), TypeError, "models.delete: model is of type ModelConfig"),
    (lambda tw: tw.close(float("nan")), ValueError, "close: timeout must be a finite number"),
]


@pytest.mark.parametrize(("call", "kind", "text"), [*CHAT, *MONEY, *OTHERS])
def test_a_wrong_argument_is_named(
    tw: tollway.Tollway, call: Callable[[Any], Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        call(tw)
    assert list(tw.usage.records()) == []


@pytest.mark.parametrize("path", [None, 5, ["a"]])
def test_a_wrong_path_is_named(path: Any) -> None:
    with pytest.raises(TypeError, match=r"path must be a string or a pathlib\.Path, not"):
        tollway.open(path, master_key=MASTER_KEY)


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(tollway.InvalidRequestError, match="path is empty"):
        tollway.open("", master_key=MASTER_KEY)


def test_a_client_is_made_by_opening_a_file_only(path: Path) -> None:
    with tollway.Tollway.open(path, master_key=MASTER_KEY, max_retries=0) as client:
        assert isinstance(client, tollway.Tollway)
    with pytest.raises(TypeError, match=r"made by tollway\.open"):
        tollway.Tollway(str(path))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"made by await AsyncTollway\.open"):
        tollway.AsyncTollway(str(path))  # type: ignore[arg-type]


def test_a_path_may_be_bytes(path: Path) -> None:
    tollway.open(bytes(path), master_key=MASTER_KEY).close()  # type: ignore[arg-type]
    assert path.exists()


@pytest.mark.parametrize("secret", [98765432, 98765.432, ["98765432"], {"98765432": "98765432"}, b"98765432"])
def test_a_secret_of_a_wrong_type_is_not_repeated(tw: tollway.Tollway, path: Path, secret: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: tw.models.add("openai/other", api_key=secret),
        lambda: tw.models.update("openai/slow", api_key=secret),
        lambda: tw.rotate_master_key(secret),
        lambda: tollway.open(path, master_key=secret),
    ]
    for call in calls:
        with pytest.raises((TypeError, tollway.InvalidRequestError), match=r"api_key|master_key") as caught:
            call()
        assert "98765" not in f"{caught.value!r} {caught.value}"


def test_every_mapping_and_sequence_is_taken(tw: tollway.Tollway) -> None:
    messages = UserList([MappingProxyType({"role": "user", "content": "Hi"})])
    reply = tw.chat(messages, tags=UserDict({"team": "a"}), user="alice")
    assert reply.text == "You said: Hi"
    (record,) = tw.usage.records(tags=MappingProxyType({"team": "a"}))
    assert record.user == "alice"


def test_handles_and_streams_stay_in_their_process(tw: tollway.Tollway) -> None:
    for held in (tw, tw.chat, tw.models):
        with pytest.raises(TypeError, match="send its path, and open it there"):
            pickle.dumps(held)
        with pytest.raises(TypeError, match="send its path, and open it there"):
            copy.deepcopy(held)
    with tw.chat.stream("Hi") as stream, pytest.raises(TypeError, match="send its events or its reply"):
        pickle.dumps(stream)


def test_results_and_errors_go_to_other_processes(tw: tollway.Tollway) -> None:
    reply = tw.chat("Name three rivers.", user="alice", tags={"team": "a"})
    tw.budgets.set(user="alice", limit="5", currency="USD")
    events = list(tw.chat.stream("Hi"))
    lists = [events, tw.usage.summary(by=["user"]), tw.budgets.list(), tw.prices.list(), tw.models.list()]
    for result in [reply, tw.usage.records(), *lists, tw.models.used(), tw.models.health()]:
        assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301
        assert copy.deepcopy(result) == result


def test_the_repr_of_a_handle_names_its_file(tw: tollway.Tollway, path: Path) -> None:
    assert repr(tw) == f"<Tollway '{path}'>"

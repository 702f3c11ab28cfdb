from __future__ import annotations

import inspect
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import tollway
from conftest import MASTER_KEY, PRICES, MockProvider
from tollway import _native, errors

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "status": 429,
    "retry_after": 1.5,
    "request_id": "r1",
    "provider_code": "slow_down",
    "retryable": True,
    "field": "options.user",
}


def classes() -> list[type[tollway.TollwayError]]:
    members = inspect.getmembers(errors, inspect.isclass)
    return [kind for _, kind in members if issubclass(kind, tollway.TollwayError) and kind is not tollway.TollwayError]


@pytest.mark.parametrize("kind", classes())
def test_every_kind_is_made_of_its_code_and_keeps_every_field(kind: type[tollway.TollwayError]) -> None:
    text = json.dumps({"code": kind.default_code, "detail": "Do this.", **FIELDS})
    for error in (errors.from_json(text), pickle.loads(pickle.dumps(errors.from_json(text)))):  # noqa: S301
        assert type(error) is kind
        assert error.detail == "Do this."
        assert error.code == kind.default_code
        assert {name: getattr(error, name) for name in FIELDS} == FIELDS
        assert str(error) == f"{kind.default_code}: Do this. [openai/gpt-4o-mini]"
    assert kind.__name__ in tollway.__all__


def test_every_code_of_the_engine_has_a_class() -> None:
    codes = _native.error_codes()
    assert len(codes) == len(set(codes))
    assert set(codes) == {kind.default_code for kind in classes()}
    for code in codes:
        assert type(errors.from_json(json.dumps({"code": code, "detail": "Do this."}))) is not tollway.TollwayError


def test_an_unknown_code_is_a_plain_error() -> None:
    error = errors.from_json(json.dumps({"code": "brand_new", "detail": "Upgrade."}))
    assert type(error) is tollway.TollwayError
    assert error.code == "brand_new"


def test_errors_inherit_from_pythons_own_classes() -> None:
    assert issubclass(tollway.InvalidRequestError, ValueError)
    assert issubclass(tollway.CallTimeoutError, TimeoutError)
    assert issubclass(tollway.StorageError, OSError)
    assert issubclass(tollway.NotFoundError, LookupError)


def test_opening_raises_an_error_of_its_kind_for_each_wrong_file_or_key(path: Path, tw: tollway.Tollway) -> None:
    assert tw
    with pytest.raises(tollway.WrongMasterKeyError):
        tollway.open(path, master_key="another passphrase")
    with pytest.raises(tollway.StorageError):
        tollway.open(path.parent / "no such folder" / "app.tollway", master_key=MASTER_KEY)
    other = path.with_name("other.txt")
    other.write_text("This is no such file. " * 500)
    with pytest.raises(tollway.NotATollwayFileError):
        tollway.open(other, master_key=MASTER_KEY)
    assert other.read_text() == "This is no such file. " * 500


def test_wrong_options_of_open_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tollway.InvalidRequestError, match="TOLLWAY_TEST_KEY"):
        tollway.open(path, master_key="env:TOLLWAY_TEST_KEY")
    with pytest.raises(tollway.InvalidRequestError, match="master_key is empty"):
        tollway.open(path, master_key="")
    with pytest.raises(TypeError, match="master_key"):
        tollway.open(path, master_key=5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'durabilty'"):
        tollway.open(path, master_key=MASTER_KEY, durabilty="strict")  # type: ignore[call-arg]
    with pytest.raises(tollway.InvalidRequestError, match="durability"):
        tollway.open(path, master_key=MASTER_KEY, durability="perhaps")  # type: ignore[arg-type]
    assert not path.exists()
    monkeypatch.setenv("TOLLWAY_TEST_KEY", MASTER_KEY)
    tollway.open(path, master_key="env:TOLLWAY_TEST_KEY").close()
    tollway.open(path, master_key=lambda: MASTER_KEY).close()


def test_a_closed_handle_says_so(path: Path) -> None:
    tw = tollway.open(path, master_key=MASTER_KEY)
    assert tw.close()
    assert tw.close()
    with pytest.raises(tollway.ClosedError):
        tw.models.list()
    with pytest.raises(tollway.ClosedError):
        next(tw.chat.stream("Hi"))


def test_a_budget_refuses_before_anything_is_sent(tw: tollway.Tollway) -> None:
    tw.budgets.set(user="poor", limit="0.000001", currency="USD", window="day")
    with pytest.raises(tollway.BudgetExceededError) as caught:
        tw.chat("Name three rivers.", user="poor", max_tokens=4096)
    assert caught.value.code == "budget_exceeded"
    assert caught.value.retry_after
    assert caught.value.detail
    (budget,) = tw.budgets.list()
    assert budget.settled == budget.reserved == 0


def test_the_providers_errors_keep_what_it_said(tw: tollway.Tollway, mock: MockProvider) -> None:
    body = {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}
    headers = {"retry-after": "7", "x-request-id": "r-77"}
    base_url = mock.script("limited", {"status": 429, "headers": headers, "body": body})
    tw.models.add("openai/limited", api_key="sk-very-secret", base_url=base_url, prices=PRICES)
    with pytest.raises(tollway.RateLimitedError) as caught:
        tw.chat("Hi", model="openai/limited", user="alice")
    error = caught.value
    assert (error.provider, error.model, error.status) == ("openai", "limited", 429)
    assert error.retry_after == 7
    assert error.request_id == "r-77"
    assert error.retryable
    assert "sk-very-secret" not in f"{error!r} {error} {error.__dict__}"
    (record,) = tw.usage.records(user="alice")
    assert record.status == "failed"
    assert record.error_code == "rate_limited"


def test_the_argument_that_is_wrong_is_told_by_its_path(tw: tollway.Tollway) -> None:
    price: Any = {**PRICES["input_token"], "unit": "per_word"}
    with pytest.raises(tollway.InvalidRequestError) as wrong:
        tw.prices.set("openai/house-model", {"input_token": price})
    assert wrong.value.field == "prices.input_token.unit"
    with pytest.raises(tollway.InvalidRequestError) as nested:
        tw.chat([{"role": "user", "content": "Hi"}, {"role": "user", "content": 5}])
    assert nested.value.field == "messages[1]"
    with pytest.raises(tollway.NotFoundError) as unknown:
        tw.models.delete("openai/none")
    assert unknown.value.field is None

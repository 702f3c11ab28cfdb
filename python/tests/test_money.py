from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from conftest import PRICES
from tollway._values import money_text

if TYPE_CHECKING:
    import tollway

NOT_MONEY = {"cooling_for"}


def floats(value: Any, path: str = "") -> list[str]:
    """Returns the paths of all floats inside a record."""
    if isinstance(value, float):
        return [path]
    if dataclasses.is_dataclass(value):
        named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif isinstance(value, dict):
        named = value
    elif isinstance(value, (list, tuple)):
        named = {str(place): each for place, each in enumerate(value)}
    else:
        return []
    return [found for name, each in named.items() if name not in NOT_MONEY for found in floats(each, f"{path}.{name}")]


def test_no_result_holds_a_float(tw: tollway.Tollway) -> None:
    reply = tw.chat("Name three rivers.", user="alice")
    tw.budgets.set(user="alice", limit="5.00", currency="USD", window="month")
    results = {
        "reply": reply,
        "events": list(tw.chat.stream("Name three rivers.", user="alice")),
        "records": list(tw.usage.records()),
        "summary": list(tw.usage.summary(by=["model"])),
        "budgets": list(tw.budgets.list()),
        "prices": list(tw.prices.list()),
        "models": list(tw.models.list()),
    }
    assert floats(results) == []
    assert floats({"here": [1.5]}) == [".here.0"], "the search finds floats"


def test_a_float_is_refused_wherever_money_is_taken(tw: tollway.Tollway) -> None:
    message = "pass a string or Decimal"
    wrong: dict[str, Any] = {**PRICES, "input_token": {**PRICES["input_token"], "unit_price": 0.15}}
    amount: Any = 0.1
    with pytest.raises(TypeError, match=message):
        tw.models.add("openai/other", prices=wrong)
    with pytest.raises(TypeError, match=message):
        tw.prices.set("openai/house-model", wrong)
    with pytest.raises(TypeError, match=message):
        tw.budgets.set(limit=amount, currency="USD")
    with pytest.raises(TypeError, match=message):
        tw.routes.set("text", strategy="economy", maximum_cost={"amount": amount, "currency": "USD"})
    with pytest.raises(TypeError, match=message):
        tw.usage.price("uid", amount, "USD")


def test_amounts_keep_every_digit(tw: tollway.Tollway) -> None:
    exact = "0.123456789012345678"
    price = {"request": {"unit_price": exact, "unit": "per_request", "currency": "USD"}}
    config = tw.models.add("openai/exact", base_url="http://127.0.0.1:9/v1", prices=price)
    (price_row,) = [price for price in tw.prices.list("openai/exact") if price.model_config_id == config.id]
    assert price_row.unit_price == Decimal(exact)
    budget = tw.budgets.set(user="alice", limit=Decimal("5.00"), currency="USD")
    assert str(budget.limit) == "5.00"


@pytest.mark.parametrize(
    ("value", "text"),
    [("5.00", "5.00"), (5, "5"), (Decimal("1E-7"), "0.0000001"), (Decimal("1E+3"), "1000"), (" 5 ", "5")],
)
def test_money_is_written_without_an_exponent(value: Decimal | str | int, text: str) -> None:
    assert money_text(value, "limit") == text


@pytest.mark.parametrize("value", ["five", "", "NaN", Decimal("Infinity")])
def test_a_string_that_is_no_amount_is_a_value_error(value: Decimal | str) -> None:
    with pytest.raises(ValueError, match="limit must be"):
        money_text(value, "limit")


@pytest.mark.parametrize("value", ["1e999999999", "1e-999999999", Decimal("1E+999999999"), "9" * 200])
def test_an_endless_number_is_refused_before_it_is_written_out(value: Decimal | str) -> None:
    with pytest.raises(ValueError, match="rate has too many digits"):
        money_text(value, "rate")


@pytest.mark.parametrize("value", [0.1, True, None, b"5"])
def test_a_value_that_is_no_exact_number_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="limit is money"):
        money_text(value, "limit")

"""Prices as arguments: every figure as an exact text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ._engine import check_mapping
from ._values import given, instant_text, money_text
from .price_results import Modifier, Rounding

if TYPE_CHECKING:
    from .types import Amount, PriceMap

_TERMS = "{'unit_price': '0.15', 'unit': 'per_1m_tokens', 'currency': 'USD'}"
_ROUNDING = "{'minimum_quantity': 10}"


def price_arguments(prices: PriceMap) -> dict[str, Any]:
    """Writes prices by meter as arguments; refuses a figure that is a float.

    Raises:
        TypeError: A figure is a float, or a price is no mapping.
        ValueError: A figure is no number, or an instant has no time zone.
    """
    arguments: dict[str, Any] = {}
    for meter, terms in check_mapping(prices, "prices", f"{{'input_token': {_TERMS}}}").items():
        if isinstance(terms, Sequence) and not isinstance(terms, (str, bytes)):
            arguments[meter] = [_price(f"{meter}[{place}]", each) for place, each in enumerate(terms)]
        else:
            arguments[meter] = _price(meter, terms)
    return arguments


def _price(name: str, terms: Any) -> dict[str, Any]:
    fields: dict[str, Any] = given(**check_mapping(terms, f"the price of {name}", _TERMS))
    if "unit_price" in fields:
        fields["unit_price"] = money_text(fields["unit_price"], f"unit_price of {name}")
    for date in ("effective_date", "expiry_date"):
        if date in fields:
            fields[date] = instant_text(fields[date], date)
    if "conditions" in fields:
        fields["conditions"] = _exact(fields["conditions"], f"conditions of {name}")
    if "rounding" in fields:
        fields["rounding"] = _rounding(fields["rounding"], f"rounding of {name}")
    if isinstance(fields.get("modifier"), Modifier):
        modifier: Modifier = fields["modifier"]
        fields["modifier"] = {each: getattr(modifier, each) for each in ("group", "meters", "order", "excludes")}
    return fields


def _rounding(value: Any, name: str) -> dict[str, Any]:
    known = ("minimum_quantity", "step", "minimum_charge")
    if isinstance(value, Rounding):
        value = {each: getattr(value, each) for each in known}
    fields = given(**check_mapping(value, name, _ROUNDING))
    return {each: money_text(amount, f"{name}: {each}") for each, amount in fields.items()}


def _exact(value: Any, name: str) -> Any:
    """Writes decimals inside of conditions as texts, wherever they stand."""
    if isinstance(value, (float, Decimal)):
        return money_text(_refuse_float(value, name), name)
    if isinstance(value, Mapping):
        return {key: _exact(each, f"{name}: {key}") for key, each in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (str, bytes)):
        # A set has no order of its own, and what is no word is refused later, by its name.
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_exact(each, name) for each in items]
    return value


def _refuse_float(value: float | Decimal, name: str) -> Amount:
    if isinstance(value, Decimal):
        return value
    detail = f"{name} must be exact: pass an int, a string or a Decimal, such as '7.5', not float"
    raise TypeError(detail)


def path_text(path: str | os.PathLike[str], name: str) -> str:
    """Writes a path as text.

    Raises:
        TypeError: It is no path.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        detail = f"{name} must be a string or a pathlib.Path, not {type(path).__name__}"
        raise TypeError(detail)
    return os.fsdecode(path)

"""Prices: dated prices of the meters of a model config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import AsyncEngine, Operation, SyncEngine, check_mapping, nothing
from ._values import given, instant_text, money_text
from .price_results import Price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .types import Instant, PriceTerms


_TERMS = "{'unit_price': '0.15', 'unit': 'per_1m_tokens', 'currency': 'USD'}"


def price_arguments(prices: Mapping[str, PriceTerms | Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Writes prices by meter as arguments; refuses an amount that is a float."""
    arguments = {}
    for meter, terms in check_mapping(prices, "prices", f"{{'input_token': {_TERMS}}}").items():
        fields: dict[str, Any] = given(**check_mapping(terms, f"the price of {meter}", _TERMS))
        if "unit_price" in fields:
            fields["unit_price"] = money_text(fields["unit_price"], f"unit_price of {meter}")
        for name in ("effective_date", "expiry_date"):
            if name in fields:
                fields[name] = instant_text(fields[name], name)
        arguments[meter] = fields
    return arguments


def _set(model: str, prices: Mapping[str, PriceTerms | Mapping[str, Any]]) -> Operation[Sequence[Price]]:
    return Operation("prices.set", {"model": model, "prices": price_arguments(prices)}, _decode)


def _list(model: str | None) -> Operation[Sequence[Price]]:
    return Operation("prices.list", given(model=model), _decode)


def _expire(price: Price | int, at: Instant | None) -> Operation[None]:
    number = price.id if isinstance(price, Price) else price
    return Operation("prices.expire", given(id=number, at=None if at is None else instant_text(at, "at")), nothing)


def _decode(value: Any) -> Sequence[Price]:
    return [Price._decode(price) for price in value]


class Prices:
    """Sets prices. Everywhere, `model` is an alias, `provider/model`, or a config id as text."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def set(self, model: str, prices: Mapping[str, PriceTerms | Mapping[str, Any]]) -> Sequence[Price]:
        """Adds prices by meter. A price of the same meter that is in force when a new one begins ends there.

        Past costs stay as they are.

        Raises:
            InvalidRequestError: A meter, a unit or a currency is wrong.
            TypeError: An amount is a float.
        """
        return self._engine.run(_set(model, prices))

    def list(self, model: str | None = None) -> Sequence[Price]:
        """Returns the prices of a model config, or all of them, those no longer in force included."""
        return self._engine.run(_list(model))

    def expire(self, price: Price | int, at: Instant | None = None) -> None:
        """Ends a price, by its row or its id, at an instant or now.

        Raises:
            NotFoundError: There is no such price.
        """
        self._engine.run(_expire(price, at))


class AsyncPrices:
    """Sets prices; see `Prices`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(self, model: str, prices: Mapping[str, PriceTerms | Mapping[str, Any]]) -> Sequence[Price]:
        """Adds prices by meter; see `Prices.set`."""
        return await self._engine.run(_set(model, prices))

    async def list(self, model: str | None = None) -> Sequence[Price]:
        """Returns prices; see `Prices.list`."""
        return await self._engine.run(_list(model))

    async def expire(self, price: Price | int, at: Instant | None = None) -> None:
        """Ends a price; see `Prices.expire`."""
        await self._engine.run(_expire(price, at))

"""Exchange rates: dated, and frozen in whatever was converted with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine
from ._values import given, instant_text, money_text
from .price_list_results import FxRate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Amount, Instant


def _set(
    from_currency: str, to_currency: str, rate: Amount, effective_date: Instant | None, source: str | None
) -> Operation[FxRate]:
    date = None if effective_date is None else instant_text(effective_date, "effective_date")
    fields = {"from": from_currency, "to": to_currency, "rate": money_text(rate, "rate")}
    return Operation("fx.set", {**fields, **given(effective_date=date, source=source)}, FxRate._decode)


def _list() -> Operation[Sequence[FxRate]]:
    return Operation("fx.list", {}, lambda value: [FxRate._decode(rate) for rate in value])


class FxRates(Namespace):
    """Sets exchange rates, with which budgets of one currency hold and count calls that are priced in another."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def set(
        self,
        from_currency: str,
        to_currency: str,
        rate: Amount,
        *,
        effective_date: Instant | None = None,
        source: str | None = None,
    ) -> FxRate:
        """Adds a rate: one unit of `from_currency` is worth `rate` units of `to_currency`, from a date on, or from now.

        The newest rate that has begun applies; what was converted keeps the rate that it had. Where a pair of
        currencies has no rate, that of the opposite pair is inverted.

        Raises:
            InvalidRequestError: The rate is not above zero, or a currency is wrong.
            TypeError: The rate is a float.
        """
        return self._engine.run(_set(from_currency, to_currency, rate, effective_date, source))

    def list(self) -> Sequence[FxRate]:
        """Returns all rates, those that newer ones replaced included."""
        return self._engine.run(_list())


class AsyncFxRates(Namespace):
    """Sets exchange rates; see `FxRates`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(
        self,
        from_currency: str,
        to_currency: str,
        rate: Amount,
        *,
        effective_date: Instant | None = None,
        source: str | None = None,
    ) -> FxRate:
        """Adds a rate; see `FxRates.set`."""
        return await self._engine.run(_set(from_currency, to_currency, rate, effective_date, source))

    async def list(self) -> Sequence[FxRate]:
        """Returns all rates; see `FxRates.list`."""
        return await self._engine.run(_list())

"""Usage: the records of the ledger, and their exact totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine, check_names, nothing
from ._values import given, instant_text, money_text
from .results import SummaryRow, UsagePage, UsageRecord
from .types import UsageFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from typing_extensions import Unpack

    from .types import Amount

_PAGE = 500

Order: TypeAlias = Literal["asc", "desc"]


def _filter(selection: UsageFilter, function: str) -> dict[str, Any]:
    fields: dict[str, Any] = given(**selection)
    check_names(fields, UsageFilter.__optional_keys__, function)
    for name in ("since", "until"):
        if name in fields:
            fields[name] = instant_text(fields[name], name)
    return fields


def _records(
    selection: UsageFilter, limit: int | None, cursor: str | None, order: Order | None
) -> Operation[UsagePage]:
    arguments = given(filter=_filter(selection, "usage.records()"), limit=limit, cursor=cursor, order=order)
    return Operation("usage.records", arguments, UsagePage._decode)


def _summary(by: Sequence[str], time_zone: str | None, selection: UsageFilter) -> Operation[Sequence[SummaryRow]]:
    names = [by] if isinstance(by, str) else by
    arguments = given(by=names, time_zone=time_zone, filter=_filter(selection, "usage.summary()"))
    return Operation("usage.summary", arguments, lambda value: [SummaryRow._decode(row) for row in value])


def _price(record: UsageRecord | str, amount: Amount, currency: str) -> Operation[None]:
    uid = record.uid if isinstance(record, UsageRecord) else record
    arguments = {"uid": uid, "amount": money_text(amount, "amount"), "currency": currency}
    return Operation("usage.price", arguments, nothing)


class UsageLedger(Namespace):
    """Reads the ledger. A selection names fields of `tollway.types.UsageFilter`; `until` is exclusive."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def records(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Order | None = None,
        **selection: Unpack[UsageFilter],
    ) -> UsagePage:
        """Returns a page of records, in the order in which they were settled; 100 where no limit is given.

        `order="desc"` returns the newest first. A cursor belongs to the order in which it was given.

        Raises:
            InvalidRequestError: The cursor or a field of the selection is wrong.
        """
        return self._engine.run(_records(selection, limit, cursor, order))

    def iterate(self, *, order: Order | None = None, **selection: Unpack[UsageFilter]) -> Iterator[UsageRecord]:
        """Returns all records of a selection, a page at a time; the newest first with `order="desc"`."""
        cursor = None
        while True:
            page = self.records(limit=_PAGE, cursor=cursor, order=order, **selection)
            yield from page
            cursor = page.next_cursor
            if cursor is None:
                return

    def summary(
        self, *, by: Sequence[str] = (), time_zone: str | None = None, **selection: Unpack[UsageFilter]
    ) -> Sequence[SummaryRow]:
        """Returns groups of records with exact totals per currency, those that cost the most first.

        Days and months come in their order.

        `by` names `model`, `provider`, `user`, `day`, `month`, `status`, `cost_status`, `currency` or `tag:KEY`; days
        and months begin in an IANA `time_zone` (UTC where absent).

        Raises:
            InvalidRequestError: A name in `by` or a field of the selection is wrong.
        """
        return self._engine.run(_summary(by, time_zone, selection))

    def price(self, record: UsageRecord | str, amount: Amount, currency: str) -> None:
        """Puts a cost on a record that has none, by its row or its uid, and moves the balances of its budgets.

        Raises:
            NotFoundError: There is no such record.
            InvalidRequestError: The record has a cost already.
            TypeError: The amount is a float.
        """
        self._engine.run(_price(record, amount, currency))


class AsyncUsageLedger(Namespace):
    """Reads the ledger; see `UsageLedger`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def records(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order: Order | None = None,
        **selection: Unpack[UsageFilter],
    ) -> UsagePage:
        """Returns a page of records; see `UsageLedger.records`."""
        return await self._engine.run(_records(selection, limit, cursor, order))

    async def iterate(
        self, *, order: Order | None = None, **selection: Unpack[UsageFilter]
    ) -> AsyncIterator[UsageRecord]:
        """Returns all records of a selection, a page at a time; the newest first with `order="desc"`."""
        cursor = None
        while True:
            page = await self.records(limit=_PAGE, cursor=cursor, order=order, **selection)
            for record in page:
                yield record
            cursor = page.next_cursor
            if cursor is None:
                return

    async def summary(
        self, *, by: Sequence[str] = (), time_zone: str | None = None, **selection: Unpack[UsageFilter]
    ) -> Sequence[SummaryRow]:
        """Returns groups of records with exact totals per currency; see `UsageLedger.summary`."""
        return await self._engine.run(_summary(by, time_zone, selection))

    async def price(self, record: UsageRecord | str, amount: Amount, currency: str) -> None:
        """Puts a cost on a record that has none; see `UsageLedger.price`."""
        await self._engine.run(_price(record, amount, currency))

"""What price lists came to: what was read of them, what they mean for the models, and what past calls would cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ._values import decimal_or_none, instant, instant_or_none
from .price_results import Price, PriceTerms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks wrong in a price list. `offer` is `provider/model`; `rule` is a stable name."""

    offer: str
    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A key of a price list that became no price, and why."""

    entry: str
    key: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was read of a price list and what was not.

    Attributes:
        entries: How many entries the list has.
        offers: How many offers were made of them.
        prices: How many prices and modifiers the offers have.
        not_understood: The keys that became no price.
        unpriced: The entries that carry no price at all, which is not a price of zero.
    """

    entries: int
    offers: int
    prices: int
    not_understood: tuple[NotUnderstood, ...]
    unpriced: tuple[str, ...]

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ImportReport:
        return cls(
            entries=value["entries"],
            offers=value["offers"],
            prices=value["prices"],
            not_understood=tuple(NotUnderstood(**each) for each in value["not_understood"]),
            unpriced=tuple(value["unpriced"]),
        )


@dataclass(frozen=True, slots=True)
class PriceProposal:
    """What a price list means for one price of one model config.

    Attributes:
        model: The config's `provider/model`.
        kind: `added`, `changed` or `ended`, which applying writes; `unchanged`; `kept`, because prices of the same
            thing were set by hand; `no_longer_in_catalog`; or `unpriced`.
        old: The price of the config, where it has one.
        new: The price of the list, where it has one.
        effective_date: The first instant at which applying makes a difference.
        reason: Why a price is kept or missing.
    """

    model_config_id: int
    model: str
    kind: str
    old: Price | None
    new: PriceTerms | None
    effective_date: datetime | None
    reason: str | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> PriceProposal:
        old, new = value["old"], value["new"]
        return cls(
            model_config_id=value["model_config_id"],
            model=value["model"],
            kind=value["kind"],
            old=None if old is None else Price._decode(old),
            new=None if new is None else PriceTerms._decode(new),
            effective_date=instant_or_none(value["effective_date"]),
            reason=value["reason"],
        )


_CHANGES = frozenset({"added", "changed", "ended"})


@dataclass(frozen=True, slots=True)
class PriceUpdate:
    """What a price list means for the configured models, and whether it was taken over."""

    applied: bool
    proposals: tuple[PriceProposal, ...]

    @property
    def changes(self) -> tuple[PriceProposal, ...]:
        """The proposals that applying writes."""
        return tuple(proposal for proposal in self.proposals if proposal.kind in _CHANGES)

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> PriceUpdate:
        return cls(value["applied"], tuple(PriceProposal._decode(each) for each in value["proposals"]))


@dataclass(frozen=True, slots=True)
class PriceImport:
    """What importing a price list read, and what it means for the configured models."""

    report: ImportReport
    update: PriceUpdate

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> PriceImport:
        return cls(ImportReport._decode(value["report"]), PriceUpdate._decode(value["update"]))


@dataclass(frozen=True, slots=True)
class PriceExport:
    """How many offers, and how many prices of them, were written to a price list."""

    offers: int
    prices: int


@dataclass(frozen=True, slots=True)
class RerateLine:
    """A record that costs something else at other prices, or could not be billed again.

    Attributes:
        uid: The record.
        old_cost: What it was billed, earlier adjustments included; nothing if it is unpriced.
        new_cost: What it costs at the other prices; nothing if they do not price it.
        difference: The new cost less the old one.
        reason: Why it could not be billed, and what to do.
        price_ids: The price rows that make the new cost.
    """

    uid: str
    model: str
    old_cost: Decimal | None
    new_cost: Decimal | None
    difference: Decimal | None
    currency: str | None
    reason: str | None
    price_ids: tuple[int, ...]

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> RerateLine:
        return cls(
            uid=value["uid"],
            model=value["model"],
            old_cost=decimal_or_none(value["old_cost"]),
            new_cost=decimal_or_none(value["new_cost"]),
            difference=decimal_or_none(value["difference"]),
            currency=value["currency"],
            reason=value["reason"],
            price_ids=tuple(value["price_ids"]),
        )


@dataclass(frozen=True, slots=True)
class RerateReport:
    """What billing past calls again came to.

    Attributes:
        records: How many records were looked at.
        unchanged: How many of them cost the same.
        lines: Those that cost something else, or could not be billed.
        differences: The sums of the differences, by currency.
        applied: Whether the differences were written.
    """

    records: int
    unchanged: int
    lines: tuple[RerateLine, ...]
    differences: Mapping[str, Decimal]
    applied: bool

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> RerateReport:
        return cls(
            records=value["records"],
            unchanged=value["unchanged"],
            lines=tuple(RerateLine._decode(line) for line in value["lines"]),
            differences={currency: Decimal(amount) for currency, amount in value["differences"].items()},
            applied=value["applied"],
        )


@dataclass(frozen=True, slots=True)
class FxRate:
    """A dated exchange rate: one unit of `from_` is worth `rate` units of `to`, from `effective_date` on."""

    id: int
    from_: str
    to: str
    rate: Decimal
    effective_date: datetime
    source: str
    created_at: datetime

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> FxRate:
        return cls(
            id=value["id"],
            from_=value["from"],
            to=value["to"],
            rate=Decimal(value["rate"]),
            effective_date=instant(value["effective_date"]),
            source=value["source"],
            created_at=instant(value["created_at"]),
        )

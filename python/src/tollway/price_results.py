"""What prices and rates look like when they come back: frozen records with `Decimal` amounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ._values import decimal_or_none, instant, instant_or_none, quantity, quantity_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a quantity is billed that is not a multiple of what the vendor bills.

    Attributes:
        minimum_quantity: The least quantity that is billed once anything was used.
        step: The quantity that is billed is a multiple of this one, rounded up.
        minimum_charge: The least amount that is billed once anything was used.
    """

    minimum_quantity: int | Decimal | None = None
    step: int | Decimal | None = None
    minimum_charge: Decimal | None = None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Rounding:
        return cls(
            minimum_quantity=quantity_or_none(value.get("minimum_quantity")),
            step=quantity_or_none(value.get("step")),
            minimum_charge=decimal_or_none(value.get("minimum_charge")),
        )


@dataclass(frozen=True, slots=True)
class Modifier:
    """What a modifier multiplies, and how it stands to others. Its ratio is the price's `unit_price`.

    Attributes:
        group: The name of its kind; of several that apply in one group, only one does.
        meters: The meters that it multiplies, with those below them; all where empty.
        order: Its place among the groups; lower is applied first.
        excludes: The groups that do not apply where this one does.
    """

    group: str
    meters: tuple[str, ...] = ()
    order: int = 0
    excludes: tuple[str, ...] = ()

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Modifier:
        return cls(
            group=value["group"],
            meters=tuple(value.get("meters", ())),
            order=value.get("order", 0),
            excludes=tuple(value.get("excludes", ())),
        )


@dataclass(frozen=True, slots=True)
class Superseded:
    """What a correction took back of a price: `from_`, the first instant at which it did not apply after all."""

    from_: datetime
    known_from: datetime

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Superseded:
        return cls(instant(value["from"]), instant(value["known_from"]))


def _terms(value: dict[str, Any]) -> dict[str, Any]:
    rounding, modifier = value.get("rounding"), value.get("modifier")
    return {
        "pricing_type": value["pricing_type"],
        "unit_price": Decimal(value["unit_price"]),
        "unit": value["unit"],
        "currency": value["currency"],
        "effective_date": instant(value["effective_date"]),
        "expiry_date": instant_or_none(value["expiry_date"]),
        "known_from": instant(value["known_from"]),
        "is_active": value["is_active"],
        "source": value["source"],
        "conditions": value.get("conditions", {}),
        "basis": value["basis"],
        "rounding": None if rounding is None else Rounding._decode(rounding),
        "modifier": None if modifier is None else Modifier._decode(modifier),
    }


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """What a price of a meter, or a modifier of several prices, says, apart from its identity.

    Attributes:
        pricing_type: The meter, or `modifier`.
        unit_price: The price of one unit, or the ratio of a modifier.
        conditions: When it applies, in the shape of `tollway.types.Conditions`; always where empty.
        basis: `replaces` if it is the price of its meter, `surcharge` if it is added to that.
        known_from: When it was learned; a call is priced by what was known at its time.
    """

    pricing_type: str
    unit_price: Decimal
    unit: str
    currency: str
    effective_date: datetime
    expiry_date: datetime | None
    known_from: datetime
    is_active: bool
    source: str
    conditions: Mapping[str, Any]
    basis: str
    rounding: Rounding | None
    modifier: Modifier | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> PriceTerms:
        return cls(**_terms(value))


@dataclass(frozen=True, slots=True)
class Price(PriceTerms):
    """One dated price of one meter of a model config, or one modifier of several prices; see `PriceTerms`.

    Attributes:
        superseded: What a later price took back of it, if one did.
    """

    id: int
    model_config_id: int
    created_at: datetime
    superseded: Superseded | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Price:
        superseded = value.get("superseded")
        return cls(
            **_terms(value),
            id=value["id"],
            model_config_id=value["model_config_id"],
            created_at=instant(value["created_at"]),
            superseded=None if superseded is None else Superseded._decode(superseded),
        )


@dataclass(frozen=True, slots=True)
class AppliedModifier:
    """A modifier that multiplied the amount of a receipt's line by `ratio`."""

    group: str
    ratio: Decimal
    price_id: int | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> AppliedModifier:
        return cls(value["group"], Decimal(value["ratio"]), value["price_id"])


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One line of a receipt: a quantity of one meter in one attempt, at one price.

    Attributes:
        quantity: What was used: an `int`, or a `Decimal` where it is not whole.
        billed_quantity: What is billed, where the price rounds the quantity; else nothing.
        modifiers: What multiplied the amount, in that order.
    """

    attempt: int
    model: str
    meter: str | None
    note: str | None
    quantity: int | Decimal
    billed_quantity: int | Decimal | None
    unit_price: Decimal | None
    unit: str | None
    price_id: int | None
    modifiers: tuple[AppliedModifier, ...]
    amount: Decimal | None
    currency: str | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ReceiptLine:
        return cls(
            attempt=value["attempt"],
            model=value["model"],
            meter=value["meter"],
            note=value.get("note"),
            quantity=quantity(value["quantity"]),
            billed_quantity=quantity_or_none(value.get("billed_quantity")),
            unit_price=decimal_or_none(value["unit_price"]),
            unit=value["unit"],
            price_id=value["price_id"],
            modifiers=tuple(AppliedModifier._decode(modifier) for modifier in value.get("modifiers", ())),
            amount=decimal_or_none(value["amount"]),
            currency=value["currency"],
        )


@dataclass(frozen=True, slots=True)
class Conversion:
    """A cost in the currency of a budget, at a rate that no later one changes.

    Attributes:
        rate: How many of `to` one of `from_` is, or the other way round if `is_inverse`.
        amount: What `from_` became, in `to`.
    """

    fx_rate_id: int
    from_: str
    to: str
    rate: Decimal
    is_inverse: bool
    amount: Decimal

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Conversion:
        return cls(
            fx_rate_id=value["fx_rate_id"],
            from_=value["from"],
            to=value["to"],
            rate=Decimal(value["rate"]),
            is_inverse=value["is_inverse"],
            amount=Decimal(value["amount"]),
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a call was, as far as prices depend on it.

    Attributes:
        attributes: Its properties, such as `service_tier`.
        measures: Its numbers beside those of its usage, such as `duration`.
    """

    attributes: Mapping[str, str]
    measures: Mapping[str, Decimal]
    started_at: datetime
    first_token_at: datetime | None
    completed_at: datetime | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Facts:
        return cls(
            attributes=value.get("attributes", {}),
            measures={name: Decimal(measure) for name, measure in value.get("measures", {}).items()},
            started_at=instant(value["started_at"]),
            first_token_at=instant_or_none(value.get("first_token_at")),
            completed_at=instant_or_none(value.get("completed_at")),
        )

"""What a call would cost, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ._values import decimal_or_none
from .price_results import ReceiptLine


@dataclass(frozen=True, slots=True)
class QuotedCost:
    """An amount that a call may cost, with the lines that make it."""

    amount: Decimal
    lines: tuple[ReceiptLine, ...]

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> QuotedCost:
        return cls(Decimal(value["amount"]), tuple(ReceiptLine._decode(line) for line in value["lines"]))

    @classmethod
    def _decode_or_none(cls, value: dict[str, Any] | None) -> QuotedCost | None:
        return None if value is None else cls._decode(value)


@dataclass(frozen=True, slots=True)
class BudgetQuote:
    """What a budget says to a call. `user` and `tag` are both absent for everyone's budget.

    Attributes:
        limit: What may be used in a window: an amount in `currency`, or a number of tokens if that is absent.
        remaining: What is left of it now.
        needed: What the call would hold of it; nothing if that is not known.
        admits: Whether it would admit the call.
        reason: Why not, where it would not.
    """

    budget_id: int
    user: str | None
    tag: tuple[str, str] | None
    window: str
    limit: Decimal
    currency: str | None
    remaining: Decimal
    needed: Decimal | None
    admits: bool
    reason: str | None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> BudgetQuote:
        scope, limit = value["scope"], value["limit"]
        money = limit.get("money")
        return cls(
            budget_id=value["budget_id"],
            user=scope.get("user"),
            tag=(scope["key"], scope["value"]) if scope["type"] == "tag" else None,
            window=value["window"],
            limit=Decimal(limit["tokens"] if money is None else money["amount"]),
            currency=None if money is None else money["currency"],
            remaining=Decimal(value["remaining"]),
            needed=decimal_or_none(value["needed"]),
            admits=value["admits"],
            reason=value["reason"],
        )


@dataclass(frozen=True, slots=True)
class CandidateQuote:
    """What a call would cost with one model config.

    Attributes:
        model: The config's alias, or `provider/model`.
        currency: The currency of its prices; nothing if it has none in force.
        minimum: The least that it costs: all of the input read from the provider's cache, and one token of output.
        expected: What it is expected to cost.
        worst: The most that it can cost, which is what budgets hold.
        unpriced: Why it has no price, where it has none.
        budgets: What each budget that applies says.
        admitted: Whether every budget admits it.
    """

    model: str
    model_config_id: int
    currency: str | None
    minimum: QuotedCost | None
    expected: QuotedCost | None
    worst: QuotedCost | None
    unpriced: str | None
    budgets: tuple[BudgetQuote, ...]
    admitted: bool

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> CandidateQuote:
        return cls(
            model=value["model"],
            model_config_id=value["model_config_id"],
            currency=value["currency"],
            minimum=QuotedCost._decode_or_none(value["minimum"]),
            expected=QuotedCost._decode_or_none(value["expected"]),
            worst=QuotedCost._decode_or_none(value["worst"]),
            unpriced=value["unpriced"],
            budgets=tuple(BudgetQuote._decode(budget) for budget in value["budgets"]),
            admitted=value["admitted"],
        )


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A model config that a call would not be tried with, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call would cost, and whether its budgets would admit it. Nothing was reserved, and nothing sent.

    Attributes:
        route: The models whose budgets admit the call, in the order in which it would try them now.
        candidates: What the call would cost with each model that may serve it.
        passed_over: The models that may not, with the reason.
    """

    route: tuple[str, ...]
    candidates: tuple[CandidateQuote, ...]
    passed_over: tuple[PassedOver, ...]

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Quote:
        return cls(
            route=tuple(value["route"]),
            candidates=tuple(CandidateQuote._decode(each) for each in value["candidates"]),
            passed_over=tuple(PassedOver(each["model"], each["reason"]) for each in value["passed_over"]),
        )

"""What some records can do beside holding their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._record import Record, to_rows
from ._table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from .results import Damage, PriceProposal, ReceiptLine, UsageRecord

# The most characters of an answer that the short form of a reply shows.
_MOST_SHOWN = 120

_CHANGES = frozenset({"added", "changed", "ended"})


class MoneyText(Record):
    """Writes an amount with its currency."""

    __slots__ = ()

    if TYPE_CHECKING:
        amount: Decimal
        currency: str

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


class ReplyLine(Record):
    """Writes a reply in a few words: the beginning of its text, who answered, and what it cost."""

    __slots__ = ()

    if TYPE_CHECKING:
        text: str
        model: str
        cost: Decimal | None
        currency: str | None

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _MOST_SHOWN else f"{self.text[:_MOST_SHOWN]}..."
        cost = "unpriced" if self.cost is None else f"{self.cost:f} {self.currency}"
        return f"{text} [{self.model}, {cost}]"


class ReceiptTable(Record):
    """Writes a receipt as a table."""

    __slots__ = ()

    if TYPE_CHECKING:
        lines: tuple[ReceiptLine, ...]
        totals: Mapping[str, Decimal]

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [
            ("attempt", "model", "meter", "quantity", "unit price", "unit", "times", "amount", "")
        ]
        for line in self.lines:
            label = " ".join(part for part in (line.meter, f"({line.note})" if line.note else None) if part)
            used = str(line.quantity) if line.billed_quantity is None else f"{line.quantity} as {line.billed_quantity}"
            price = "-" if line.unit_price is None else f"{line.unit_price:f}"
            times = " x ".join(f"{modifier.ratio:f}" for modifier in line.modifiers)
            amount = "unpriced" if line.amount is None else f"{line.amount:f}"
            number = str(line.attempt)
            rows.append((number, line.model, label, used, price, line.unit or "-", times, amount, line.currency or ""))
        if not any(line.modifiers for line in self.lines):
            rows = [(*row[:6], *row[7:]) for row in rows]
        width = len(rows[0])
        gap = [""] * (width - 3)
        rows.extend(("total", *gap, f"{total:f}", currency) for currency, total in self.totals.items())
        return table(rows, right={0, 3, 4, width - 2})


class SentBack(Record):
    """Writes a tool call as the next request has it."""

    __slots__ = ()

    if TYPE_CHECKING:
        id: str
        name: str
        arguments: str
        type: str
        extra_content: Any

    def to_message(self) -> dict[str, Any]:
        """Returns the call as it stands in the `tool_calls` of an assistant's message."""
        message = {"id": self.id, "type": self.type, "function": {"name": self.name, "arguments": self.arguments}}
        return message if self.extra_content is None else {**message, "extra_content": self.extra_content}


class Records(Record):
    """Is iterated like its records."""

    __slots__ = ()

    if TYPE_CHECKING:
        records: tuple[UsageRecord, ...]

    def __iter__(self) -> Iterator[UsageRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def to_rows(self) -> list[dict[str, Any]]:
        """Returns the records as flat rows that all have the same columns; see `tollway.to_rows`."""
        return to_rows(self.records)


class Changes(Record):
    """Picks what is written."""

    __slots__ = ()

    if TYPE_CHECKING:
        proposals: tuple[PriceProposal, ...]

    @property
    def changes(self) -> tuple[PriceProposal, ...]:
        """The proposals that applying writes."""
        return tuple(proposal for proposal in self.proposals if proposal.kind in _CHANGES)


class Soundness(Record):
    """Says whether all is well."""

    __slots__ = ()

    if TYPE_CHECKING:
        damage: tuple[Damage, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damage

"""What a check of the whole file found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the file that is not as it was written.

    Attributes:
        table: The table; `pages` for what lies below all tables, `ledger` for a ledger that is not the expected one.
        row: The row, where one can be named.
        problem: What is wrong.
    """

    table: str
    row: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the whole file found.

    Attributes:
        records: How many usage records were read.
        rows: How many rows of all tables were read.
        head: The head of the ledger.
        damage: What is wrong; empty if nothing is.
    """

    records: int
    rows: int
    head: str
    damage: tuple[Damage, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damage

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Verification:
        damage = tuple(Damage(**each) for each in value["damage"])
        return cls(records=value["records"], rows=value["rows"], head=value["head"], damage=damage)

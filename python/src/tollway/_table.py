"""Tables as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet


def table(rows: Sequence[Sequence[str]], right: AbstractSet[int]) -> str:
    """Aligns the columns of rows; the columns named in `right` are set to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, range(len(widths)), strict=True)
        aligned = [cell.rjust(width) if place in right else cell.ljust(width) for cell, width, place in cells]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)

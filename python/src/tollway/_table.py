"""Tables as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

# What a terminal obeys instead of showing it: control characters, directions of writing, separators of lines.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u180e\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)


def table(rows: Sequence[Sequence[str]], right: AbstractSet[int]) -> str:
    """Aligns the columns of rows; the columns named in `right` are set to the right. A cell shows itself only."""
    rows = [[_CONTROL.sub(lambda control: ascii(control[0])[1:-1], cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, range(len(widths)), strict=True)
        aligned = [cell.rjust(width) if place in right else cell.ljust(width) for cell, width, place in cells]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)

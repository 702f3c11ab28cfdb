"""Values as they cross: money and instants to text, and back."""

from __future__ import annotations

import re
import sys
from array import array
from base64 import b64decode
from datetime import date, datetime, timezone
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# Far beyond what the engine takes. Written out, a number with a great exponent would fill the memory.
_MOST_PLACES = 100
_FRACTION = re.compile(r"\.(\d+)")


def money_text(value: Decimal | str | int, name: str) -> str:
    """Writes an amount of money as an exact text; a float is refused, because it is not what it shows.

    Raises:
        TypeError: The value is a float, or no number.
        ValueError: The value is not finite, has too many digits, or is a text that is no decimal.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, str, int)):
        detail = (
            f"{name} is money and must be exact: pass a string or Decimal, such as '0.15', not {type(value).__name__}"
        )
        raise TypeError(detail)
    try:
        number = Decimal(value)
    except ArithmeticError:
        detail = f"{name} must be a decimal number such as '0.15', not {value!r}"
        raise ValueError(detail) from None
    if not number.is_finite():
        detail = f"{name} must be a finite number, not {value!r}"
        raise ValueError(detail)
    _, digits, exponent = number.as_tuple()
    if len(digits) + abs(int(exponent)) > _MOST_PLACES:
        detail = f"{name} has too many digits to be exact; give at most 28, such as '0.15'"
        raise ValueError(detail)
    return f"{number:f}"


def instant_text(value: str | date | datetime, name: str) -> str:
    """Writes an instant as RFC 3339 text; a bare date is midnight UTC.

    Raises:
        TypeError: The value is neither a text, a date nor a datetime.
        ValueError: The value is a datetime without a time zone, so that it names no instant.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            detail = f"{name} has no time zone; pass for example datetime(..., tzinfo=timezone.utc)"
            raise ValueError(detail)
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if not isinstance(value, str):
        detail = f"{name} must be a date, a datetime with a time zone, or a text, not {type(value).__name__}"
        raise TypeError(detail)
    try:
        return f"{date.fromisoformat(value).isoformat()}T00:00:00Z"
    except ValueError:
        return value


def vectors(written: Sequence[str]) -> Sequence[Sequence[float]]:
    """Reads vectors of 32-bit numbers: an array of NumPy with a row for each where NumPy is there, else arrays."""
    packed = [b64decode(text) for text in written]
    try:
        # By its name, because type checkers need not have it.
        np: Any = import_module("numpy")
    except ImportError:
        return tuple(_numbers(each) for each in packed)
    rows: Any = np.frombuffer(b"".join(packed), dtype="<f4").reshape(len(packed), -1)
    found: Sequence[Sequence[float]] = rows
    return found


def _numbers(packed: bytes) -> array[float]:
    numbers = array("f", packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def decimal_or_none(value: str | None) -> Decimal | None:
    """Reads an amount."""
    return None if value is None else Decimal(value)


def quantity(value: int | str) -> int | Decimal:
    """Reads a quantity: an int where it is whole, else a Decimal."""
    return value if isinstance(value, int) else Decimal(value)


def quantity_or_none(value: int | str | None) -> int | Decimal | None:
    """Reads a quantity that may be absent."""
    return None if value is None else quantity(value)


def instant(value: str) -> datetime:
    """Reads an instant, to the microsecond that Python knows."""
    # Python 3.10 reads neither a `Z` nor a fraction of any length.
    exact = _FRACTION.sub(lambda fraction: f".{fraction[1][:6]:0<6}", value)
    return datetime.fromisoformat(exact.replace("Z", "+00:00"))


def instant_or_none(value: str | None) -> datetime | None:
    """Reads an instant that may be absent."""
    return None if value is None else instant(value)

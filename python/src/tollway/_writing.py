"""What writes arguments as the engine reads them; what is wrong is named, and a figure that is not exact is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from ._engine import check_mapping, check_names
from ._record import Record
from ._values import instant_text, money_text

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = [
    "Fields",
    "by_meter",
    "exact",
    "given",
    "instant_text",
    "keywords",
    "mapping",
    "money_text",
    "optional",
    "pair",
    "path_text",
    "row",
    "updates",
]

Writer: TypeAlias = Callable[[Any, str], Any]
"""Writes a value that has a name."""

Fields: TypeAlias = Mapping[str, Writer]
"""What writes the fields of a mapping that are not as JSON has them."""

_PAIR = 2


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


def optional(write: Writer, value: Any, name: str) -> Any:
    """Writes a value that may not have been given."""
    return None if value is None else write(value, name)


def keywords(arguments: Mapping[str, Any], known: frozenset[str], fields: Fields, function: str) -> dict[str, Any]:
    """Writes the keyword arguments of a function that were given.

    Raises:
        TypeError: A name is not known.
    """
    found = given(arguments)
    check_names(found, known, function)
    return {name: fields[name](value, name) if name in fields else value for name, value in found.items()}


def updates(
    arguments: Mapping[str, Any], known: frozenset[str], fields: Fields, function: str, removable: AbstractSet[str]
) -> dict[str, Any]:
    """Writes the keyword arguments of a function for which None says that something is removed.

    Raises:
        TypeError: A name is not known, or what cannot be removed is None.
    """
    for name, value in arguments.items():
        if value is None and name in known and name not in removable:
            detail = f"{function} cannot set {name} to None; leave it out, or give a value"
            raise TypeError(detail)
    removed = {name: None for name, value in arguments.items() if value is None and name in known}
    return {**keywords(arguments, known, fields, function), **removed}


def row(value: Any, kind: type[Record], field: str) -> Any:
    """Returns what names a row: a field of it, where the row itself is given."""
    return getattr(value, field) if isinstance(value, kind) else value


def pair(value: Any, name: str) -> list[str]:
    """Writes a key and its value.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, (tuple, list)) and len(value) == _PAIR and all(isinstance(part, str) for part in value):
        return list(value)
    detail = f"{name} must be a key and a value, such as ('team', 'search'), not {value!r}"
    raise TypeError(detail)


def path_text(path: str | os.PathLike[str], name: str) -> str:
    """Writes a path as text.

    Raises:
        TypeError: It is no path.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        detail = f"{name} must be a string or a pathlib.Path, not {type(path).__name__}"
        raise TypeError(detail)
    return os.fsdecode(path)


def mapping(fields: Fields, example: str) -> Writer:
    """Returns what writes a mapping, or a record with the same fields."""

    def write(value: Any, name: str) -> dict[str, Any]:
        return _written(value, name, fields, example, lambda field: f"{name}: {field}")

    return write


def by_meter(price: Fields) -> Writer:
    """Returns what writes prices by meter, of which each is a price or a list of them."""
    terms = "{'unit_price': '0.15', 'unit': 'per_1m_tokens', 'currency': 'USD'}"

    def one(value: Any, meter: str) -> dict[str, Any]:
        return _written(value, f"the price of {meter}", price, terms, lambda field: f"{field} of {meter}")

    def write(prices: Any, name: str) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for meter, value in check_mapping(prices, name, f"{{'input_token': {terms}}}").items():
            if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
                written[meter] = [one(each, f"{meter}[{place}]") for place, each in enumerate(value)]
            else:
                written[meter] = one(value, meter)
        return written

    return write


def exact(value: Any, name: str) -> Any:
    """Writes decimals inside of a value as texts, wherever they stand.

    Raises:
        TypeError: There is a float.
    """
    if isinstance(value, float):
        detail = f"{name} must be exact: pass an int, a string or a Decimal, such as '7.5', not float"
        raise TypeError(detail)
    if isinstance(value, Decimal):
        return money_text(value, name)
    if isinstance(value, Mapping):
        return {key: exact(each, f"{name}: {key}") for key, each in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (str, bytes)):
        # A set has no order of its own, and what is no word is refused later, by its name.
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [exact(each, name) for each in items]
    return value


def _written(value: Any, name: str, fields: Fields, example: str, called: Callable[[str], str]) -> dict[str, Any]:
    shown = value.to_dict() if isinstance(value, Record) else value
    found = given(check_mapping(shown, name, example))
    return {field: fields[field](each, called(field)) if field in fields else each for field, each in found.items()}

"""What all records share: how their fields are read, and how they are written out again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

Value = TypeVar("Value")
Fields: TypeAlias = Mapping[str, tuple[str, Callable[[Any], Any] | None, Any]]
"""The fields of a record: what the engine calls each, what reads it, and what it is where the engine leaves it out."""

_set = object.__setattr__


class Record:
    """A result. Its fields are read when they are first asked for, so that no call waits for those that are not."""

    __slots__ = ("_wire",)
    _FIELDS: ClassVar[Fields] = {}
    _wire: Mapping[str, Any]

    @classmethod
    def _decode(cls, wire: Mapping[str, Any]) -> Self:
        record = cls.__new__(cls)
        _set(record, "_wire", wire)
        return record

    # Out of sight of type checkers, for which a name that is no field is wrong.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Reads a field that no one has asked for yet; Python asks here only for what has no value."""
            found = type(self)._FIELDS.get(name)
            if found is None:
                detail = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(detail, name=name, obj=self)
            wire_name, read, absent = found
            value = self._wire.get(wire_name)
            if value is None:
                value = absent
            elif read is not None:
                value = read(value)
            _set(self, name, value)
            return value

    def to_dict(self) -> dict[str, Any]:
        """Returns the record as JSON has it: amounts and instants as strings, names as the engine writes them."""
        return {wire_name: _plain(getattr(self, name)) for name, (wire_name, _, _) in self._FIELDS.items()}

    def to_row(self) -> dict[str, Any]:
        """Returns the record as one flat row, for a CSV file or a data frame.

        The fields of records inside of it, and the entries of mappings, are columns such as `usage.input_tokens`. Lists
        are JSON text. Amounts stay `Decimal`, and instants `datetime`. Rows of records that differ in what they have
        differ in their columns; `tollway.to_rows` gives all the same.
        """
        row: dict[str, Any] = {}
        for name, (wire_name, _, _) in self._FIELDS.items():
            _flatten(row, wire_name, getattr(self, name))
        return row


def to_rows(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Returns records as flat rows that all have the same columns, for a CSV file or a data frame; see `Record.to_row`.

    What a record does not have is None.
    """
    rows = [record.to_row() for record in records]
    columns = dict.fromkeys(column for row in rows for column in row)
    return [{column: row.get(column) for column in columns} for row in rows]


def each(read: Callable[[Any], Value]) -> Callable[[Iterable[Any]], tuple[Value, ...]]:
    """Returns what reads a list."""
    return lambda items: tuple(map(read, items))


def values(read: Callable[[Any], Value]) -> Callable[[Mapping[str, Any]], dict[str, Value]]:
    """Returns what reads a mapping from names."""
    return lambda items: {name: read(item) for name, item in items.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # Vectors, which are arrays.
    to_list = getattr(value, "tolist", None)
    return value if to_list is None else to_list()


def _flatten(row: dict[str, Any], column: str, value: Any) -> None:
    if isinstance(value, Record):
        for name, (wire_name, _, _) in value._FIELDS.items():
            _flatten(row, f"{column}.{wire_name}", getattr(value, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _flatten(row, f"{column}.{name}", item)
    elif isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        row[column] = json.dumps(_plain(value), ensure_ascii=False)
    else:
        row[column] = value

"""What the shapes of arguments need in every language."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .model import Enum, Struct

if TYPE_CHECKING:
    from .model import Model

# Shapes beside those of parameters where what is null was not given. Elsewhere null says something, or is wrong.
_NULL_IS_ABSENT = frozenset({"PriceInput", "RecordFilter", "Settings", "UsageFilter"})
# What a shape has apart from a part of it that others take too: the part, and the fields that are not in it.
_PARTS = {"UsageFilter": ("RecordFilter", "Which usage records to look at, apart from when.", ("since", "until"))}
# What every call has, of whatever kind of work, and nothing else.
_OF_A_CALL = "idempotency_key"


def is_null_absent(name: str) -> bool:
    """Returns whether null says nothing in a shape: parameters are named arguments, and null is that of one not given."""
    return name.endswith("Parameters") or name in _NULL_IS_ABSENT


def is_call(struct: Struct) -> bool:
    """Returns whether a shape is that of a call."""
    return struct.name.endswith("Parameters") and any(field.name == _OF_A_CALL for field in struct.fields)


def prepared(model: Model) -> list[Struct | Enum]:
    """Returns the shapes of arguments, words first, with shared parts taken out of what extends them."""
    found: list[Struct | Enum] = []
    for each in model.arguments:
        if isinstance(each, Enum):
            found.append(each)
            continue
        # What a call cannot do without are arguments of its own.
        fields = tuple(field for field in each.fields if not (field.required and is_call(each)))
        if each.name in _PARTS:
            name, doc, own = _PARTS[each.name]
            found.append(Struct(name, doc, tuple(field for field in fields if field.name not in own)))
            each = replace(each, extends=name)  # noqa: PLW2901
            fields = tuple(field for field in fields if field.name in own)
        found.append(replace(each, fields=fields))
    return found

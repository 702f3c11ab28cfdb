"""What the shapes of arguments need in every language."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .model import Enum, Struct

if TYPE_CHECKING:
    from .model import Model

# Where what is null was not given. Elsewhere null says something, or is wrong.
NULL_IS_ABSENT = frozenset(
    {
        "ChatParameters",
        "EmbedParameters",
        "ModelParameters",
        "PriceInput",
        "RecordFilter",
        "RerankParameters",
        "Settings",
        "UsageFilter",
    }
)
# What a shape has apart from a part of it that others take too: the part, and the fields that are not in it.
_PARTS = {"UsageFilter": ("RecordFilter", "Which usage records to look at, apart from when.", ("since", "until"))}
# Fields that are arguments of their own.
_OWN = {
    "ChatParameters": ("messages",),
    "EmbedParameters": ("input",),
    "RerankParameters": ("query", "documents"),
}


def prepared(model: Model) -> list[Struct | Enum]:
    """Returns the shapes of arguments, words first, with shared parts taken out of what extends them."""
    found: list[Struct | Enum] = []
    for each in model.arguments:
        if isinstance(each, Enum):
            found.append(each)
            continue
        fields = tuple(field for field in each.fields if field.name not in _OWN.get(each.name, ()))
        if each.name in _PARTS:
            name, doc, own = _PARTS[each.name]
            found.append(Struct(name, doc, tuple(field for field in fields if field.name not in own)))
            each = replace(each, extends=name)  # noqa: PLW2901
            fields = tuple(field for field in fields if field.name in own)
        found.append(replace(each, fields=fields))
    return found

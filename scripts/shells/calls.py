"""The calls whose answers come whole, apart from chats, whose messages have forms that each language writes by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Signature, signature

if TYPE_CHECKING:
    from .model import Field, Model, Verb

# What checks an argument that is given by its place, in every language under this name.
_CHECKED = {"texts": "one_or_several", "list": "strings"}


def calls(model: Model) -> list[Signature]:
    """Returns what they take."""
    return [signature(model, verb) for verb in model.verbs if verb.is_call and not _is_chat(model, verb)]


def checker(field: Field) -> str:
    """Returns what checks an argument; nothing where the engine does it."""
    return _CHECKED.get(field.type.kind, "")


def vectors(model: Model, verb: Verb) -> str:
    """Returns the field of a reply that has vectors; nothing where none has."""
    return next((field.name for field in model.record(verb.result.name).fields if _has_vectors(field)), "")


def _has_vectors(field: Field) -> bool:
    return any(each.kind == "vector" for each in field.type.all())


def _is_chat(model: Model, verb: Verb) -> bool:
    request = model.shape(verb.arguments.named("request").type.name)
    return any(each.type.kind == "messages" for each in request.fields)

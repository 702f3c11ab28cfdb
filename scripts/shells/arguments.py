"""What the methods of languages take whose functions have arguments by their place and by their name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .model import Struct

if TYPE_CHECKING:
    from .model import Field, Model, Noun, Verb
    from .types import Types

# The most fields that methods spell out. More are a shape that users can name.
_MOST_SPELLED_OUT = 8
# What is not in the shape of the engine here: how a file is opened and closed is each language's own.
_OF_THE_HANDLE = "settings"


@dataclass(frozen=True)
class Signature:
    """What a method takes."""

    verb: Verb
    # By their place.
    positional: tuple[Field, ...]
    # By their names; nothing where there is none. It extends the shape whose fields are given beside its own.
    options: Struct | None
    # The field of the verb's arguments that has the fields of that shape.
    spread: Field | None

    @property
    def is_spelled_out(self) -> bool:
        """Whether the fields are arguments of the method, rather than those of a shape that users name."""
        return self.options is not None and is_spelled_out(self.options)


class NounWriter:
    """Writes the file of a noun, whose verbs are methods."""

    # The records of a page, where all are read.
    page = 500

    def __init__(self, model: Model, noun: Noun, types: Types) -> None:
        self._model = model
        self._noun = noun
        self._types = types
        self._signatures = [signature(model, verb) for verb in model.methods(noun)]


def is_spelled_out(struct: Struct) -> bool:
    """Tells whether methods spell out the fields of a shape, where a language does that."""
    return struct.name.endswith("Options") and len(struct.fields) <= _MOST_SPELLED_OUT


def signature(model: Model, verb: Verb) -> Signature:
    """Returns what a method takes for a verb."""
    if verb.is_call:
        return _of_call(model, verb)
    positional = tuple(verb.arguments.named(name) for name in verb.positional)
    others = [each for each in verb.arguments.fields if each not in positional]
    spread = next((each for each in others if each.is_spread), None)
    if not others:
        return Signature(verb, positional, None, None)
    if verb.arguments.name.endswith("Arguments"):
        detail = f"{verb.name} has arguments by name; name their struct by #[schemars(rename = \"...Options\")]"
        raise ValueError(detail)
    own = tuple(each for each in others if each is not spread)
    options = replace(verb.arguments, fields=own, noun=verb.noun, extends=spread.type.name if spread else "")
    return Signature(verb, positional, options, spread)


def _of_call(model: Model, verb: Verb) -> Signature:
    """Returns what a call takes: the request's fields and the others side by side."""
    request = model.shape(verb.arguments.named("request").type.name)
    options = verb.arguments.named("options")
    positional = tuple(request.named(name) for name in verb.positional)
    own = (*(each for each in request.fields if each not in positional), verb.arguments.named("extra"))
    struct = Struct(verb.arguments.name, verb.arguments.doc, own, verb.noun, extends=options.type.name)
    return Signature(verb, positional, struct, None)


def shapes(model: Model) -> list[Struct]:
    """Returns the shapes of arguments that users may name: those that others are made of, and what methods take by name."""
    requests = {each.arguments.named("request").type.name for each in model.verbs if each.is_call}
    found = {each.name: each for each in model.shapes if each.name not in requests}
    for verb in model.verbs:
        options = None if verb.noun == _OF_THE_HANDLE else signature(model, verb).options
        if options is not None:
            found.setdefault(options.name, options)
    return list(found.values())


def null_is_absent(struct: Struct) -> bool:
    """Tells whether null says that a field was not given. Elsewhere it says something, or is wrong."""
    return not struct.is_data and not struct.name.endswith("Changes")


def own_fields(model: Model, struct: Struct) -> list[Field]:
    """Returns the fields of a shape that it does not have of the one that it extends."""
    inherited = model.shape(struct.extends).fields if struct.extends else ()
    return [each for each in struct.fields if each not in inherited]


def pages(model: Model, verb: Verb) -> Struct | None:
    """Returns the record that a verb returns, where it is a page with a cursor to the next one."""
    record = model.record(verb.result.name) if verb.result is not None and verb.result.kind == "struct" else None
    return record if record is not None and any(each.name == "next_cursor" for each in record.fields) else None

"""The schema as emitters look at it: verbs, structs with fields, enumerations with values, and few types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Type:
    """A type: its kind, and what it is made of.

    Kinds are `text`, `integer`, `number`, `boolean`, `decimal`, `quantity`, `instant`, `path`, `vector`, `any`, `message`
    (in a conversation), `window`, `choice` (a word, or several), `switch` (a choice that may be true or false), `texts` (one or
    several), `list`, `map` (from names), `tuple`, `struct` and `enum` (by name), and those that have the shape of OpenAI's
    API, or of no schema: `messages`, `price_map`, `response_format`, `tool_choice` and `tools`.
    """

    kind: str
    parts: tuple[Type, ...] = ()
    name: str = ""
    nullable: bool = False

    def all(self) -> list[Type]:
        """Returns the type and all that it is made of."""
        return [self, *(inner for part in self.parts for inner in part.all())]


@dataclass(frozen=True)
class Field:
    """A field. One that is not required may be absent, and then is null, empty or zero."""

    name: str
    type: Type
    required: bool
    default: Any
    doc: str
    # What shells call it where it is an argument of its own.
    argument: str = ""
    # The record that may be given in its place, because it has it.
    row: str = ""
    # Whether its own fields are given in its place.
    is_spread: bool = False
    # Whether it may hold a secret.
    is_secret: bool = False

    @property
    def has_default(self) -> bool:
        """Whether it has a value of its own where none is given."""
        return bool(self.default) and self.type.kind in {"text", "enum", "integer", "path", "window"}


@dataclass(frozen=True)
class Struct:
    """An object with fields: the required ones first, each kind in the order of the schema."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    noun: str = ""
    # The struct that has some of its fields, as they are here.
    extends: str = ""
    # Whether its fields keep their names in every language, and results show it as a mapping.
    is_data: bool = False
    example: Any = None

    def named(self, name: str) -> Field:
        """Returns a field by its name."""
        return next(each for each in self.fields if each.name == name)


@dataclass(frozen=True)
class Enum:
    """Words, each with what it means."""

    name: str
    doc: str
    values: tuple[tuple[str, str], ...]
    noun: str = ""


@dataclass(frozen=True)
class Verb:
    """A verb: what it does, takes and returns."""

    name: str
    noun: str
    # Paragraphs, of which the first is one sentence.
    doc: tuple[str, ...]
    # Kinds of errors, each with the clause that says when.
    errors: tuple[tuple[str, str], ...]
    # The arguments that shells take by their place.
    positional: tuple[str, ...]
    arguments: Struct
    result: Type | None

    @property
    def owner(self) -> str:
        """The noun before the point; empty where there is none."""
        return self.name.rpartition(".")[0]

    @property
    def method(self) -> str:
        """The name after the point."""
        return self.name.rpartition(".")[2]

    @property
    def is_call(self) -> bool:
        """Whether it takes a request, and options beside it."""
        return any(each.name == "request" for each in self.arguments.fields)


@dataclass(frozen=True)
class Noun:
    """A class of verbs: what it is called, and what it does, in paragraphs."""

    name: str
    class_name: str
    doc: tuple[str, ...]


@dataclass
class Model:
    """All that crosses; structs and enumerations are in the order of their dependencies."""

    # What results are made of.
    structs: list[Struct] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    # What arguments are made of.
    shapes: list[Struct] = field(default_factory=list)
    words: list[Enum] = field(default_factory=list)
    nouns: list[Noun] = field(default_factory=list)
    verbs: list[Verb] = field(default_factory=list)
    # The kinds of errors, by their codes.
    errors: Enum = field(default_factory=lambda: Enum("ErrorKind", "", ()))

    def record(self, name: str) -> Struct | None:
        """Returns a struct of results by its name."""
        return next((each for each in self.structs if each.name == name), None)

    def shape(self, name: str) -> Struct:
        """Returns a struct of arguments by its name."""
        return next(each for each in self.shapes if each.name == name)

    def methods(self, noun: Noun) -> list[Verb]:
        """Returns the verbs of a class."""
        return [each for each in self.verbs if each.owner == noun.name]


def read(path: Path) -> Model:
    """Reads the schema."""
    from .schema import of_schema  # noqa: PLC0415 - it imports what is above

    return of_schema(json.loads(path.read_text()))

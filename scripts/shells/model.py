"""The schema as emitters look at it: structs with fields, enumerations with values, and few types."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# What the shells have types of their own for, because it has the shape of OpenAI's API.
SHAPES = ("messages", "price_map", "response_format", "stop", "tool_choice", "tools")
_LINK = re.compile(r"\[`([^`\]]+)`\]")


@dataclass(frozen=True)
class Type:
    """A type: its kind, and what it is made of.

    Kinds are `text`, `integer`, `number`, `boolean`, `decimal`, `quantity`, `instant`, `vector`, `any`, `message` (in a
    conversation), `choice` (a word, or several), `switch` (a choice that may be true or false), `list`, `map` (from
    names), `tuple`, `struct` and `enum` (by name), and those of `SHAPES`.
    """

    kind: str
    parts: tuple[Type, ...] = ()
    name: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Field:
    """A field. One that is not required may be absent, and then is null, empty or zero."""

    name: str
    type: Type
    required: bool
    default: Any
    doc: str

    @property
    def has_default(self) -> bool:
        """Whether it has a value of its own where none is given."""
        return bool(self.default) and self.type.kind in {"text", "enum", "integer"}


@dataclass(frozen=True)
class Struct:
    """An object with fields: the required ones first, each kind in the order of the schema."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    extends: str = ""


@dataclass(frozen=True)
class Enum:
    """Words, each with what it means."""

    name: str
    doc: str
    values: tuple[tuple[str, str], ...]


@dataclass
class Model:
    """All that crosses: structs in the order of their dependencies, enumerations, results of verbs, shapes of arguments."""

    structs: list[Struct] = field(default_factory=list)
    enums: list[Enum] = field(default_factory=list)
    results: dict[str, Type | None] = field(default_factory=dict)
    arguments: list[Struct | Enum] = field(default_factory=list)


def read(path: Path) -> Model:
    """Reads the schema."""
    return of_schema(json.loads(path.read_text()))


def of_schema(schema: dict[str, Any]) -> Model:
    """Makes the model of a schema."""
    reader = _Reader(schema["definitions"])
    results = {
        verb: None if each == {"type": "null"} else reader.type_of(each) for verb, each in schema["results"].items()
    }
    given = _Reader(schema.get("arguments", {}))
    return Model(reader.structs, reader.enums, results, [*given.enums, *given.structs])


class _Reader:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._done: dict[str, str] = {}
        self.structs: list[Struct] = []
        self.enums: list[Enum] = []
        for name in definitions:
            self._define(name)

    def _define(self, name: str) -> str:
        """Reads a definition once, after those that it needs; returns its kind."""
        if name not in self._done:
            schema = self._definitions[name]
            self._done[name] = "struct" if "properties" in schema else "enum"
            if "properties" in schema:
                required = set(schema.get("required", ()))
                fields = [self._field(key, each, key in required) for key, each in schema["properties"].items()]
                fields.sort(key=lambda each: each.has_default or not each.required)
                self.structs.append(Struct(name, prose(schema), tuple(fields)))
            else:
                self.enums.append(Enum(name, prose(schema), tuple(_values(name, schema))))
        return self._done[name]

    def _field(self, name: str, schema: Any, required: bool) -> Field:
        default = schema.get("default") if isinstance(schema, dict) else None
        return Field(name, self.type_of(schema), required, default, prose(schema))

    def type_of(self, schema: Any) -> Type:
        """Returns the type that a schema describes."""
        if schema is True or not schema.keys() - {"description", "default"}:
            return Type("any", nullable=True)
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return Type(self._define(name), name=name)
        if "anyOf" in schema:
            (inner,) = (each for each in schema["anyOf"] if each != {"type": "null"})
            return _nullable(self.type_of(inner))
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        found = self._plain(schema, [kind for kind in kinds if kind != "null"])
        return _nullable(found) if "null" in kinds else found

    def _plain(self, schema: dict[str, Any], kinds: list[str]) -> Type:
        named = {"decimal": "decimal", "quantity": "quantity", "date-time": "instant"}
        named |= {each: each for each in ("vector", "message", "choice", "switch", *SHAPES)}
        if schema.get("format") in named:
            return Type(named[schema["format"]])
        (kind,) = kinds
        match kind:
            case "string":
                return Type("text")
            case "integer" | "number" | "boolean":
                return Type(kind)
            case "array" if "prefixItems" in schema:
                return Type("tuple", tuple(self.type_of(each) for each in schema["prefixItems"]))
            case "array":
                return Type("list", (self.type_of(schema["items"]),))
            case "object":
                return Type("map", (self.type_of(schema.get("additionalProperties", True)),))
        detail = f"no emitter knows {schema}"
        raise ValueError(detail)


def _nullable(inner: Type) -> Type:
    return Type(inner.kind, inner.parts, inner.name, nullable=True)


def _values(name: str, schema: dict[str, Any]) -> list[tuple[str, str]]:
    if "enum" in schema:
        return [(value, "") for value in schema["enum"]]
    if "oneOf" not in schema:
        detail = f"{name} is neither an object nor words"
        raise ValueError(detail)
    found = []
    for each in schema["oneOf"]:
        if "const" in each:
            found.append((each["const"], prose(each)))
        else:
            found.extend((value, "") for value in each["enum"])
    return found


def prose(schema: Any) -> str:
    """Returns what a schema says of itself, on one line, without links to Rust's names."""
    text = schema.get("description", "") if isinstance(schema, dict) else ""
    return _LINK.sub(r"`\1`", " ".join(text.split()))

"""Reads JSON Schema into the model of the emitters."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from .model import Enum, Field, Model, Noun, Struct, Type, Verb

# What the shells have types of their own for, because it has the shape of OpenAI's API, or none that a schema can say.
_SHAPES = ("messages", "price_map", "response_format", "tool_choice", "tools")
_OTHER_FORMATS = ("path", "vector", "message", "choice", "switch", "texts", "window")
_LINK = re.compile(r"\[`([^`\]]+)`\]")
_ERROR = re.compile(r"\* `(\w+)` (if .+)")
# The fewest fields that a struct shares with one that it extends. Fewer are alike by chance.
_LEAST_SHARED = 3


def of_schema(schema: dict[str, Any]) -> Model:
    """Makes the model of a schema."""
    returned = _Reader(schema["definitions"])
    taken = _Reader(schema["arguments"])
    nouns = [Noun(name, each["class"], paragraphs(each["description"])[0]) for name, each in schema["nouns"].items()]
    verbs = [_verb(name, each, taken, returned) for name, each in schema["verbs"].items()]
    places = _Places(verbs, returned, taken)
    return Model(
        _extended(places.put(returned.structs)),
        places.put(returned.enums),
        _extended(places.put(taken.structs)),
        places.put(taken.enums),
        nouns,
        verbs,
        Enum("ErrorKind", prose(schema["errors"]), tuple(_values("ErrorKind", schema["errors"]))),
    )


def _verb(name: str, schema: dict[str, Any], taken: _Reader, returned: _Reader) -> Verb:
    doc, errors = paragraphs(schema["description"])
    arguments = taken.struct(schema["shape"], schema["arguments"])
    result = None if schema["result"] == {"type": "null"} else returned.type_of(schema["result"])
    return Verb(name, schema["noun"], doc, errors, tuple(schema["positional"]), arguments, result)


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
                self.structs.append(self.struct(name, schema))
            else:
                self.enums.append(Enum(name, prose(schema), tuple(_values(name, schema)), schema.get("noun", "")))
        return self._done[name]

    def struct(self, name: str, schema: dict[str, Any]) -> Struct:
        """Reads an object."""
        required = set(schema.get("required", ()))
        fields = [self._field(key, each, key in required) for key, each in schema.get("properties", {}).items()]
        fields.sort(key=lambda each: each.has_default or not each.required)
        example = next(iter(schema.get("examples", ())), None)
        noun, is_data = schema.get("noun", ""), schema.get("data", False)
        return Struct(name, prose(schema), tuple(fields), noun, is_data=is_data, example=example)

    def _field(self, name: str, schema: Any, required: bool) -> Field:
        more = schema if isinstance(schema, dict) else {}
        row = more.get("row", "")
        argument = more.get("argument", _snake(row) if row else name)
        return Field(
            name,
            self.type_of(schema),
            required,
            more.get("default"),
            prose(schema),
            argument,
            row,
            more.get("spread", False),
            more.get("writeOnly", False),
        )

    def type_of(self, schema: Any) -> Type:
        """Returns the type that a schema describes."""
        if schema is True or not schema.keys() - {"description", "default"}:
            return Type("any", nullable=True)
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return Type(self._define(name), name=name)
        if "anyOf" in schema:
            (inner,) = (each for each in schema["anyOf"] if each != {"type": "null"})
            return replace(self.type_of(inner), nullable=True)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        found = self._plain(schema, [kind for kind in kinds if kind != "null"])
        return replace(found, nullable=True) if "null" in kinds else found

    def _plain(self, schema: dict[str, Any], kinds: list[str]) -> Type:
        named = {"decimal": "decimal", "quantity": "quantity", "date-time": "instant"}
        named |= {each: each for each in (*_OTHER_FORMATS, *_SHAPES)}
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


class _Places:
    """Where types stand: in the noun that they name, or else in that of the first type or verb that has them."""

    def __init__(self, verbs: list[Verb], returned: _Reader, taken: _Reader) -> None:
        self._known = {each.name: each for reader in (taken, returned) for each in (*reader.structs, *reader.enums)}
        self._found: dict[str, str] = {}
        for verb in verbs:
            for each in verb.arguments.fields:
                self._walk(each.type, verb.noun)
            if verb.result is not None:
                self._walk(verb.result, verb.noun)
        # What no verb has by its type, such as the prices in a map of them.
        for name in self._known:
            self._walk(Type("struct", name=name), self._known[name].noun)

    def _walk(self, type_: Type, noun: str) -> None:
        for part in type_.all():
            if part.name and part.name not in self._found:
                named = self._known[part.name]
                self._found[part.name] = named.noun or noun
                for each in named.fields if isinstance(named, Struct) else ():
                    self._walk(each.type, self._found[part.name])

    def put(self, types: list[Any]) -> list[Any]:
        """Returns types with their nouns."""
        return [replace(each, noun=self._found[each.name]) for each in types]


def _extended(structs: list[Struct]) -> list[Struct]:
    """Says of structs which other they extend: the largest of which they have every field. What is extended comes first."""
    found = [replace(each, extends=extends(each, structs)) for each in structs]
    ordered: dict[str, Struct] = {}
    for each in found:
        if each.extends:
            ordered.setdefault(each.extends, next(other for other in found if other.name == each.extends))
        ordered.setdefault(each.name, each)
    return list(ordered.values())


def extends(struct: Struct, structs: list[Struct]) -> str:
    """Returns the name of the largest other struct that a struct has every field of; empty where there is none."""
    parts = [
        each
        for each in structs
        if _LEAST_SHARED <= len(each.fields) < len(struct.fields)
        and all(field in struct.fields for field in each.fields)
    ]
    return max(parts, key=lambda each: len(each.fields)).name if parts else ""


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


def paragraphs(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Splits what is said of a verb: its paragraphs, and which kinds of errors come of it, with the clause that says when."""
    parts = [part for each in text.split("\n\n") for part in re.split(r"\n\s*(?=\* )", each.strip())]
    plain = [" ".join(each.split()) for each in parts]
    errors = [_ERROR.fullmatch(each) for each in plain if each.startswith("* ")]
    return tuple(each for each in plain if not each.startswith("* ")), tuple((each[1], each[2]) for each in errors)


def prose(schema: Any) -> str:
    """Returns what a schema says of itself, on one line, without links to Rust's names."""
    text = schema.get("description", "") if isinstance(schema, dict) else ""
    return _LINK.sub(r"`\1`", " ".join(text.split()))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()

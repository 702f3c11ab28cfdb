"""Swift: `Codable` structures and enumerations, with exact decimals, and the verbs that they belong to."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from . import typed
from .text import WIDTH, camel

if TYPE_CHECKING:
    from .model import Enum, Field, Model, Struct, Type, Verb

_HARD = frozenset({"as", "case", "default", "extension", "func", "import", "in", "init", "is", "operator", "self", "switch"})
_PROTOCOLS = "Codable, Hashable, Sendable"
_EMPTY = {"list": "[]", "map": "[:]", "text": '""', "integer": "0"}


class SwiftTypes(typed.TypedTypes):
    """Writes types of Swift."""

    json_object = "JSONValue"
    plain = {  # noqa: RUF012 - it is never changed
        **typed.TypedTypes.exact,
        "integer": "Int",
        "boolean": "Bool",
        "any": "JSONValue",
        "message": "JSONValue",
        "choice": "[String]",
        "switch": "JSONValue",
        "texts": "[String]",
        "messages": "JSONValue",
        "price_map": "[String: [PriceDraft]]",
        "response_format": "JSONValue",
        "tool_choice": "JSONValue",
        "tools": "[JSONValue]",
    }

    def list_of(self, type_: Type) -> str:
        """Writes a list."""
        return f"[{self.inner(type_)}]"

    def map_of(self, type_: Type) -> str:
        """Writes a mapping from names."""
        return f"[String: {self.inner(type_)}]"


def emit(model: Model) -> dict[str, str]:
    """Returns the files by their names."""
    return _Swift(model, SwiftTypes).files()


class _Swift(typed.Emitter):
    """Writes the files of Swift."""

    def enum(self, enum: Enum) -> str:
        """Writes an enumeration."""
        name = typed.word_name(enum.name)
        lines = [*_comment(enum.doc, ""), f"public enum {name}: String, Codable, Hashable, Sendable, CaseIterable {{"]
        for value, doc in enum.values:
            lines += [*_comment(doc, "    "), f'    case {_name(value.replace(".", "_").replace("-", "_"))} = "{value}"']
        return "\n".join([*lines, "}", ""])

    def result(self, struct: Struct) -> str:
        """Writes an object that results are made of. It is made by hand only where arguments have it too."""
        declared = [_declared(each, self.returned) for each in struct.fields]
        lines = _begin(struct, "let", declared)
        if any(not each.required and _absent(each) != "nil" for each in struct.fields):
            lines += ["", "    public init(from decoder: any Decoder) throws {"]
            lines.append("        let fields = try decoder.container(keyedBy: CodingKeys.self)")
            lines += [f"        {_name(each.name)} = {_read(each, self.returned)}" for each in struct.fields]
            lines.append("    }")
        lines += _initializer(struct, declared) if typed.is_taken(self.model, struct) else []
        return "\n".join([*lines, "}", ""])

    def argument(self, struct: Struct) -> str:
        """Writes an object that arguments are made of."""
        declared = [_given(struct, each, self.taken) for each in struct.fields]
        lines = [*_begin(struct, "var", declared), *_initializer(struct, declared)]
        if any(each.is_secret for each in struct.fields):
            # Without children, so that nothing that prints it shows a secret.
            lines += ["", "    public var customMirror: Mirror { Mirror(self, children: [:]) }"]
        return "\n".join([*lines, "}", ""])

    def verbs(self, name: str, doc: str, verbs: list[Verb]) -> str:
        """Writes a class of verbs."""
        lines = [*_comment(doc, ""), f"public enum {name} {{"]
        for each in verbs:
            result = "NothingReturned" if each.result is None else self.returned.written(each.result)
            lines += _comment(typed.said(each.arguments, each.doc[0]), "    ")
            made = f'Verb<{typed.taken(each)}, {result}>("{each.name}")'
            lines += [f"    public static let {_name(typed.method(each))} = {made}", ""]
        return "\n".join([*lines[:-1], "}", ""])


def _comment(doc: str, indent: str) -> list[str]:
    return [f"{indent}/// {line}" for line in textwrap.wrap(doc, WIDTH - len(indent) - 4)]


def _name(name: str) -> str:
    return f"`{camel(name)}`" if camel(name) in _HARD else camel(name)


def _begin(struct: Struct, word: str, declared: list[str]) -> list[str]:
    """Writes the fields of a structure, and their names in JSON."""
    hidden = ", CustomReflectable" if any(each.is_secret for each in struct.fields) else ""
    lines = [*_comment(typed.said(struct, struct.doc), ""), f"public struct {struct.name}: {_PROTOCOLS}{hidden} {{"]
    for each, type_ in zip(struct.fields, declared, strict=True):
        lines += [*_comment(typed.said(struct, each.doc), "    "), f"    public {word} {_name(each.name)}: {type_}"]
    lines += ["", "    private enum CodingKeys: String, CodingKey {"]
    for each in struct.fields:
        key = "" if camel(each.name) == each.name else f' = "{each.name}"'
        lines.append(f"        case {_name(each.name)}{key}")
    return [*lines, "    }"]


def _initializer(struct: Struct, declared: list[str]) -> list[str]:
    """Writes what makes a structure of its fields."""
    parameters = [
        f"{_name(each.name)}: {type_}{' = nil' if type_.endswith('?') else '' if each.required else f' = {_absent(each)}'}"
        for each, type_ in zip(struct.fields, declared, strict=True)
    ]
    line = f"    public init({', '.join(parameters)}) {{"
    lines = [line] if len(line) <= WIDTH else ["    public init(", *_separated(parameters, "        "), "    ) {"]
    return ["", *lines, *(f"        self.{camel(each.name)} = {_name(each.name)}" for each in struct.fields), "    }"]


def _separated(items: list[str], indent: str) -> list[str]:
    return [f"{indent}{item}{',' if place < len(items) - 1 else ''}" for place, item in enumerate(items)]


def _given(struct: Struct, field: Field, types: SwiftTypes) -> str:
    """Returns the type of an argument; what may be removed is nothing where it is not given, and nil where it is removed."""
    found = types.written(field.type)
    return f"{found}??" if typed.may_be_removed(struct, field) else found if field.required else f"{found}?"


def _absent(field: Field) -> str:
    return "nil" if field.type.nullable else _EMPTY.get(field.type.kind, "nil")


def _declared(field: Field, types: SwiftTypes) -> str:
    found = types.written(field.type)
    is_optional = field.type.nullable or (not field.required and _absent(field) == "nil")
    return f"{found}?" if is_optional else found


def _read(field: Field, types: SwiftTypes) -> str:
    found, key = types.written(field.type), f".{_name(field.name)}"
    if field.required and not field.type.nullable:
        return f"try fields.decode({found}.self, forKey: {key})"
    read = f"try fields.decodeIfPresent({found}.self, forKey: {key})"
    return read if _absent(field) == "nil" else f"{read} ?? {_absent(field)}"

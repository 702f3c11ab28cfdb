"""Swift: `Codable` structures and enumerations, with exact decimals."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .kotlin import NAMES, grouped, words_of
from .python_results import GENERATED, MAPPINGS
from .typescript_results import camel

if TYPE_CHECKING:
    from .model import Enum, Field, Model, Struct, Type

WIDTH = 120
_HARD = frozenset({"as", "case", "default", "extension", "func", "import", "in", "init", "is", "operator", "self", "switch"})
_PLAIN = {
    "text": "String",
    "integer": "Int",
    "number": "Double",
    "boolean": "Bool",
    "decimal": "ExactDecimal",
    "quantity": "ExactQuantity",
    "instant": "ExactInstant",
    "vector": "Vector",
    "any": "JSONValue",
    "message": "JSONValue",
}
_EMPTY = {"list": "[]", "map": "[:]", "text": '""', "integer": "0"}


def emit(model: Model) -> dict[str, str]:
    """Returns the files by their names."""
    groups = grouped(model)
    words = [_enum(each) for each in words_of(model, [struct for group in groups.values() for struct in group])]
    return {"Words": _file(words), **{name: _file([_struct(each) for each in group]) for name, group in groups.items()}}


def _file(parts: list[str]) -> str:
    return "\n".join([f"// {GENERATED}", "", *parts])


def _comment(doc: str, indent: str) -> list[str]:
    return [f"{indent}/// {line}" for line in textwrap.wrap(doc, WIDTH - len(indent) - 4)]


def _name(name: str) -> str:
    return f"`{camel(name)}`" if camel(name) in _HARD else camel(name)


def _enum(enum: Enum) -> str:
    lines = [*_comment(enum.doc, ""), f"public enum {NAMES.get(enum.name, enum.name)}: String, Codable, Hashable, Sendable, CaseIterable {{"]
    for value, doc in enum.values:
        lines += [*_comment(doc, "    "), f'    case {_name(value.replace(".", "_").replace("-", "_"))} = "{value}"']
    return "\n".join([*lines, "}", ""])


def _struct(struct: Struct) -> str:
    fields = struct.fields
    lines = [*_comment(struct.doc, ""), f"public struct {struct.name}: Codable, Hashable, Sendable {{"]
    for each in fields:
        lines += [*_comment(each.doc, "    "), f"    public let {_name(each.name)}: {_declared(each)}"]
    lines += ["", "    private enum CodingKeys: String, CodingKey {"]
    for each in fields:
        key = "" if camel(each.name) == each.name else f' = "{each.name}"'
        lines.append(f"        case {_name(each.name)}{key}")
    lines += ["    }"]
    if any(not _is_plain(each) for each in fields):
        lines += ["", "    public init(from decoder: any Decoder) throws {"]
        lines.append("        let fields = try decoder.container(keyedBy: CodingKeys.self)")
        lines += [f"        {_name(each.name)} = {_read(each)}" for each in fields]
        lines.append("    }")
    return "\n".join([*lines, "}", ""])


def _is_plain(field: Field) -> bool:
    """Tells whether Swift reads a field by itself: it is there, or may be nothing."""
    return field.required or _absent(field) == "nil"


def _absent(field: Field) -> str:
    return "nil" if field.type.nullable else _EMPTY.get(field.type.kind, "nil")


def _declared(field: Field) -> str:
    found = annotation(field.type)
    is_optional = field.type.nullable or (not field.required and _absent(field) == "nil")
    return f"{found}?" if is_optional else found


def _read(field: Field) -> str:
    found, key = annotation(field.type), f".{_name(field.name)}"
    if field.required and not field.type.nullable:
        return f"try fields.decode({found}.self, forKey: {key})"
    read = f"try fields.decodeIfPresent({found}.self, forKey: {key})"
    return read if _absent(field) == "nil" else f"{read} ?? {_absent(field)}"


def annotation(type_: Type) -> str:
    """Returns how a type is written, apart from whether it may be nothing."""
    inner = [annotation(part) + ("?" if part.nullable and part.kind != "any" else "") for part in type_.parts]
    match type_.kind:
        case "list" | "tuple":
            return f"[{inner[0]}]"
        case "map":
            return f"[String: {inner[0]}]"
        case "struct":
            return "JSONValue" if type_.name in MAPPINGS else type_.name
        case "enum":
            return NAMES.get(type_.name, type_.name)
    return _PLAIN[type_.kind]

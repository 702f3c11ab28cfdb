"""Kotlin: data classes and enumerations for kotlinx.serialization, with exact decimals."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .python_results import GENERATED, MAPPINGS, MODULES
from .typescript_results import camel

if TYPE_CHECKING:
    from .model import Enum, Field, Model, Struct, Type

WIDTH = 120
# What stands in a file of its own, by Python's modules; `Results` has the rest.
_FILES = {
    "PriceResults": ("price_results", "price_list_results"),
    "QuoteResults": ("quote_results", "verification_results"),
}
_HARD = frozenset({"object", "when", "in", "is", "as", "fun", "val", "var", "interface", "package", "typealias"})
_PLAIN = {
    "text": "String",
    "integer": "Long",
    "number": "Double",
    "boolean": "Boolean",
    "decimal": "ExactDecimal",
    "quantity": "ExactQuantity",
    "instant": "ExactInstant",
    "vector": "Vector",
    "any": "JsonElement",
    "message": "JsonObject",
}
# Kotlin and Foundation have types of these names that every file sees.
NAMES = {"Unit": "PriceUnit"}
_EMPTY = {"list": "emptyList()", "map": "emptyMap()", "text": '""', "integer": "0"}


def emit(model: Model) -> dict[str, str]:
    """Returns the files by their names."""
    groups = grouped(model)
    words = [_enum(each) for each in words_of(model, [struct for group in groups.values() for struct in group])]
    return {"Words": _file(words), **{name: _file([_struct(each) for each in group]) for name, group in groups.items()}}


def grouped(model: Model) -> dict[str, list[Struct]]:
    """Returns the structs of each file."""
    placed = {name: file for file, modules in _FILES.items() for module in modules for name in MODULES[module][1]}
    groups: dict[str, list[Struct]] = {file: [] for file in (*_FILES, "Results")}
    for struct in model.structs:
        if struct.name not in MAPPINGS:
            groups[placed.get(struct.name, "Results")].append(struct)
    return groups


def words_of(model: Model, structs: list[Struct]) -> list[Enum]:
    """Returns the enumerations that structs use."""
    used = {part.name for struct in structs for each in struct.fields for part in parts_of(each.type)}
    return [each for each in model.enums if each.name in used]


def _file(parts: list[str]) -> str:
    body = "\n".join(parts)
    names = ("SerialName", "Serializable", "json.JsonElement", "json.JsonObject")
    used = [name for name in names if re.search(rf"\b{name.rpartition('.')[2]}\b", body)]
    imports = [f"import kotlinx.serialization.{name}" for name in used]
    return "\n".join([f"// {GENERATED}", "", "package tollway", "", *imports, "", body])


def parts_of(type_: Type) -> list[Type]:
    """Returns a type and all that it is made of."""
    return [type_, *(inner for part in type_.parts for inner in parts_of(part))]


def comment(doc: str, indent: str) -> list[str]:
    """Writes a doc comment, which Kotlin's tools read as Markdown."""
    line = f"{indent}/** {doc} */"
    if len(line) <= WIDTH:
        return [line]
    wrapped = textwrap.wrap(doc, WIDTH - len(indent) - 3)
    return [f"{indent}/**", *(f"{indent} * {each}" for each in wrapped), f"{indent} */"]


def _enum(enum: Enum) -> str:
    lines = [*(comment(enum.doc, "") if enum.doc else []), "@Serializable", f"public enum class {NAMES.get(enum.name, enum.name)} {{"]
    for value, doc in enum.values:
        lines += comment(doc, "    ") if doc else []
        lines += [f'    @SerialName("{value}")', f"    {re.sub(r'[^A-Z0-9]', '_', value.upper())},", ""]
    return "\n".join([*lines[:-1], "}", ""])


def _struct(struct: Struct) -> str:
    lines = [*comment(struct.doc, ""), "@Serializable", f"public data class {struct.name}("]
    for each in struct.fields:
        lines += comment(each.doc, "    ") if each.doc else []
        name = camel(each.name)
        renamed = [f'    @SerialName("{each.name}")'] if name != each.name else []
        shown = f"`{name}`" if name in _HARD else name
        lines += [*renamed, f"    public val {shown}: {_declared(each)},"]
    return "\n".join([*lines, ")", ""])


def _declared(field: Field) -> str:
    found = annotation(field.type)
    if field.has_default and field.type.kind == "enum":
        return f"{found} = {found}.{field.default.upper()}"
    if field.has_default and field.type.kind == "text":
        return f'{found} = "{field.default}"'
    if field.required:
        return f"{found}?" if field.type.nullable else found
    absent = "null" if field.type.nullable else _EMPTY.get(field.type.kind, "null")
    return f"{found}{'?' if absent == 'null' else ''} = {absent}"


def annotation(type_: Type) -> str:
    """Returns how a type is written, apart from whether it may be null."""
    inner = [annotation(part) + ("?" if part.nullable and part.kind != "any" else "") for part in type_.parts]
    match type_.kind:
        case "list":
            return f"List<{inner[0]}>"
        case "tuple":
            return f"List<{inner[0]}>"
        case "map":
            return f"Map<String, {inner[0]}>"
        case "struct":
            return "JsonObject" if type_.name in MAPPINGS else type_.name
        case "enum":
            return NAMES.get(type_.name, type_.name)
    return _PLAIN[type_.kind]

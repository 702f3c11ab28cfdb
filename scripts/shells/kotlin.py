"""Kotlin: data classes and enumerations for kotlinx.serialization, with exact decimals, and the verbs that they belong to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import typed
from .text import WIDTH, block_comment, camel

if TYPE_CHECKING:
    from .model import Enum, Field, Model, Struct, Type, Verb

_HARD = frozenset({"object", "when", "in", "is", "as", "fun", "val", "var", "interface", "package", "typealias"})
_EMPTY = {"list": "emptyList()", "map": "emptyMap()", "text": '""', "integer": "0"}
_IMPORTS = {
    "ListSerializer": "kotlinx.serialization.builtins.ListSerializer",
    "serializer": "kotlinx.serialization.builtins.serializer",
    "SerialName": "kotlinx.serialization.SerialName",
    "Serializable": "kotlinx.serialization.Serializable",
    "JsonElement": "kotlinx.serialization.json.JsonElement",
    "JsonObject": "kotlinx.serialization.json.JsonObject",
}


class KotlinTypes(typed.TypedTypes):
    """Writes types of Kotlin."""

    json_object = "JsonObject"
    plain = {  # noqa: RUF012 - it is never changed
        **typed.TypedTypes.exact,
        "integer": "Long",
        "boolean": "Boolean",
        "any": "JsonElement",
        "message": "JsonObject",
        "choice": "List<String>",
        "switch": "JsonElement",
        "texts": "List<String>",
        "messages": "JsonElement",
        "price_map": "Map<String, List<PriceDraft>>",
        "response_format": "JsonObject",
        "tool_choice": "JsonElement",
        "tools": "List<JsonObject>",
    }

    def list_of(self, type_: Type) -> str:
        """Writes a list."""
        return f"List<{self.inner(type_)}>"

    def map_of(self, type_: Type) -> str:
        """Writes a mapping from names."""
        return f"Map<String, {self.inner(type_)}>"


def emit(model: Model) -> dict[str, str]:
    """Returns the files by their names."""
    return _Kotlin(model, KotlinTypes).files()


class _Kotlin(typed.Emitter):
    """Writes the files of Kotlin."""

    def file(self, parts: list[str]) -> str:
        """Writes a file, with imports of what it uses."""
        body = "\n".join(parts)
        used = [source for name, source in _IMPORTS.items() if re.search(rf"(?<!\w)(?<!s\.){name}\b", body)]
        imports = [f"import {source}" for source in sorted(used)]
        return super().file(["package tollway", "", *imports, *([""] if imports else []), body])

    def enum(self, enum: Enum) -> str:
        """Writes an enumeration."""
        lines = [*(block_comment(enum.doc, "") if enum.doc else []), "@Serializable"]
        lines.append(f"public enum class {typed.word_name(enum.name)} {{")
        for value, doc in enum.values:
            lines += block_comment(doc, "    ") if doc else []
            lines += [f'    @SerialName("{value}")', f"    {re.sub(r'[^A-Z0-9]', '_', value.upper())},", ""]
        return "\n".join([*lines[:-1], "}", ""])

    def result(self, struct: Struct) -> str:
        """Writes an object that results are made of."""
        return _struct(struct, [_result(each, self.returned) for each in struct.fields])

    def argument(self, struct: Struct) -> str:
        """Writes an object that arguments are made of."""
        return _struct(struct, [_argument(struct, each, self.taken) for each in struct.fields])

    def verbs(self, name: str, doc: str, verbs: list[Verb]) -> str:
        """Writes a class of verbs."""
        lines = [*block_comment(doc, ""), f"public object {name} {{"]
        for each in verbs:
            taken = typed.taken(each)
            result, serializer = _returned(each.result, self.returned)
            lines += block_comment(typed.said(each.arguments, each.doc[0]), "    ")
            begin = f"    public val {typed.method(each)}: Verb<{taken}, {result}> ="
            made = f'Verb("{each.name}", {taken}.serializer(), {serializer})'
            lines += [f"{begin} {made}", ""] if len(begin) + len(made) < WIDTH else [begin, f"        {made}", ""]
        return "\n".join([*lines[:-1], "}", ""])


def _struct(struct: Struct, declared: list[str]) -> str:
    lines = [*block_comment(typed.said(struct, struct.doc), ""), "@Serializable", f"public data class {struct.name}("]
    for each, type_ in zip(struct.fields, declared, strict=True):
        lines += block_comment(typed.said(struct, each.doc), "    ") if each.doc else []
        name = camel(each.name)
        lines += [f'    @SerialName("{each.name}")'] if name != each.name else []
        lines.append(f"    public val {f'`{name}`' if name in _HARD else name}: {type_},")
    if any(each.is_secret for each in struct.fields):
        lines += [") {", f'    override fun toString(): String = "{struct.name}(...)"', "}", ""]
        return "\n".join(lines)
    return "\n".join([*lines, ")", ""])


def _result(field: Field, types: KotlinTypes) -> str:
    found = types.written(field.type)
    if field.has_default and field.type.kind == "enum":
        return f"{found} = {found}.{field.default.upper()}"
    if field.has_default and field.type.kind == "text":
        return f'{found} = "{field.default}"'
    if field.required:
        return f"{found}?" if field.type.nullable else found
    absent = "null" if field.type.nullable else _EMPTY.get(field.type.kind, "null")
    return f"{found}{'?' if absent == 'null' else ''} = {absent}"


def _argument(struct: Struct, field: Field, types: KotlinTypes) -> str:
    if typed.may_be_removed(struct, field):
        return "Change? = null"
    found = types.written(field.type)
    return found if field.required else f"{found}? = null"


def _returned(type_: Type | None, types: KotlinTypes) -> tuple[str, str]:
    """Returns what a verb returns, and what reads it."""
    if type_ is None:
        return "Unit", "NothingReturned"
    found = types.written(type_)
    if type_.kind == "list":
        return found, f"ListSerializer({types.written(type_.parts[0])}.serializer())"
    return found, f"{found}.serializer()"

"""Kotlin: data classes and enumerations for kotlinx.serialization, with exact decimals, and the verbs that they belong to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import typed
from .text import WIDTH, block_comment, camel, error_class, laid_out, says_that, sentence

if TYPE_CHECKING:
    from .model import Enum, Field, Model, Noun, Struct, Type, Verb

_HARD = frozenset({"object", "when", "in", "is", "as", "fun", "val", "var", "interface", "package", "typealias"})
# What is no verb to who has an open file, and is written by hand.
_BY_HAND = frozenset({"open", "close", "chat.stream"})
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

    def files(self) -> dict[str, str]:
        """Returns the files by their names."""
        classes = [self.noun(each) for each in self.model.nouns]
        verbs = {each.name: each for each in self.model.verbs}
        apart = [verbs[name] for name in typed.OF_CLOSED_FILES if name in verbs]
        owners = typed.classes(self.model)
        own = [each for each in owners[-1][2] if each not in apart and each.name not in _BY_HAND]
        files = super().files()
        files["Nouns"] = self.file([*classes, self.open_file(own), self.closed_files(apart)])
        tables = [f"{name}Verbs.all" for name, *_ in owners]
        every = laid_out("internal val EVERY_VERB: List<Verb<*, *>> = listOf(", tables, ").flatten()", "")
        files["Verbs"] = "\n".join([files["Verbs"], *every, ""])
        files["ErrorKinds"] = self.file([*(_exception(code, doc) for code, doc in self.model.errors.values), _told(self.model.errors)])
        return files

    def file(self, parts: list[str]) -> str:
        """Writes a file, with imports of what it uses."""
        body = "\n".join(parts)
        used = [source for name, source in _IMPORTS.items() if re.search(rf"(?<!\w)(?<!s\.){name}\b", body)]
        imports = [f"import {source}" for source in sorted(used)]
        return super().file(["package io.tollway", "", *imports, *([""] if imports else []), body])

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
        """Writes how the verbs of a class are written and read."""
        lines = [f"/** The verbs of [{name}]. */", f"internal object {name}Verbs {{"]
        for each in verbs:
            taken = typed.taken(each)
            result, serializer = _returned(each.result, self.returned)
            begin = f"    val {typed.method(each)}: Verb<{taken}, {result}> ="
            made = f'Verb("{each.name}", {taken}.serializer(), {serializer})'
            lines += [f"{begin} {made}"] if len(begin) + len(made) < WIDTH else [begin, f"        {made}"]
        listed = laid_out("val all: List<Verb<*, *>> = listOf(", [typed.method(each) for each in verbs], ")", "    ")
        return "\n".join([*lines, "", *listed, "}", ""])

    def noun(self, noun: Noun) -> str:
        """Writes a class whose methods are verbs."""
        lines = [*block_comment(noun.doc, ""), f"public class {noun.class_name} internal constructor(private val engine: Engine) {{"]
        lines += self.methods(self.model.methods(noun), noun.class_name, "engine.call")
        return "\n".join([*lines[:-1], "}", ""])

    def open_file(self, verbs: list[Verb]) -> str:
        """Writes the class of what is asked of an open file itself."""
        lines = [*block_comment("What is asked of an open file: its verbs, and its nouns.", "")]
        lines.append(f"public abstract class {typed.FILE} internal constructor(internal val engine: Engine) {{")
        for each in self.model.nouns:
            lines += [*block_comment(each.doc[0], "    "), f"    public val {camel(each.name)}: {each.class_name} = {each.class_name}(engine)", ""]
        lines += self.methods(verbs, typed.FILE, "engine.call")
        return "\n".join([*lines[:-1], "}", ""])

    def closed_files(self, verbs: list[Verb]) -> str:
        """Writes the class of what is done to files that nobody has open."""
        lines = ["/** What is done to files that nobody has open. */", "public abstract class ClosedFiles internal constructor() {"]
        lines += self.methods(verbs, typed.FILE, "callApart")
        return "\n".join([*lines[:-1], "}", ""])

    def methods(self, verbs: list[Verb], owner: str, call: str) -> list[str]:
        """Writes the methods of some verbs, each with an empty line behind it."""
        return [line for each in verbs for line in (*self.method(each, owner, call), "")]

    def method(self, verb: Verb, owner: str, call: str) -> list[str]:
        """Writes the method of a verb: with a parameter for each of its arguments, or with one for all of them that have a name."""
        taken, (result, _) = typed.taken(verb), _returned(verb.result, self.returned)
        struct = next((each for each in typed.arguments(self.model) if each.name == taken), verb.arguments)
        fields = struct.fields
        if not fields:
            parameters, given, documented = [], taken, []
        elif is_expanded(verb):
            parameters = [f"{_quoted(each)}: {_argument(struct, each, self.taken)}" for each in fields]
            given = f"{taken}({', '.join(f'{_quoted(each)} = {_quoted(each)}' for each in fields)})"
            documented = [f"@param {camel(each.name)} {typed.said(struct, each.doc)}" for each in fields]
        else:
            may_be_left_out = not any(each.required for each in fields)
            parameters = [f"given: {taken}{f' = {taken}()' if may_be_left_out else ''}"]
            given, documented = "given", []
        throws = [f"@throws {exception_class(kind)} {sentence(clause)}" for kind, clause in verb.errors]
        doc = tuple(typed.said(struct, each) for each in (*verb.doc, *documented, *throws))
        called = f"{call}({owner}Verbs.{typed.method(verb)}, {given})"
        lines = laid_out(f"public suspend fun {typed.method(verb)}(", parameters, f"): {result} =", "    ")
        if len(f"        {called}") > WIDTH:
            inner = laid_out(f"{taken}(", [f"{_quoted(each)} = {_quoted(each)}" for each in fields], ")", "            ")
            called_lines = [f"        {call}(", f"            {owner}Verbs.{typed.method(verb)},", *inner[:-1], f"{inner[-1]},", "        )"]
        else:
            called_lines = [f"        {called}"]
        if len(lines) == 1 and len(called_lines) == 1 and len(lines[0]) + len(called_lines[0]) - 7 <= WIDTH:
            lines, called_lines = [f"{lines[0]} {called_lines[0].strip()}"], []
        return [*block_comment(doc, "    "), *lines, *called_lines]


def is_expanded(verb: Verb) -> bool:
    """Tells whether a method has a parameter for each of a verb's arguments."""
    return verb.is_call or typed.taken(verb).endswith("Arguments")


def exception_class(code: str) -> str:
    """Returns what the class of a kind of error is called."""
    return f"{error_class(code).removesuffix('Error')}Exception"


def _exception(code: str, doc: str) -> str:
    lines = block_comment(says_that(doc), "")
    return "\n".join([*lines, f"public class {exception_class(code)} internal constructor(info: ErrorInfo) : TollwayException(info)", ""])


def _told(errors: Enum) -> str:
    lines = ["/** Makes the exception of an error. */", "internal fun exceptionOf(info: ErrorInfo): TollwayException =", "    when (info.kind) {"]
    lines += [f"        ErrorKind.{code.upper()} -> {exception_class(code)}(info)" for code, _ in errors.values]
    return "\n".join([*lines, "    }", ""])


def _quoted(field: Field) -> str:
    name = camel(field.name)
    return f"`{name}`" if name in _HARD else name


def _struct(struct: Struct, declared: list[str]) -> str:
    seen = "internal" if struct.name.endswith("Arguments") else "public"
    lines = [*block_comment(typed.said(struct, struct.doc), ""), "@Serializable", f"{seen} data class {struct.name}("]
    for each, type_ in zip(struct.fields, declared, strict=True):
        lines += block_comment(typed.said(struct, each.doc), "    ") if each.doc else []
        lines += [f'    @SerialName("{each.name}")'] if camel(each.name) != each.name else []
        lines.append(f"    public val {_quoted(each)}: {type_},")
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

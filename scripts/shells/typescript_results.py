"""TypeScript: interfaces of results, what reads each of them, and what each verb returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import block_comment, camel
from .typescript_text import PLAIN, TypeScriptTypes, file, key

if TYPE_CHECKING:
    from .model import Field, Model, Struct, Type

# What is worked out of other fields: its name, its type, what it is, and the function of `derived.ts` that does it.
_DERIVED = {
    "PriceUpdate": ("changes", "readonly PriceProposal[]", "The proposals that applying writes.", "changesOf"),
    "Verification": ("isSound", "boolean", "Whether nothing is wrong.", "isSound"),
}
_WIRE = ("listOf", "nothing", "orNull", "vectorOf")
_EMPTY = {"list": "[]", "map": "{}", "text": "''", "integer": "0"}


class ResultTypes(TypeScriptTypes):
    """Writes types of results. Words are text."""

    plain = {  # noqa: RUF012 - it is never changed
        **PLAIN,
        "decimal": "string",
        "quantity": "Quantity",
        "instant": "string",
        "vector": "Float32Array",
        "message": "Message",
        "window": "string",
    }

    def enum(self, name: str) -> str:  # noqa: ARG002 - words are text
        """Writes words."""
        return "string"


def emit(model: Model) -> dict[str, str]:
    """Returns the files by their names."""
    files = _Files(model)
    nouns = sorted({each.noun for each in files.structs})
    written = {f"results/{noun.replace('_', '-')}": files.of(noun) for noun in nouns}
    exports = "\n".join(f"export type * from './results/{noun.replace('_', '-')}.js';" for noun in nouns)
    doc = (
        "What calls return: plain objects, which JSON and workers can carry. Amounts are decimal texts, token counts numbers, "
        "and instants RFC 3339 texts in UTC, each as exact as the ledger has it."
    )
    return {**written, "results": file(doc, {}, exports), "decode": files.decoders()}


class _Files:
    """The files of results."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._types = ResultTypes()
        self._data = {each.name for each in model.structs if each.is_data}
        self.structs = [each for each in model.structs if not each.is_data]

    def of(self, noun: str) -> str:
        """Returns the file of a noun."""
        own = [each for each in self.structs if each.noun == noun]
        body = "\n".join([*(self._interface(each) for each in own), *(self._decoder(each) for each in own)])
        sources: dict[str, dict[str, tuple[str, ...]]] = {
            "../arguments/prices.js": {"import type": ("Conditions",)},
            "../derived.js": {"import": tuple(each[3] for each in _DERIVED.values())},
            "../shapes.js": {"import type": ("Message", "Quantity")},
            "../wire.js": {"import type": ("Wire",), "import": _WIRE},
        }
        for each in self.structs:
            if each.noun != noun:
                kinds = sources.setdefault(f"./{each.noun.replace('_', '-')}.js", {"import type": (), "import": ()})
                kinds["import type"] = (*kinds["import type"], each.name)
                kinds["import"] = (*kinds["import"], f"decode{each.name}")
        return file(f"Results about {noun.replace('_', ' ')}, and what reads them.", sources, body)

    def _interface(self, struct: Struct) -> str:
        parent = self._model.record(struct.extends)
        lines = block_comment(struct.doc, "")
        lines.append(f"export interface {struct.name}{f' extends {parent.name}' if parent else ''} {{")
        for each in struct.fields:
            if parent is None or each not in parent.fields:
                lines += block_comment(each.doc, "  ") if each.doc else []
                lines.append(f"  readonly {camel(each.name)}: {self._declared(each)};")
        if struct.name in _DERIVED:
            name, type_, doc, _ = _DERIVED[struct.name]
            lines += [*block_comment(doc, "  "), f"  readonly {name}: {type_};"]
        return "\n".join([*lines, "}", ""])

    def _declared(self, field: Field) -> str:
        found = self._types.written(field.type)
        may_be_null = field.type.nullable or (not field.required and self._absent(field) == "null")
        return f"{found} | null" if may_be_null and found != "unknown" else found

    def _is_data(self, type_: Type) -> bool:
        return type_.kind == "struct" and type_.name in self._data

    def _absent(self, field: Field) -> str:
        """Returns what a field is that the engine leaves out."""
        if field.has_default:
            return f"'{field.default}'" if field.type.kind in {"text", "enum"} else str(field.default)
        if field.type.nullable or field.required:
            return "null"
        return "{}" if self._is_data(field.type) else _EMPTY.get(field.type.kind, "null")

    def _is_read(self, type_: Type) -> bool:
        """Tells whether something inside of a type has names that must be changed."""
        return any(each.kind == "struct" and not self._is_data(each) for each in type_.all())

    def _decoder(self, struct: Struct) -> str:
        lines = [*block_comment(f"Reads `{struct.name}`.", ""), f"export function decode{struct.name}(value: Wire): {struct.name} {{"]
        fields = [f"    {camel(each.name)}: {self._read(each)}," for each in struct.fields]
        if struct.name in _DERIVED:
            name, _, _, function = _DERIVED[struct.name]
            lines += ["  const fields = {", *fields, "  };", f"  return {{ ...fields, {name}: {function}(fields) }};"]
        else:
            lines += ["  return {", *fields, "  };"]
        return "\n".join([*lines, "}", ""])

    def _read(self, field: Field) -> str:
        value = f"value['{field.name}']"
        if field.type.kind == "list" and field.type.parts[0].kind == "vector":
            return f"{value}.map(vectorOf)"
        is_sure = field.required and not field.type.nullable and not field.has_default
        if not self._is_read(field.type):
            return value if is_sure or (field.required and not field.has_default) else f"{value} ?? {self._absent(field)}"
        if field.type.kind == "list":
            inner = field.type.parts[0]
            return f"{value if is_sure else f'({value} ?? [])'}.map(decode{inner.name})"
        return f"decode{field.type.name}({value})" if is_sure else f"orNull({value}, decode{field.type.name})"

    def decoders(self) -> str:
        """Returns the file that says what each verb returns, and what reads it."""
        verbs = [each for each in self._model.verbs if each.name != "chat.stream"]
        lines = [
            "/** What each verb returns. */",
            "export interface Results {",
            *(f"  readonly {key(each.name)}: {self._returned(each.result)};" for each in verbs),
            "}",
            "",
            "/** What reads the result of each verb. */",
            "export const DECODERS: { readonly [Verb in keyof Results]: (value: never) => Results[Verb] } = {",
            *(f"  {key(each.name)}: {_reader(each.result)}," for each in verbs),
            "};",
        ]
        sources: dict[str, dict[str, tuple[str, ...]]] = {
            "./results.js": {"import type": tuple(each.name for each in self.structs)},
            "./wire.js": {"import": _WIRE},
        }
        for each in self.structs:
            kinds = sources.setdefault(f"./results/{each.noun.replace('_', '-')}.js", {"import": ()})
            kinds["import"] = (*kinds["import"], f"decode{each.name}")
        doc = "How results are read: names to camelCase, and what the engine leaves out where there is none of it."
        return file(doc, sources, "\n".join(lines))

    def _returned(self, type_: Type | None) -> str:
        if type_ is None:
            return "undefined"
        return f"{type_.parts[0].name}[]" if type_.kind == "list" else self._types.written(type_)


def _reader(type_: Type | None) -> str:
    if type_ is None:
        return "nothing"
    if type_.kind == "list":
        return f"listOf(decode{type_.parts[0].name})"
    return f"decode{type_.name}" if type_.kind == "struct" else {"text": "String", "boolean": "Boolean"}[type_.kind]

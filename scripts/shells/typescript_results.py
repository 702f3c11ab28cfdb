"""TypeScript: interfaces, what reads each of them, and what each verb returns."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .python_results import EXTENDS, GENERATED, MAPPINGS, MODULES, parents_first

if TYPE_CHECKING:
    from .model import Field, Model, Struct, Type

WIDTH = 120
# What is worked out of other fields: its name, its type, what it is, and the function of `derived.ts` that does it.
DERIVED = {
    "PriceUpdate": ("changes", "readonly PriceProposal[]", "The proposals that applying writes.", "changesOf"),
    "Verification": ("isSound", "boolean", "Whether nothing is wrong.", "isSound"),
}
_FILES = {
    "price-results": (
        "What prices and rates look like when they come back. Amounts are decimal texts, instants RFC 3339 texts.",
        {*MODULES["price_results"][1], *MODULES["price_list_results"][1]},
    ),
    "results": (
        "What calls return: plain objects, which JSON and workers can carry. Amounts are decimal texts, token counts "
        "numbers, and instants RFC 3339 texts in UTC, each as exact as the ledger has it.",
        None,
    ),
}
_PLAIN = {
    "text": "string",
    "enum": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "decimal": "string",
    "quantity": "Quantity",
    "instant": "string",
    "vector": "Float32Array",
    "any": "unknown",
    "message": "Message",
}


def emit(model: Model) -> dict[str, str]:
    """Returns the files by their names."""
    structs = parents_first([struct for struct in model.structs if struct.name not in MAPPINGS])
    prices = _FILES["price-results"][1] or set()
    groups = {
        "price-results": [each for each in structs if each.name in prices],
        "results": [each for each in structs if each.name not in prices],
    }
    files = {name: _declarations(name, group, groups) for name, group in groups.items()}
    return {**files, "decode": _decoders(model, structs, groups)}


def _declarations(name: str, structs: list[Struct], groups: dict[str, list[Struct]]) -> str:
    interfaces = [_interface(struct, groups) for struct in structs]
    if name == "price-results":
        doc = "/** A quantity: a number where it is whole, else a decimal text. */"
        interfaces.insert(0, f"{doc}\nexport type Quantity = number | string;\n")
    body = "\n".join(interfaces)
    sources = {"./types.js": ["Conditions", "Message"]}
    if name == "results":
        sources["./price-results.js"] = ["Quantity", *(each.name for each in groups["price-results"])]
    return "\n".join([*comment(_FILES[name][0], ""), f"// {GENERATED}", "", *imports(sources, body), "", body])


def imports(sources: dict[str, list[str]], body: str, kind: str = "import type") -> list[str]:
    """Writes the imports of what a file uses, of what others have."""
    words = set(re.findall(r"\w+", re.sub(r"/\*\*.*?\*/", "", body, flags=re.DOTALL)))
    lines: list[str] = []
    for source, names in sorted(sources.items()):
        used = sorted((name for name in names if name in words), key=str.lower)
        line = f"{kind} {{ {', '.join(used)} }} from '{source}';"
        if used:
            lines += [line] if len(line) <= WIDTH else [f"{kind} {{", *(f"  {each}," for each in used), f"}} from '{source}';"]
    return lines


def _interface(struct: Struct, groups: dict[str, list[Struct]]) -> str:
    parent = EXTENDS.get(struct.name)
    known = {each.name for group in groups.values() for other in group if other.name == parent for each in other.fields}
    lines = comment(struct.doc, "")
    lines.append(f"export interface {struct.name}{f' extends {parent}' if parent else ''} {{")
    for each in struct.fields:
        if each.name not in known:
            lines += comment(each.doc, "  ") if each.doc else []
            lines.append(f"  readonly {camel(each.name)}: {_declared(each)};")
    if struct.name in DERIVED:
        name, type_, doc, _ = DERIVED[struct.name]
        lines += [*comment(doc, "  "), f"  readonly {name}: {type_};"]
    return "\n".join([*lines, "}", ""])


def comment(doc: str, indent: str) -> list[str]:
    """Writes a doc comment."""
    line = f"{indent}/** {doc} */"
    if len(line) <= WIDTH:
        return [line]
    wrapped = textwrap.wrap(doc, WIDTH - len(indent) - 3)
    return [f"{indent}/**", *(f"{indent} * {each}" for each in wrapped), f"{indent} */"]


def camel(name: str) -> str:
    """Writes a name as JavaScript writes names."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def _declared(field: Field) -> str:
    found = annotation(field.type)
    may_be_null = field.type.nullable or (not field.required and _absent(field) == "null")
    return f"{found} | null" if may_be_null and found != "unknown" else found


def annotation(type_: Type) -> str:
    """Returns how a type is written, apart from whether it may be null."""
    inner = [annotation(part) + (" | null" if part.nullable else "") for part in type_.parts]
    match type_.kind:
        case "list":
            return f"readonly ({inner[0]})[]" if "|" in inner[0] else f"readonly {inner[0]}[]"
        case "tuple":
            return f"readonly [{', '.join(inner)}]"
        case "map":
            return f"Readonly<Record<string, {inner[0]}>>"
        case "struct":
            return type_.name
    return _PLAIN[type_.kind]


def _absent(field: Field) -> str:
    """Returns what a field is that the engine leaves out."""
    if field.has_default:
        return f"'{field.default}'" if field.type.kind in {"text", "enum"} else str(field.default)
    if field.type.nullable or field.required:
        return "null"
    if field.type.kind == "struct" and field.type.name in MAPPINGS:
        return "{}"
    return {"list": "[]", "map": "{}", "text": "''", "integer": "0"}.get(field.type.kind, "null")


def _is_read(type_: Type) -> bool:
    """Tells whether something inside of a type has names that must be changed."""
    is_struct = type_.kind == "struct" and type_.name not in MAPPINGS
    return is_struct or any(_is_read(part) for part in type_.parts)


def _read(field: Field) -> str:
    value = f"value['{field.name}']"
    if field.type.kind == "list" and field.type.parts[0].kind == "vector":
        return f"{value}.map(vectorOf)"
    is_sure = field.required and not field.type.nullable and not field.has_default
    if not _is_read(field.type):
        return value if is_sure or (field.required and not field.has_default) else f"{value} ?? {_absent(field)}"
    if field.type.kind == "list":
        inner = field.type.parts[0]
        return f"{value if is_sure else f'({value} ?? [])'}.map(decode{inner.name})"
    return f"decode{field.type.name}({value})" if is_sure else f"orNull({value}, decode{field.type.name})"


def _decoder(struct: Struct) -> str:
    lines = [f"function decode{struct.name}(value: Wire): {struct.name} {{"]
    fields = [f"    {camel(each.name)}: {_read(each)}," for each in struct.fields]
    if struct.name in DERIVED:
        name, _, _, function = DERIVED[struct.name]
        lines += ["  const fields = {", *fields, "  };", f"  return {{ ...fields, {name}: {function}(fields) }};"]
    else:
        lines += ["  return {", *fields, "  };"]
    return "\n".join([*lines, "}", ""])


def _decoders(model: Model, structs: list[Struct], groups: dict[str, list[Struct]]) -> str:
    body = "\n".join(_decoder(struct) for struct in structs)
    body = body.replace("function decodeStreamEvent", "/** Reads an event of a stream. */\nexport function decodeStreamEvent")
    verbs = [verb for verb in model.results if verb != "chat.stream"]
    returned = [f"  readonly {_key(verb)}: {_returned(model.results[verb])};" for verb in verbs]
    readers = [f"  {_key(verb)}: {_reader(model.results[verb])}," for verb in verbs]
    table = "\n".join(
        [
            "/** What each verb returns. */",
            "export interface Results {",
            *returned,
            "}",
            "",
            "/** What reads the result of each verb. */",
            "export const DECODERS: { readonly [Verb in keyof Results]: (value: never) => Results[Verb] } = {",
            *readers,
            "};",
            "",
        ]
    )
    everything = f"{body}\n{table}"
    sources = {f"./{name}.js": [each.name for each in group] for name, group in groups.items()}
    functions = imports({"./derived.js": [each[3] for each in DERIVED.values()]}, everything, "import")
    wire = "import { listOf, nothing, orNull, vectorOf, type Wire } from './wire.js';"
    doc = "/** How results are read: names to camelCase, and what the engine leaves out where there is none of it. */"
    lines = [*functions, *imports(sources, everything), wire]
    return "\n".join([doc, f"// {GENERATED}", "", *lines, "", everything])


def _key(verb: str) -> str:
    return verb if verb.isidentifier() else f"'{verb}'"


def _returned(type_: Type | None) -> str:
    if type_ is None:
        return "undefined"
    return f"{type_.parts[0].name}[]" if type_.kind == "list" else annotation(type_)


def _reader(type_: Type | None) -> str:
    if type_ is None:
        return "nothing"
    if type_.kind == "list":
        return f"listOf(decode{type_.parts[0].name})"
    return f"decode{type_.name}" if type_.kind == "struct" else {"text": "String", "boolean": "Boolean"}[type_.kind]

"""TypeScript: the shapes of arguments as interfaces, their words as unions, and how each field is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import null_is_absent, own_fields, pages, shapes
from .model import Enum
from .text import WIDTH, block_comment, camel, constant, renamed
from .typescript_text import PLAIN, TypeScriptTypes, file, literal, shape_name, wrapped

if TYPE_CHECKING:
    from .model import Field, Model, Struct, Type

_PRICE_MAP = """/** Prices by meter, or `modifier`: one, or a list of them. */
export type PriceMap = { readonly [meter in Meter | 'modifier']?: PriceDraft | readonly PriceDraft[] };
"""
_WRITERS = {
    "decimal": "moneyText",
    "quantity": "moneyText",
    "instant": "instantText",
    "path": "pathText",
    "price_map": "PRICE_MAP",
    "tuple": "pairText",
}


class ShapeTypes(TypeScriptTypes):
    """Writes types of arguments."""

    plain = {  # noqa: RUF012 - it is never changed
        **PLAIN,
        "decimal": "Amount",
        "quantity": "Amount",
        "instant": "Instant",
        "path": "string | URL",
        "choice": "OneOf",
        "switch": "boolean | OneOf",
        "messages": "Messages",
        "price_map": "PriceMap",
        "window": "Window",
        "texts": "string | readonly string[]",
        "tools": "readonly (Tool | VendorTool)[]",
        "tool_choice": "string | Readonly<Record<string, unknown>>",
        "response_format": "Readonly<Record<string, unknown>>",
    }

    def __init__(self, model: Model) -> None:
        self._model = model

    def inner(self, type_: Type) -> str:
        """Returns how a type is written inside of another: arguments inside of arguments are never null."""
        return self.written(type_)

    def tuple_of(self, types: tuple[Type, ...]) -> str:
        """Writes a key and its value."""
        key, value = (self.written(each) for each in types)
        return f"readonly [key: {key}, value: {value}]"

    def struct(self, name: str) -> str:
        """Writes an object."""
        return shape_name(self._model, name)

    def writer(self, type_: Type) -> str:
        """Returns the function that writes a value which is there."""
        match type_.kind:
            case "list" | "map" if self.writer(type_.parts[0]) != "asIs":
                detail = f"nothing writes a {type_.kind} of {type_.parts[0].kind}; teach fields.ts"
                raise ValueError(detail)
            case "struct":
                return "exact" if self._model.shape(type_.name).is_data else f"write{type_.name}"
        return _WRITERS.get(type_.kind, "asIs")


def emit(model: Model) -> dict[str, str]:
    """Returns the files of argument types by their names."""
    types = ShapeTypes(model)
    parts = [*model.words, *shapes(model)]
    nouns = sorted({each.noun for each in parts})
    files = {f"arguments/{noun.replace('_', '-')}": _file(model, noun, parts, types) for noun in nouns}
    exports = "\n".join(f"export type * from './arguments/{noun.replace('_', '-')}.js';" for noun in nouns)
    return {**files, "arguments": file("The shapes of arguments that the engine has itself.", {}, exports)}


def _file(model: Model, noun: str, parts: list[Struct | Enum], types: ShapeTypes) -> str:
    own = [each for each in parts if each.noun == noun]
    nested = {part.name for each in parts if not isinstance(each, Enum) for field in each.fields for part in field.type.all()}
    written = []
    for each in own:
        if isinstance(each, Enum):
            written.append(_enum(each))
            continue
        written.append(_interface(model, each, types))
        written += [_PRICE_MAP] if each.name == "PriceDraft" else []
    written += [_fields(model, each, nested, types) for each in own if not isinstance(each, Enum) and not each.is_data]
    if any(each.name == "PriceDraft" for each in own):
        written.append("/** Writes prices by meter. */\nexport const PRICE_MAP = byMeter(PRICE_DRAFT);\n")
    calls = {verb.arguments.name for verb in model.verbs if verb.is_call}
    written += [_abortable(each) for each in own if each.name in calls]
    written += [_iterating(verb.arguments) for verb in model.verbs if verb.noun == noun and pages(model, verb)]
    sources: dict[str, dict[str, tuple[str, ...]]] = {
        "../fields.js": {
            "import type": ("Fields",),
            "import": ("asIs", "byMeter", "exact", "instantText", "moneyText", "objectOf", "pairText", "pathText"),
        },
        "../shapes.js": {"import type": ("Abortable", "Amount", "Instant", "Messages", "OneOf", "Tool", "VendorTool", "Window")},
    }
    for each in parts:
        if each.noun != noun:
            kinds = sources.setdefault(f"./{each.noun.replace('_', '-')}.js", {"import type": (), "import": ()})
            name = each.name if isinstance(each, Enum) else shape_name(model, each.name)
            kinds["import type"] = (*kinds["import type"], name, *(["PriceMap"] if name == "PriceDraft" else []))
            kinds["import"] = (*kinds["import"], constant(each.name), f"write{each.name}", *(["PRICE_MAP"] if name == "PriceDraft" else []))
    return file(f"Shapes of arguments about {noun.replace('_', ' ')}, and how they are written.", sources, "\n".join(written))


def _enum(enum: Enum) -> str:
    words = [f"'{value}'" for value, _ in enum.values]
    line = f"export type {enum.name} = {' | '.join(words)};"
    if len(line) > WIDTH:
        line = "\n".join([f"export type {enum.name} =", *(f"  | {word}" for word in words)]) + ";"
    return "\n".join([*(block_comment(enum.doc, "") if enum.doc else []), line, ""])


def _interface(model: Model, struct: Struct, types: ShapeTypes) -> str:
    extends = f" extends {struct.extends}" if struct.extends else ""
    lines = [*block_comment(struct.doc, ""), f"export interface {shape_name(model, struct.name)}{extends} {{"]
    names = [each.name for each in struct.fields]
    for each in own_fields(model, struct):
        lines += block_comment(renamed(each.doc, names, camel), "  ") if each.doc else []
        name = each.name if struct.is_data else camel(each.name)
        lines.append(f"  readonly {name}{'' if each.required else '?'}: {_declared(struct, each, types)};")
    return "\n".join([*lines, "}", ""])


def _declared(struct: Struct, field: Field, types: ShapeTypes) -> str:
    found = types.written(field.type)
    is_null = null_is_absent(struct) or (field.type.nullable and not struct.is_data)
    return f"{found} | null" if is_null and not field.required and found != "unknown" else found


def _fields(model: Model, struct: Struct, nested: set[str], types: ShapeTypes) -> str:
    """Writes how the fields of a shape are written, and the function that writes the shape where others have it."""
    items = [f"...{constant(struct.extends)}"] if struct.extends else []
    items += [f"{camel(each.name)}: {types.writer(each.type)}" for each in own_fields(model, struct)]
    name = constant(struct.name)
    lines = [f"/** How the fields of `{struct.name}` are written. */", *wrapped(f"export const {name}: Fields = {{", items, "};")]
    if struct.name in nested and struct.example is not None:
        lines += ["", f"/** Writes `{struct.name}`. */", f"export const write{struct.name} = objectOf({name}, '{literal(struct.example)}');"]
    return "\n".join([*lines, ""])


def _abortable(parameters: Struct) -> str:
    """Writes the interface of what follows the arguments of a call: its parameters, and what gives it up."""
    doc = f"{parameters.doc.partition(':')[0]}, and the signal that gives it up."
    name = f"{parameters.name.removesuffix('Parameters')}Options"
    return "\n".join([*block_comment(doc, ""), f"export interface {name} extends {parameters.name}, Abortable {{}}", ""])


def _iterating(arguments: Struct) -> str:
    doc = "Which records to read page by page, and how."
    return f"/** {doc} */\nexport type IterateOptions = Omit<{arguments.name}, 'limit' | 'cursor'>;\n"

"""TypeScript: the shapes of arguments as interfaces, and their words as unions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import is_call, is_null_absent, prepared
from .model import Enum, Struct
from .python_results import GENERATED
from .typescript_results import WIDTH, camel, comment, imports

if TYPE_CHECKING:
    from .model import Field, Model, Type

_NAMES = {"Rounding": "RoundingInput", "Modifier": "ModifierInput"}
# Names that are those of price lists, and stay as they are.
_DATA = frozenset({"Calendar", "Conditions", "Hours", "Range"})
# What another shape takes too, and is a shape of its own here: where it is in, what it is, and its first field.
_CALL_OPTIONS = ("ChatParameters", "CallOptions", "What Tollway does with a call.", "user")
_PLAIN = {
    "text": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "decimal": "Amount",
    "quantity": "Amount",
    "instant": "Instant",
    "any": "unknown",
    "choice": "OneOf",
    "switch": "boolean | OneOf",
    "price_map": "PriceMap",
    "stop": "string | readonly string[]",
    "tools": "readonly (Tool | VendorTool)[]",
    "tool_choice": "string | Readonly<Record<string, unknown>>",
    "response_format": "Readonly<Record<string, unknown>>",
}
_PRICE_MAP = """/** Prices by meter, or `modifier`: one, or a list of them. */
export type PriceMap = { readonly [meter in Meter | 'modifier']?: PriceInput | readonly PriceInput[] };
"""


def emit(model: Model) -> dict[str, str]:
    """Returns the file of argument types by its name."""
    parts: list[str] = []
    for each in prepared(model):
        parts += [_enum(each)] if isinstance(each, Enum) else [_interface(part) for part in _split(each)]
        if each.name == "PriceInput":
            parts.append(_PRICE_MAP)
        # That of chats stands beside the rest of them, by hand.
        if isinstance(each, Struct) and is_call(each) and each.name != _CALL_OPTIONS[0]:
            parts.append(_options(each))
    body = "\n".join(parts)
    doc = "/** The shapes of arguments that the engine has itself. */"
    used = imports({"./shapes.js": ["Abortable", "Amount", "Instant", "OneOf", "Tool", "VendorTool"]}, body)
    return {"arguments": "\n".join([doc, f"// {GENERATED}", "", *used, "", body])}


def _split(struct: Struct) -> list[Struct]:
    owner, name, doc, first = _CALL_OPTIONS
    if not is_call(struct):
        return [struct]
    place = next(place for place, each in enumerate(struct.fields) if each.name == first)
    own = Struct(struct.name, struct.doc, struct.fields[:place], extends=name)
    return [Struct(name, doc, struct.fields[place:]), own] if struct.name == owner else [own]


def _options(struct: Struct) -> str:
    """Returns the interface of what follows the arguments of a call: its parameters, and what gives it up."""
    name = struct.name.removesuffix("Parameters")
    lines = comment(f"{struct.doc.partition(':')[0]}, and the signal that gives it up.", "")
    return "\n".join([*lines, f"export interface {name}Options extends {struct.name}, Abortable {{}}", ""])


def _enum(enum: Enum) -> str:
    words = [f"'{value}'" for value, _ in enum.values]
    line = f"export type {enum.name} = {' | '.join(words)};"
    if len(line) > WIDTH:
        line = "\n".join([f"export type {enum.name} =", *(f"  | {word}" for word in words)]) + ";"
    return "\n".join([*(comment(enum.doc, "") if enum.doc else []), line, ""])


def _interface(struct: Struct) -> str:
    extends = f" extends {struct.extends}" if struct.extends else ""
    lines = [*comment(struct.doc, ""), f"export interface {_NAMES.get(struct.name, struct.name)}{extends} {{"]
    for each in struct.fields:
        lines += comment(each.doc, "  ") if each.doc else []
        name = each.name if struct.name in _DATA else camel(each.name)
        lines.append(f"  readonly {name}{'' if each.required else '?'}: {_declared(struct, each)};")
    return "\n".join([*lines, "}", ""])


def _declared(struct: Struct, field: Field) -> str:
    found = annotation(field.type)
    absent = is_null_absent(struct.name) or struct.name in {"CallOptions", "Rounding"}
    is_null = field.type.nullable if struct.name == "ModelChanges" else absent
    return f"{found} | null" if is_null and not field.required and found != "unknown" else found


def annotation(type_: Type) -> str:
    """Returns how a type is written, apart from whether it may be null."""
    match type_.kind:
        case "list":
            return f"readonly {annotation(type_.parts[0])}[]"
        case "map":
            return f"Readonly<Record<string, {annotation(type_.parts[0])}>>"
        case "enum":
            return type_.name
        case "struct":
            return _NAMES.get(type_.name, type_.name)
    return _PLAIN[type_.kind]

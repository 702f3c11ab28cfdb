"""Python: the shapes of arguments as typed dictionaries, and their words as literals."""

from __future__ import annotations

import keyword
import textwrap
from typing import TYPE_CHECKING

from .arguments import is_null_absent, prepared
from .model import Enum
from .python_results import GENERATED, WIDTH, summary

if TYPE_CHECKING:
    from .model import Field, Model, Struct, Type

_NAMES = {"Settings": "SettingsParameters"}
# Records that a result has and an argument may be.
_RECORDS = {"Rounding": "price_results.Rounding", "Modifier": "price_results.Modifier"}
_PLAIN = {
    "text": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "decimal": "Amount",
    "quantity": "Amount",
    "instant": "Instant",
    "any": "Any",
    "choice": "Choice",
    "switch": "bool | Choice",
    "price_map": "PriceMap",
    "stop": "str | Sequence[str]",
    "tools": "Sequence[Tool | Mapping[str, Any]]",
    "tool_choice": "str | Mapping[str, Any]",
    "response_format": "Mapping[str, Any]",
}
_PRICE_MAP = '''_OnePrice: TypeAlias = PriceInput | Mapping[str, Any]
PriceMap: TypeAlias = Mapping[str, _OnePrice | Sequence[_OnePrice]]
"""Prices by meter, or `modifier`: one, or a list of them."""
'''


def emit(model: Model) -> dict[str, str]:
    """Returns the module of argument types by its name."""
    parts: list[str] = []
    for each in prepared(model):
        parts.append(_enum(each) if isinstance(each, Enum) else _struct(each))
        if each.name == "PriceInput":
            parts.append(_PRICE_MAP)
    body = "\n\n".join(parts)
    names = [_NAMES.get(each.name, each.name) for each in prepared(model)]
    exported = ["__all__ = [", *(f'    "{name}",' for name in sorted([*names, "PriceMap"])), "]"]
    head = [
        '"""The shapes of arguments that the engine has itself."""',
        "",
        f"# {GENERATED}",
        "",
        "from collections.abc import Mapping, Sequence",
        "from typing import Any, Literal, TypeAlias, TypedDict",
        "",
        "from . import price_results",
        "from ._shapes import Amount, Choice, Instant, Tool",
        "",
        *exported,
        "",
    ]
    return {"_arguments": "\n".join(head) + "\n" + body}


def _enum(enum: Enum) -> str:
    words = [f'"{value}"' for value, _ in enum.values]
    line = f"{enum.name}: TypeAlias = Literal[{', '.join(words)}]"
    if len(line) > WIDTH:
        line = "\n".join([f"{enum.name}: TypeAlias = Literal[", *(f"    {word}," for word in words), "]"])
    doc = textwrap.wrap(f'"""{enum.doc}"""', WIDTH) if enum.doc else []
    return "\n".join([line, *doc, ""])


def _struct(struct: Struct) -> str:
    name = _NAMES.get(struct.name, struct.name)
    if any(keyword.iskeyword(each.name) for each in struct.fields):
        fields = [f'"{each.name}": {_annotation(struct, each)}' for each in struct.fields]
        total = "" if all(each.required for each in struct.fields) else ", total=False"
        lines = textwrap.wrap(f'"""{struct.doc}"""', WIDTH)
        return "\n".join([f'{name} = TypedDict("{name}", {{{", ".join(fields)}}}{total})', *lines, ""])
    required = [each for each in struct.fields if each.required]
    optional = [each for each in struct.fields if not each.required]
    lines: list[str] = []
    base = "TypedDict"
    if required:
        base = f"_{name}"
        lines += [f"class {base}(TypedDict):", *(f"    {each.name}: {_annotation(struct, each)}" for each in required), "", ""]
    parent = struct.extends or base
    lines += [f"class {name}({parent}, total=False):", *_doc(struct), ""]
    lines += [f"    {each.name}: {_annotation(struct, each)}" for each in optional]
    return "\n".join([*lines, ""])


def _doc(struct: Struct) -> list[str]:
    lines = summary(struct.doc)
    said = [each for each in struct.fields if each.doc]
    if said:
        lines += ["", "Attributes:"]
        for each in said:
            text = f"{each.name}: {each.doc}"
            lines += textwrap.wrap(text, WIDTH - 4, initial_indent="    ", subsequent_indent="        ")
    if len(lines) > 1:
        lines.append('"""')
    else:
        lines[-1] += '"""'
    return [f"    {line}" if line else "" for line in lines]


def _annotation(struct: Struct, field: Field) -> str:
    found = annotation(field.type)
    is_null = field.type.nullable if struct.name == "ModelChanges" else is_null_absent(struct.name)
    return f"{found} | None" if is_null and not field.required and found != "Any" else found


def annotation(type_: Type) -> str:
    """Returns how a type is annotated, apart from whether it may be null."""
    match type_.kind:
        case "list":
            return f"Sequence[{annotation(type_.parts[0])}]"
        case "map":
            return f"Mapping[str, {annotation(type_.parts[0])}]"
        case "enum":
            return type_.name
        case "struct":
            record = f" | {_RECORDS[type_.name]}" if type_.name in _RECORDS else ""
            return f"{type_.name}{record} | Mapping[str, Any]"
    return _PLAIN[type_.kind]

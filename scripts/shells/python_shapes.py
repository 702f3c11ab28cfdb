"""Python: the shapes of arguments as typed dictionaries, their words as literals, and how what is not plain is written."""

from __future__ import annotations

import json
import keyword
import textwrap
from typing import TYPE_CHECKING

from .arguments import is_spelled_out, null_is_absent, own_fields, shapes
from .model import Enum
from .python_text import PLAIN, PythonTypes, docstring, module
from .text import WIDTH, constant, laid_out

if TYPE_CHECKING:
    from .model import Field, Model, Struct, Type

# What other names there are in Python.
NAMES = {"Settings": "SettingsParameters"}
_PRICE_MAP = '''_OnePrice: TypeAlias = PriceDraft | Mapping[str, Any]
PriceMap: TypeAlias = Mapping[str, _OnePrice | Sequence[_OnePrice]]
"""Prices by meter, or `modifier`: one, or a list of them."""
'''
_WRITERS = {"decimal": "money_text", "quantity": "money_text", "instant": "instant_text", "path": "path_text", "tuple": "pair"}


class ShapeTypes(PythonTypes):
    """Writes types of arguments. Where a mapping is taken, any other with the same content is too, and a record of its name."""

    plain = {  # noqa: RUF012 - it is never changed
        **PLAIN,
        "decimal": "Amount",
        "quantity": "Amount",
        "instant": "Instant",
        "path": "str | os.PathLike[str]",
        "choice": "Choice",
        "switch": "bool | Choice",
        "messages": "Messages",
        "price_map": "PriceMap",
        "window": "Window",
        "texts": "str | Sequence[str]",
        "tools": "Sequence[Tool | Mapping[str, Any]]",
        "tool_choice": "str | Mapping[str, Any]",
        "response_format": "Mapping[str, Any]",
    }

    def __init__(self, model: Model) -> None:
        self.model = model

    def inner(self, type_: Type) -> str:
        """Returns how a type is written inside of another: arguments inside of arguments are never None."""
        return self.written(type_)

    def list_of(self, type_: Type) -> str:
        """Writes a list."""
        return f"Sequence[{self.written(type_)}]"

    def struct(self, name: str) -> str:
        """Writes an object."""
        record = self.record(name)
        return f"{name} | {f'{record} | ' if record else ''}Mapping[str, Any]"

    def record(self, name: str) -> str:
        """Returns the record that may be given for a shape: that of its name, or of the name without what says that it is one."""
        for each in (name, name.removesuffix("Terms")):
            found = self.model.record(each)
            if found is not None and not found.is_data:
                return f"results.{found.name}"
        return ""

    def writer(self, type_: Type) -> str:
        """Returns the function that writes a value which is there; nothing where it is written as it is."""
        match type_.kind:
            case "list" | "map" if self.writer(type_.parts[0]):
                detail = f"nothing writes a {type_.kind} of {type_.parts[0].kind}; teach _writing.py"
                raise ValueError(detail)
            case "price_map":
                return "PRICE_MAP"
            case "struct":
                return "exact" if self.model.shape(type_.name).is_data else constant(type_.name)
        return _WRITERS.get(type_.kind, "")

    def annotation(self, struct: Struct, field: Field) -> str:
        """Returns how a field of a shape is annotated."""
        found = self.written(field.type)
        is_null = null_is_absent(struct) or field.type.nullable and not struct.is_data
        return f"{found} | None" if is_null and not field.required and found != "Any" else found


def emit(model: Model) -> dict[str, str]:
    """Returns the modules of argument types by their names, and the module that says how they are written."""
    types = ShapeTypes(model)
    named = [each for each in shapes(model) if not is_spelled_out(each)]
    parts = [*model.words, *named]
    nouns = sorted({each.noun for each in parts})
    places = {NAMES.get(each.name, each.name): each.noun for each in parts} | {"PriceMap": "prices"}
    modules = {f"types/{noun}": _module(noun, parts, places, types) for noun in nouns}
    modules["_fields"] = _fields(model)
    lines = [f"from .{noun} import *" for noun in nouns]
    modules["types/__init__"] = module("The shapes of arguments, for type checkers.", {}, "\n".join(["from tollway._shapes import *", "", *lines]))
    return modules


def _module(noun: str, parts: list[Struct | Enum], places: dict[str, str], types: ShapeTypes) -> str:
    written = []
    for each in parts:
        if each.noun == noun:
            written.append(_enum(each) if isinstance(each, Enum) else _struct(each, types))
            written += [_PRICE_MAP] if each.name == "PriceDraft" else []
    body = "\n\n".join(written)
    sources: dict[str, tuple[str, ...]] = {
        "collections.abc": ("Mapping", "Sequence"),
        "typing": ("Any", "Literal", "TypeAlias", "TypedDict"),
        "tollway": ("results",),
        "tollway._shapes": ("Amount", "Choice", "Instant", "Tool", "Window"),
    }
    for name, place in places.items():
        if place != noun:
            sources[f".{place}"] = (*sources.get(f".{place}", ()), name)
    exported = [name for name, place in places.items() if place == noun]
    return module(f"Shapes of arguments about {noun.replace('_', ' ')}.", sources, body, exported=exported)


def _enum(enum: Enum) -> str:
    words = [f'"{value}"' for value, _ in enum.values]
    line = f"{enum.name}: TypeAlias = Literal[{', '.join(words)}]"
    if len(line) > WIDTH:
        line = "\n".join([f"{enum.name}: TypeAlias = Literal[", *(f"    {word}," for word in words), "]"])
    return "\n".join([line, *_said(enum.doc), ""])


def quoted(text: str) -> str:
    """Writes a text with the quotation marks that it does not hold."""
    return json.dumps(text) if "\"" not in text else repr(text)


def _said(doc: str) -> list[str]:
    return textwrap.wrap(f'"""{doc}"""', WIDTH) if doc else []


def _struct(struct: Struct, types: ShapeTypes) -> str:
    name = NAMES.get(struct.name, struct.name)
    if any(keyword.iskeyword(each.name) for each in struct.fields):
        fields = [f'"{each.name}": {types.annotation(struct, each)}' for each in struct.fields]
        total = "" if all(each.required for each in struct.fields) else ", total=False"
        return "\n".join([f'{name} = TypedDict("{name}", {{{", ".join(fields)}}}{total})', *_said(struct.doc), ""])
    own = own_fields(types.model, struct)
    lines: list[str] = []
    base = struct.extends or "TypedDict"
    required = [f"    {each.name}: {types.annotation(struct, each)}" for each in own if each.required]
    if required:
        lines += [f"class _{name}({base}):", *required, "", ""]
        base = f"_{name}"
    lines += [f"class {name}({base}, total=False):"]
    lines += [*docstring(struct.doc, "    ", {"Attributes": [(each.name, each.doc) for each in own if each.doc]}), ""]
    lines += [f"    {each.name}: {types.annotation(struct, each)}" for each in own if not each.required]
    return "\n".join([*lines, ""])


def _fields(model: Model) -> str:
    """Writes how the fields of shapes are written that are not as JSON has them."""
    types = ShapeTypes(model)
    nested = {part.name for each in shapes(model) for field in each.fields for part in field.type.all() if not field.is_spread}
    parts = []
    for each in shapes(model):
        if each.is_data or is_spelled_out(each):
            continue
        fields = [f'"{field.name}": {how}' for field in each.fields if (how := types.writer(field.type))]
        if each.name in nested:
            example = quoted(str(each.example or {each.fields[0].name: ...}))
            parts.append("\n".join(laid_out(f"{constant(each.name)} = mapping(", [f"{{{', '.join(fields)}}}", example], ")", "")))
        elif fields:
            parts.append("\n".join(laid_out(f"{constant(each.name)}: Fields = {{", fields, "}", "", is_literal=True)))
        if each.name == "PriceDraft":
            parts.append("PRICE_MAP = by_meter(PRICE_DRAFT)")
    names = ("Fields", "by_meter", "exact", "instant_text", "mapping", "money_text", "pair", "path_text")
    doc = "How the fields of arguments are written that are not as JSON has them."
    return module(doc, {"._writing": names}, "\n\n".join(parts))

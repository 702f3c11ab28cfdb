"""Python: frozen dataclasses whose fields are read when they are first asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .python_text import PLAIN, PythonTypes, docstring, module, name_of
from .text import laid_out

if TYPE_CHECKING:
    from .model import Field, Model, Struct, Type

# Classes of `_behaviour.py` that say what a record does beside holding its fields.
BEHAVIOUR = {
    "Money": "MoneyText",
    "ChatReply": "ReplyLine",
    "Receipt": "ReceiptTable",
    "ToolCall": "SentBack",
    "UsagePage": "Records",
    "PriceUpdate": "Changes",
    "Verification": "Soundness",
}
_READERS = {"decimal": "Decimal", "quantity": "_values.quantity", "instant": "_values.instant"}
_EMPTY = {"list": "()", "map": "{}", "text": '""', "integer": "0"}


class RecordTypes(PythonTypes):
    """Writes types of results. What is data is shown as a mapping."""

    plain = {  # noqa: RUF012 - it is never changed
        **PLAIN,
        "decimal": "Decimal",
        "quantity": "int | Decimal",
        "instant": "datetime",
        "vector": "Sequence[float]",
        "message": "Mapping[str, Any]",
        "window": "str",
    }

    def __init__(self, model: Model) -> None:
        self._mappings = {each.name for each in model.structs if each.is_data}

    def is_mapping(self, type_: Type) -> bool:
        """Tells whether a type is shown as a mapping."""
        return type_.kind == "struct" and type_.name in self._mappings

    def list_of(self, type_: Type) -> str:
        """Writes a list."""
        return f"Sequence[{self.written(type_)}]" if type_.kind == "vector" else f"tuple[{self.inner(type_)}, ...]"

    def struct(self, name: str) -> str:
        """Writes an object."""
        return "Mapping[str, Any]" if name in self._mappings else name

    def enum(self, name: str) -> str:  # noqa: ARG002 - words are text
        """Writes words."""
        return "str"

    def reader(self, type_: Type) -> str:
        """Returns the function that reads a value which is there, or None where it is what it is."""
        match type_.kind:
            case "list" if type_.parts[0].kind == "vector":
                return "_values.vectors"
            case "list":
                inner = self.reader(type_.parts[0])
                return "tuple" if inner == "None" else f"_record.each({inner})"
            case "tuple":
                return "tuple"
            case "map":
                inner = self.reader(type_.parts[0])
                return "None" if inner == "None" else f"_record.values({inner})"
            case "struct" if not self.is_mapping(type_):
                return f"{type_.name}._decode"
        return _READERS.get(type_.kind, "None")

    def absent(self, field: Field) -> str:
        """Returns what a field is that is absent or null."""
        if field.has_default:
            return json.dumps(field.default)
        if field.type.nullable or field.required:
            return "None"
        return "{}" if self.is_mapping(field.type) else _EMPTY.get(field.type.kind, "None")


def emit(model: Model) -> dict[str, str]:
    """Returns the modules of results by their names, and the module that says where each record stands."""
    types = RecordTypes(model)
    structs = [each for each in model.structs if not each.is_data]
    nouns = sorted({each.noun for each in structs})
    modules = {f"results/{noun}": _module(noun, structs, types) for noun in nouns}
    where = {each.name: f"results.{each.noun}" for each in structs}
    modules["_where"] = _where(where)
    modules["results/__init__"] = _package(nouns, sorted(where))
    return modules


def _where(where: dict[str, str]) -> str:
    lines = ["MODULES = {", *(f'    "{name}": "{where[name]}",' for name in sorted(where)), "}"]
    return module("Where each record stands, so that importing the package need not make them.", {}, "\n".join(lines))


def _package(nouns: list[str], names: list[str]) -> str:
    lines = ["if TYPE_CHECKING:", *(f"    from .{noun} import *" for noun in nouns)]
    lines += ["", "__all__ = [", *(f'    "{name}",' for name in names), "]", "", ""]
    lines += ["def __getattr__(name: str) -> Any:", "    place = _where.MODULES.get(name)", "    if place is None:"]
    lines += ['        detail = f"module {__name__!r} has no attribute {name!r}"', "        raise AttributeError(detail)"]
    lines += ['    return getattr(import_module(f"tollway.{place}"), name)']
    doc = "What calls return: frozen records. Amounts are `Decimal`, instants are aware `datetime`s in UTC."
    sources = {"importlib": ("import_module",), "typing": ("Any", "TYPE_CHECKING"), "tollway": ("_where",)}
    return module(doc, sources, "\n".join(lines))


def _module(noun: str, structs: list[Struct], types: RecordTypes) -> str:
    own = [each for each in structs if each.noun == noun]
    body = "\n\n".join(_struct(each, structs, types) for each in own)
    sources: dict[str, tuple[str, ...]] = {
        "collections.abc": ("Mapping", "Sequence"),
        "dataclasses": ("dataclass", "field"),
        "datetime": ("datetime",),
        "decimal": ("Decimal",),
        "typing": ("Any", "ClassVar"),
        "tollway": ("_record", "_values"),
        "tollway._behaviour": tuple(BEHAVIOUR.values()),
        "tollway._record": ("Fields", "Record"),
    }
    for each in structs:
        if each.noun != noun:
            sources[f".{each.noun}"] = (*sources.get(f".{each.noun}", ()), each.name)
    doc = f"Results about {noun.replace('_', ' ')}."
    return module(doc, sources, body, exported=[each.name for each in own])


def _struct(struct: Struct, structs: list[Struct], types: RecordTypes) -> str:
    bases = [BEHAVIOUR[struct.name]] if struct.name in BEHAVIOUR else []
    bases.append(struct.extends or "Record")
    inherited = next((each.fields for each in structs if each.name == struct.extends), ())
    own = [each for each in struct.fields if each not in inherited]
    # The further fields come by name only, because some before have defaults.
    keywords = ", kw_only=True" if inherited else ""
    said = [(name_of(each.name), each.doc) for each in own if each.doc]
    lines = [f"@dataclass(frozen=True, slots=True{keywords})", f"class {struct.name}({', '.join(bases)}):"]
    lines += [*docstring(struct.doc, "    ", {"Attributes": said}), ""]
    lines += [f"    {name_of(each.name)}: {_annotation(each, types)}{_default(each, types)}" for each in own]
    lines += ["", "    _FIELDS: ClassVar[Fields] = {"]
    lines += [f"        **{struct.extends}._FIELDS,"] if inherited else []
    for each in own:
        reading = f'("{each.name}", {types.reader(each.type)}, {types.absent(each)})'
        lines += laid_out(f'"{name_of(each.name)}": ', [reading], ",", "        ")
    return "\n".join([*lines, "    }", ""])


def _annotation(field: Field, types: RecordTypes) -> str:
    found = types.inner(field.type)
    may_be_none = not field.required and types.absent(field) == "None" and "None" not in found and found != "Any"
    return f"{found} | None" if may_be_none else found


def _default(field: Field, types: RecordTypes) -> str:
    """Returns the default of a field; a mapping has none that no one could change by mistake."""
    if field.required and not field.has_default:
        return ""
    absent = types.absent(field)
    return f" = {absent}" if absent != "{}" else " = field(default_factory=dict)"

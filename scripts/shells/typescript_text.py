"""What all emitters of TypeScript share: types, imports and files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .text import GENERATED, WIDTH, block_comment, camel
from .types import Types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .model import Model, Type

PLAIN = {"text": "string", "integer": "number", "number": "number", "boolean": "boolean", "any": "unknown"}
_COMMENT = re.compile(r"/\*\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"(?:(?<![\w.'])|(?<=\.\.\.))[A-Za-z_]\w*")
_IS_NAME = re.compile(r"[A-Za-z_]\w*")


class TypeScriptTypes(Types):
    """Writes types of TypeScript."""

    def inner(self, type_: Type) -> str:
        """Returns how a type is written inside of another, with null where it may be that."""
        return f"{self.written(type_)} | null" if type_.nullable and type_.kind != "any" else self.written(type_)

    def list_of(self, type_: Type) -> str:
        """Writes a list."""
        inner = self.inner(type_)
        return f"readonly ({inner})[]" if "|" in inner else f"readonly {inner}[]"

    def tuple_of(self, types: tuple[Type, ...]) -> str:
        """Writes a list of a known length."""
        return f"readonly [{', '.join(self.inner(each) for each in types)}]"

    def map_of(self, type_: Type) -> str:
        """Writes a mapping from names."""
        return f"Readonly<Record<string, {self.inner(type_)}>>"


def shape_name(model: Model, name: str) -> str:
    """Returns what a shape of arguments is called, which is another name than that of a result."""
    record = model.record(name)
    return f"{name}Input" if record is not None and not record.is_data else name


def file(doc: str, sources: Mapping[str, Mapping[str, Iterable[str]]], body: str) -> str:
    """Writes a file: what it is, imports of what it uses of what others have, and its body.

    Of each source there are names by how they are imported: `import type` or `import`.
    """
    words = set(_WORD.findall(_COMMENT.sub("", body)))
    lines: list[str] = []
    for source, kinds in sorted(sources.items(), key=lambda item: (item[0].count("../") == 0, item[0])):
        for kind, names in sorted(kinds.items(), reverse=True):
            used = sorted({name for name in names if name in words}, key=str.lower)
            if used:
                line = f"{kind} {{ {', '.join(used)} }} from '{source}';"
                lines += [line] if len(line) <= WIDTH else [f"{kind} {{", *(f"  {name}," for name in used), f"}} from '{source}';"]
    return "\n".join([*block_comment(doc, ""), f"// {GENERATED}", "", *lines, *([""] if lines else []), body.rstrip(), ""])


def literal(value: Any) -> str:
    """Writes a value of JSON as people write it in JavaScript, with double quotation marks."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{camel(name)}: {literal(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)


def key(name: str) -> str:
    """Writes a name of a field, in quotation marks where it needs them."""
    return name if _IS_NAME.fullmatch(name) else f"'{name}'"


def wrapped(begin: str, items: list[str], end: str, indent: str = "") -> list[str]:
    """Lays out what stands between brackets as prettier does: on one line, or one item on each."""
    line = f"{indent}{begin} {', '.join(items)} {end}" if begin.endswith("{") else f"{indent}{begin}{', '.join(items)}{end}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{begin}", *(f"{indent}  {item}," for item in items), f"{indent}{end}"]

"""What all emitters of Python share: types, docstrings, imports and modules."""

from __future__ import annotations

import keyword
import re
import textwrap
from typing import TYPE_CHECKING

from .text import GENERATED, WIDTH, laid_out
from .types import Types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .model import Type

PLAIN = {"text": "str", "integer": "int", "number": "float", "boolean": "bool", "any": "Any"}
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_DOCSTRING = re.compile(r'""".*?"""', re.DOTALL)
_BUILTINS = frozenset({"filter", "format", "id", "input", "type"})


class PythonTypes(Types):
    """Writes types of Python."""

    def map_of(self, type_: Type) -> str:
        """Writes a mapping from names."""
        return f"Mapping[str, {self.inner(type_)}]"

    def tuple_of(self, types: tuple[Type, ...]) -> str:
        """Writes a list of a known length."""
        return f"tuple[{', '.join(self.inner(each) for each in types)}]"

    def inner(self, type_: Type) -> str:
        """Returns how a type is written, with None where it may be that."""
        found = self.written(type_)
        return f"{found} | None" if type_.nullable and found != "Any" else found


def name_of(name: str) -> str:
    """Returns what a field is called."""
    return f"{name}_" if keyword.iskeyword(name) else name


def shadows(name: str) -> bool:
    """Tells whether an argument has the name of something that Python has itself."""
    return name in _BUILTINS


def signature_lines(begin: str, parameters: list[str], end: str, indent: str = "    ") -> list[str]:
    """Lays out a signature; what has the name of something of Python's own says why."""
    hidden = [each for each in parameters if shadows(each.partition(":")[0])]
    if not hidden:
        return laid_out(begin, parameters, end, indent)
    reason = "  # noqa: A002 - it is what the engine calls it"
    lines = [f"{indent}    {each},{reason if each in hidden else ''}" for each in parameters]
    return [f"{indent}{begin}", *lines, f"{indent}{end}"]


def docstring(doc: str | tuple[str, ...], indent: str, sections: Mapping[str, Iterable[tuple[str, str]]] | None = None) -> list[str]:
    """Writes a docstring: paragraphs, of which the first is one line, and named sections of names with what they mean."""
    lines = _paragraphs((doc,) if isinstance(doc, str) else doc, WIDTH - len(indent))
    for title, items in (sections or {}).items():
        written = [
            line
            for name, text in items
            for line in textwrap.wrap(
                f"{name}: {text}", WIDTH - len(indent), initial_indent="    ", subsequent_indent="        "
            )
        ]
        lines += ["", f"{title}:", *written] if written else []
    lines[0] = f'"""{lines[0]}'
    if len(lines) > 1:
        lines.append('"""')
    else:
        lines[-1] += '"""'
    return [f"{indent}{line}" if line else "" for line in lines]


def _paragraphs(paragraphs: tuple[str, ...], width: int) -> list[str]:
    first = paragraphs[0]
    if len(first) > width - 6 and ". " in first:
        first, _, rest = first.partition(". ")
        paragraphs = (f"{first}.", rest, *paragraphs[1:])
    lines = [paragraphs[0]]
    for each in paragraphs[1:]:
        lines += ["", *textwrap.wrap(each, width)]
    return lines


def module(
    doc: str,
    sources: Mapping[str, Iterable[str]],
    body: str,
    *,
    exported: Iterable[str] = (),
    checked: Mapping[str, Iterable[str]] | None = None,
) -> str:
    """Writes a module: its docstring, imports of what it uses of what others have, what it exports, and its body.

    What is `checked` is imported for type checkers only, and makes annotations text.
    """
    words = set(_WORD.findall(_DOCSTRING.sub("", body)))
    for_checkers = _imports(checked or {}, words)
    if for_checkers:
        sources = {**sources, "typing": (*sources.get("typing", ()), "TYPE_CHECKING")}
    future = [] if checked is None else ["from __future__ import annotations", ""]
    lines = [f'"""{doc}"""', "", f"# {GENERATED}", "", *future, *_imports(sources, {*words, "TYPE_CHECKING"})]
    if for_checkers:
        lines += ["", "if TYPE_CHECKING:", *(f"    {line}" if line else "" for line in for_checkers)]
    names = sorted(exported)
    if names:
        lines += ["", "__all__ = [", *(f'    "{name}",' for name in names), "]"]
    return "\n".join(["\n".join(lines).rstrip(), *_gap(body), body.rstrip(), ""])


def _gap(body: str) -> list[str]:
    return ["", ""] if body.startswith(("class ", "@", "def ")) else [""]


def _imports(sources: Mapping[str, Iterable[str]], words: set[str]) -> list[str]:
    sections: dict[int, list[str]] = {}
    for source, names in sorted(sources.items(), key=lambda item: _order(item[0])):
        used = sorted({name for name in names if name in words}, key=_kind)
        if used:
            lines = laid_out(f"from {source} import ", used, "", "")
            if len(lines) > 1:
                lines = [f"from {source} import (", *(f"    {name}," for name in used), ")"]
            sections.setdefault(_section(source), []).extend(lines)
        elif not names and source in words:
            sections.setdefault(_section(source), []).insert(0, f"import {source}")
    return "\n\n".join("\n".join(lines) for _, lines in sorted(sections.items())).split("\n") if sections else []


def _section(source: str) -> int:
    if source.startswith("."):
        return 4
    if source.partition(".")[0] == "tollway":
        return 3
    return 2 if source == "typing_extensions" else 1


def _order(source: str) -> tuple[int, str]:
    dots = len(source) - len(source.lstrip("."))
    return (-dots, source.lstrip("."))


def _kind(name: str) -> tuple[int, str]:
    if name.isupper() and len(name) > 1:
        return (0, name.lower())
    return (1 if name[:1].isupper() else 2, name.lower())

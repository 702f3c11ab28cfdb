"""What TypeScript has."""

from __future__ import annotations

import re

from . import ROOT, Surface, generated, snake

_SOURCE = ROOT / "node" / "src"
_INTERFACE = re.compile(r"export interface (\w+)(?: extends ([\w<>', |]+?))? \{(?:\n(.*?)\n)?\}\n", re.DOTALL)
_METHOD = re.compile(r"^  (?:static )?async ?\*?(\w+)\((.*?)\): (?:Promise|AsyncGenerator)", re.MULTILINE | re.DOTALL)


def read() -> Surface:
    """Reads the package."""
    found = Surface()
    arguments = generated(_SOURCE / "arguments", "ts") + (_SOURCE / "types.ts").read_text() + (_SOURCE / "shapes.ts").read_text()
    found.shapes = {name.removesuffix("Input") if name != "PriceDraft" else name: fields for name, fields in _interfaces(arguments).items()}
    found.results = _interfaces(generated(_SOURCE / "results", "ts"))
    paged = re.findall(r"export type (\w+) = Omit<(\w+), ([^>]+)>", arguments)
    for name, whole, left_out in paged:
        found.shapes[name] = found.shapes[whole] - {snake(each) for each in re.findall(r"'(\w+)'", left_out)}
    client = _methods((_SOURCE / "client.ts").read_text(), "Tollway", found.shapes)
    found.classes["OpenFile"] = {**client, **_methods((_SOURCE / "calls.ts").read_text(), "Calls", found.shapes)}
    for noun, name in re.findall(r"^  readonly (\w+): (\w+);", (_SOURCE / "nouns.ts").read_text(), re.MULTILINE):
        found.classes[name] = _methods((_SOURCE / f"{noun}.ts").read_text(), name, found.shapes)
    for name, values in re.findall(r"^export type (\w+) =((?:\s*\|?\s*'[^']+')+);", arguments, re.MULTILINE):
        found.words[name] = re.findall(r"'([^']+)'", values)
    kinds = (_SOURCE / "error-kinds.ts").read_text()
    found.errors = dict(re.findall(r"^export class (\w+) extends \w+ \{\n[^\n]*= '(\w+)';", kinds, re.MULTILINE))
    return found


def _interfaces(text: str) -> dict[str, set[str]]:
    """Returns the fields of each interface, inherited ones included."""
    written = {name: (parents or "", body) for name, parents, body in _INTERFACE.findall(text)}

    def fields(name: str) -> set[str]:
        parents, body = written[name]
        own = {snake(each) for each in re.findall(r"^  readonly (\w+)\??:", body, re.MULTILINE)}
        return own.union(*(fields(each) for each in re.findall(r"\w+", parents) if each in written))

    return {name: fields(name) for name in written}


def _methods(text: str, name: str, shapes: dict[str, set[str]]) -> dict[str, set[str]]:
    """Returns the public methods of a class, with what they take: options are their fields."""
    body = re.search(rf"export class {name} [^\n]*\{{\n(.*?)\n\}}\n", text, re.DOTALL)[1]
    found: dict[str, set[str]] = {}
    for method, parameters in _METHOD.findall(body):
        taken = set()
        for parameter, type_ in re.findall(r"(\w+)\??: (\w+)", parameters):
            is_shape = parameter in {"options", "parameters", "changes", "request"} and type_ in shapes
            taken |= shapes[type_] if is_shape else {snake(parameter)}
        found[snake(method)] = found.get(snake(method), set()) | taken
    return found

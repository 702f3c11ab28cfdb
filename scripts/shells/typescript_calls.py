"""TypeScript: the calls whose answers come whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import calls, checker, vectors
from .text import block_comment, camel, constant, error_class, renamed
from .typescript_shapes import ShapeTypes
from .typescript_text import file, wrapped

if TYPE_CHECKING:
    from .arguments import Signature
    from .model import Model

_DOC = "The calls of an open file whose answers come whole."


def emit(model: Model) -> dict[str, str]:
    """Returns the file of each call, and the one of their methods."""
    types = ShapeTypes(model)
    found = calls(model)
    return {**{each.verb.noun: _reader(each, types) for each in found}, "calls": _methods(model, found, types)}


def _arguments(each: Signature, types: ShapeTypes) -> list[str]:
    return [f"{camel(field.argument)}: {types.written(field.type)}" for field in each.positional]


def _options(each: Signature) -> str:
    """Returns what a method calls its parameters together with what gives the call up."""
    return each.options.name.replace("Parameters", "Options")


def _reader(each: Signature, types: ShapeTypes) -> str:
    method = camel(each.verb.method)
    places = ", ".join(f"'{camel(field.argument)}'" for field in each.positional)
    fields = []
    for field in each.positional:
        name, check = camel(field.argument), camel(checker(field))
        value = f"{check}({name}, '{method}(): {name}')" if check else name
        fields.append(name if name == field.name == value else f"{field.name}: {value}")
    lines = [
        f"const NAMES = wholeNames('{method}()', {constant(each.options.name)}, [{places}]);",
        "",
        f"/** Reads the arguments of `{method}`. */",
        *wrapped(f"export function {method}Arguments(", [*_arguments(each, types), "options: unknown"], "): ChatArguments {"),
        f"  return wholeArguments({{ {', '.join(fields)} }}, options, NAMES, '{method}()');",
        "}",
    ]
    sources = {
        f"./arguments/{each.options.noun.replace('_', '-')}.js": {"import": (constant(each.options.name),)},
        "./chat.js": {"import type": ("ChatArguments",)},
        "./whole.js": {"import": ("oneOrSeveral", "strings", "wholeArguments", "wholeNames")},
    }
    return file(f"What `{method}` sends to the engine.", sources, "\n".join(lines))


def _methods(model: Model, found: list[Signature], types: ShapeTypes) -> str:
    lines = [
        *block_comment(_DOC, ""),
        "export class Calls extends Nouns {",
        "  /** @internal */",
        "  readonly engine: Engine;",
        "",
        "  /** @internal */",
        "  constructor(engine: Engine) {",
        "    super(engine);",
        "    this.engine = engine;",
        "  }",
    ]
    for each in found:
        lines += ["", *_method(model, each, types)]
    lines.append("}")
    sources: dict[str, dict[str, tuple[str, ...]]] = {
        "./engine.js": {"import type": ("Engine",)},
        "./nouns.js": {"import": ("Nouns",)},
        "./results.js": {"import type": tuple(each.verb.result.name for each in found)},
        "./types.js": {"import type": tuple(_options(each) for each in found)},
    }
    for each in found:
        sources[f"./{each.verb.noun}.js"] = {"import": (f"{camel(each.verb.method)}Arguments",)}
    return file(_DOC, sources, "\n".join(lines))


def _method(model: Model, each: Signature, types: ShapeTypes) -> list[str]:
    verb, method = each.verb, camel(each.verb.method)
    names = {field.name for field in (*each.positional, *each.options.fields)}
    doc = [renamed(part, names, camel) for part in verb.doc]
    if field := vectors(model, verb):
        doc.append(f"`reply.{camel(field)}` has a `Float32Array` for each text.")
    errors = [f"a `{error_class(kind)}` {renamed(clause, names, camel).rstrip('.')}" for kind, clause in verb.errors]
    doc.append(
        f"Rejects with {', and with '.join([*errors, 'another `TollwayError` if the call failed'])}. When the signal fires, it rejects "
        "with the signal's reason, and what the call has used by then is billed."
    )
    parameters = [*_arguments(each, types), f"options?: {_options(each)}"]
    arguments = ", ".join([*(camel(field.argument) for field in each.positional), "options"])
    return [
        *block_comment(tuple(doc), "  "),
        *wrapped(f"async {method}(", parameters, f"): Promise<{verb.result.name}> {{", "  "),
        f"    const {{ values, signal }} = {method}Arguments({arguments});",
        f"    return this.engine.run('{verb.name}', values, signal);",
        "  }",
    ]

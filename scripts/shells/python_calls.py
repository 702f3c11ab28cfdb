"""Python: the calls whose answers come whole, and their twins, which are awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .calls import calls, checker, vectors
from .python_shapes import ShapeTypes
from .python_text import docstring, module, name_of, signature_lines
from .text import error_class, laid_out, sentence

if TYPE_CHECKING:
    from .arguments import Signature
    from .model import Model

_DOC = "The calls of an open file whose answers come whole."
_GIVEN_UP = {False: "Ctrl-C gives the call up, which is then billed.", True: "Cancelling the task gives the call up, which is then billed."}


def emit(model: Model) -> dict[str, str]:
    """Returns the module of each call, and the one of their methods."""
    types = ShapeTypes(model)
    found = calls(model)
    return {**{each.verb.noun: _operation(each, types) for each in found}, "_calls": _methods(model, found, types)}


def _arguments(each: Signature, types: ShapeTypes) -> list[str]:
    return [f"{name_of(field.argument)}: {types.written(field.type)}" for field in each.positional]


def _operation(each: Signature, types: ShapeTypes) -> str:
    verb, shape = each.verb, each.options.name
    parameters = [*_arguments(each, types), f"parameters: {shape}"]
    own = [
        f'"{field.name}": {f"{check}({name}, {quoted})" if (check := checker(field)) else name}'
        for field in each.positional
        for name, quoted in [(name_of(field.argument), f'"{field.argument}"')]
    ]
    lines = [
        *signature_lines(f"def {verb.method}(", parameters, f") -> Operation[{verb.result.name}]:", ""),
        f'    """Returns the operation of `{verb.method}`."""',
        *laid_out("own = {", own, "}", "    ", is_literal=True),
        f'    arguments = whole_arguments(own, parameters, {shape}.__optional_keys__, "{verb.method}()")',
        f'    return Operation("{verb.name}", arguments, {verb.result.name}._decode)',
    ]
    runtime = {
        "._engine": ("Operation",),
        "._whole": ("one_or_several", "strings", "whole_arguments"),
        f".results.{verb.noun}": (verb.result.name,),
        ".types": (shape,),
    }
    checked = {"collections.abc": ("Sequence",)}
    return module(f"What `{verb.method}` sends to the engine.", runtime, "\n".join(lines), checked=checked)


def _methods(model: Model, found: list[Signature], types: ShapeTypes) -> str:
    classes = [_class(model, found, types, is_async=is_async) for is_async in (False, True)]
    checked = {
        "collections.abc": ("Sequence",),
        "typing_extensions": ("Unpack",),
        ".results": tuple(each.verb.result.name for each in found),
        ".types": tuple(each.options.name for each in found),
    }
    return module(_DOC, {"._nouns": ("AsyncNouns", "Nouns")}, "\n\n\n".join(classes), checked=checked)


def _class(model: Model, found: list[Signature], types: ShapeTypes, *, is_async: bool) -> str:
    prefix = "Async" if is_async else ""
    lines = [f"class {prefix}Calls({prefix}Nouns):", f'    """{_DOC}"""']
    for each in found:
        lines += ["", *_method(model, each, types, is_async=is_async)]
    return "\n".join(lines)


def _method(model: Model, each: Signature, types: ShapeTypes, *, is_async: bool) -> list[str]:
    verb = each.verb
    begin = "async def" if is_async else "def"
    parameters = ["self", *_arguments(each, types), f"**parameters: Unpack[{each.options.name}]"]
    lines = signature_lines(f"{begin} {verb.method}(", parameters, f") -> {verb.result.name}:", "    ")
    doc = [*verb.doc]
    if field := vectors(model, verb):
        doc.append(f"`reply.{field}` is an array of NumPy with a row for each text where NumPy is there, else a tuple of arrays.")
    doc.append(_GIVEN_UP[is_async])
    arguments = [(name_of(field.argument), field.doc) for field in each.positional]
    arguments.append(("**parameters", f"Those of `tollway.types.{each.options.name}`."))
    errors = [(error_class(kind), sentence(clause)) for kind, clause in verb.errors]
    errors.append(("TollwayError", "The call failed; its kind says what to do."))
    lines += docstring(tuple(doc), "        ", {"Args": arguments, "Raises": errors})
    waiting = "await " if is_async else ""
    names = ", ".join(name_of(field.argument) for field in each.positional)
    return [
        *lines,
        f"        from .{verb.noun} import {verb.method}",
        "",
        f"        return {waiting}self._engine.run({verb.method}({names}, parameters))",
    ]

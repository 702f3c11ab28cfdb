"""Python: the classes of nouns, which wait for their verbs, and their twins, which await them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .arguments import NounWriter, Signature, pages, shapes
from .python_shapes import NAMES, ShapeTypes
from .python_text import docstring, module, name_of, signature_lines
from .text import WIDTH, constant, error_class, laid_out, sentence

if TYPE_CHECKING:
    from .model import Field, Model, Verb


def emit(model: Model) -> dict[str, str]:
    """Returns the modules of the nouns, and the one of what an open file has of each."""
    files = {noun.name: _Module(model, noun, ShapeTypes(model)).text() for noun in model.nouns}
    files["_nouns"] = _nouns(model)
    files["_plain"] = _plain(model)
    return files


class _Module(NounWriter):
    """The module of a noun."""

    def text(self) -> str:
        """Returns the module."""
        parts = [self._operation(each) for each in self._signatures]
        parts += [self._class(is_async=False), self._class(is_async=True)]
        constants = self._constants()
        body = "\n\n\n".join(parts)
        if constants:
            body = "\n".join([*constants, "", "", body])
        runtime: dict[str, tuple[str, ...]] = {
            "._engine": ("AsyncNoun", "Operation", "SyncNoun", "listed", "nothing"),
            "._fields": (*(constant(each.name) for each in shapes(self._model)), "PRICE_MAP"),
            "._secret": ("hide",),
            "._writing": (
                "exact", "given", "instant_text", "keywords", "money_text", "optional", "pair", "path_text", "row", "updates",
            ),
            ".types": tuple(name for each in self._signatures if (name := self._keywords(each))),
        }
        for each in self._model.structs:
            source = f".results.{each.noun}"
            runtime[source] = (*runtime.get(source, ()), each.name)
        checked: dict[str, tuple[str, ...]] = {
            "os": (),
            ".": ("results",),
            "collections.abc": ("AsyncIterator", "Iterator", "Mapping", "Sequence"),
            "typing": ("Any",),
            "typing_extensions": ("Unpack",),
            ".types": tuple(
                name
                for each in (*self._model.shapes, *self._model.words)
                if (name := NAMES.get(each.name, each.name)) not in runtime[".types"]
            ) + ("Amount", "Instant", "PriceMap", "Window"),
        }
        if " Any" in body or "[Any" in body:
            checked["typing"] = ("Any",)
        return module(self._noun.doc[0], runtime, body, checked=checked)

    def _constants(self) -> list[str]:
        lines = []
        for shape, secrets in {
            self._keywords(each): [field.name for field in each.options.fields if field.is_secret]
            for each in self._signatures
            if each.options is not None
        }.items():
            if shape and secrets:
                named = ", ".join(f'"{name}"' for name in secrets)
                lines.append(f"_PLAIN_{constant(shape)} = {shape}.__optional_keys__ - {{{named}}}")
        return lines

    def _keywords(self, each: Signature) -> str:
        """Returns the shape whose fields a method takes by their names; nothing where it spells them out."""
        if each.spread is not None:
            return each.spread.type.name
        return each.options.name if each.options is not None and not each.is_spelled_out else ""

    def _named(self, each: Signature) -> list[Field]:
        """Returns the arguments that are spelled out and given by name."""
        return list(each.options.fields) if each.options is not None and each.is_spelled_out else []

    def _annotation(self, field: Field) -> str:
        found = self._types.written(field.type)
        if field.row:
            found = f"{field.row} | {found}"
        return found if field.required or _has_default(field) else f"{found} | None"

    # The function that makes the operation, which both twins run.

    def _operation(self, each: Signature) -> str:
        parameters = [f"{self._argument(field)}: {self._annotation(field)}" for field in (*each.positional, *self._named(each))]
        if self._has_switch(each):
            parameters.insert(len(each.positional), "*")
        keywords = self._keywords(each)
        if keywords:
            parameters.append(f"{self._collected(each)}: Mapping[str, Any]")
        lines = signature_lines(f"def _{each.verb.method}(", parameters, f") -> Operation[{self._returned(each.verb)}]:", "")
        fields = [f'"{field.name}": {self._written(field)}' for field in (*each.positional, *self._named(each))]
        if each.spread is not None:
            fields.append(f'"{each.spread.name}": {self._read(each)}')
        elif keywords:
            fields.append(f"**{self._read(each)}")
        arguments = "{}"
        if fields:
            may_be_none = any(not field.required and not _has_default(field) for field in (*each.positional, *self._named(each)))
            is_read = len(fields) == 1 and fields[0].startswith("**")
            lines += (
                [f"    arguments = {fields[0][2:]}"]
                if is_read
                else laid_out("arguments = {", fields, "}", "    ", is_literal=True)
            )
            arguments = "given(arguments)" if may_be_none else "arguments"
        lines.append(f'    return Operation("{each.verb.name}", {arguments}, {self._decoder(each.verb)})')
        return "\n".join(lines)

    def _has_switch(self, each: Signature) -> bool:
        """Tells whether a bare true or false would stand among the arguments, if none had its name."""
        return any(field.type.kind == "boolean" for field in self._named(each))

    def _argument(self, field: Field) -> str:
        return name_of(field.argument)

    def _collected(self, each: Signature) -> str:
        """Returns what the method calls the fields that it takes together."""
        if each.spread is not None:
            return "selection"
        return "changes" if self._keywords(each).endswith("Changes") else "parameters"

    def _written(self, field: Field) -> str:
        name = self._argument(field)
        if field.row:
            return f'row({name}, {field.row}, "{field.name}")'
        writer = self._types.writer(field.type)
        if not writer:
            return name
        if field.required or _has_default(field):
            return f'{writer}({name}, "{name}")'
        return f'optional({writer}, {name}, "{name}")'

    def _read(self, each: Signature) -> str:
        shape, collected = self._keywords(each), self._collected(each)
        struct = next((found for found in self._model.shapes if found.name == shape), None) or each.options
        writers = constant(shape) if any(self._types.writer(field.type) for field in struct.fields) else "{}"
        arguments = f'{collected}, {shape}.__optional_keys__, {writers}, "{each.verb.name}()"'
        if shape.endswith("Changes"):
            removable = ", ".join(f'"{field.name}"' for field in struct.fields if field.type.nullable)
            return f"updates({arguments}, {{{removable}}})"
        return f"keywords({arguments})"

    def _returned(self, verb: Verb) -> str:
        if verb.result is None:
            return "None"
        if verb.result.kind == "list":
            return f"Sequence[{verb.result.parts[0].name}]"
        return verb.result.name or {"text": "str", "boolean": "bool"}[verb.result.kind]

    def _decoder(self, verb: Verb) -> str:
        if verb.result is None:
            return "nothing"
        if verb.result.kind == "list":
            return f"listed({verb.result.parts[0].name}._decode)"
        return f"{verb.result.name}._decode" if verb.result.name else {"text": "str", "boolean": "bool"}[verb.result.kind]

    # The classes.

    def _class(self, *, is_async: bool) -> str:
        name, base = (f"Async{self._noun.class_name}", "AsyncNoun") if is_async else (self._noun.class_name, "SyncNoun")
        doc = _see(self._noun.doc[0], self._noun.class_name) if is_async else self._noun.doc
        lines = [f"class {name}({base}):", *docstring(doc, "    ")]
        for each in self._signatures:
            lines += ["", *self._method(each, is_async=is_async)]
            if pages(self._model, each.verb):
                lines += ["", *self._iterate(each, is_async=is_async)]
        return "\n".join(lines)

    def _parameters(self, each: Signature, without: tuple[str, ...] = ()) -> list[str]:
        parameters = ["self", *(self._parameter(field) for field in each.positional)]
        named = [self._parameter(field) for field in self._named(each) if field.name not in without]
        parameters += ["*", *named] if named else []
        if keywords := self._keywords(each):
            parameters.append(f"**{self._collected(each)}: Unpack[{NAMES.get(keywords, keywords)}]")
        return parameters

    def _parameter(self, field: Field) -> str:
        default = "" if field.required else f" = {_default(field)}"
        return f"{self._argument(field)}: {self._annotation(field)}{default}"

    def _method(self, each: Signature, *, is_async: bool) -> list[str]:
        begin = "async def" if is_async else "def"
        lines = signature_lines(f"{begin} {each.verb.method}(", self._parameters(each), f") -> {self._returned(each.verb)}:")
        lines += self._doc(each, is_async=is_async)
        arguments = [self._argument(field) for field in each.positional]
        named = [self._argument(field) for field in self._named(each)]
        arguments += [f"{name}={name}" for name in named] if self._has_switch(each) else named
        if keywords := self._keywords(each):
            collected = self._collected(each)
            is_secret = each.options is not None and any(field.is_secret for field in each.options.fields)
            value = f"hide({collected}, _PLAIN_{constant(keywords)})" if is_secret else collected
            arguments.append(f"{collected}={value}" if self._has_switch(each) else value)
        waiting = "await " if is_async else ""
        returning = "" if each.verb.result is None else "return "
        call = f"{returning}{waiting}self._engine.run(_{each.verb.method}({', '.join(arguments)}))"
        if len(call) + 8 <= WIDTH:
            return [*lines, f"        {call}"]
        inner = laid_out(f"_{each.verb.method}(", arguments, ")", "            ")
        return [*lines, f"        {returning}{waiting}self._engine.run(", *inner, "        )"]

    def _doc(self, each: Signature, *, is_async: bool) -> list[str]:
        if is_async:
            return docstring(_see(each.verb.doc[0], f"{self._noun.class_name}.{each.verb.method}"), "        ")
        doc = tuple(_in_words(part) for part in each.verb.doc)
        arguments = [(self._argument(field), _in_words(field.doc)) for field in (*each.positional, *self._named(each))]
        if keywords := self._keywords(each):
            arguments.append((f"**{self._collected(each)}", f"Those of `tollway.types.{NAMES.get(keywords, keywords)}`."))
        errors = [(error_class(kind), sentence(_in_words(clause))) for kind, clause in each.verb.errors]
        fields = each.options.fields if each.options is not None else ()
        kinds = {field.type.kind for field in (*each.positional, *fields)}
        if kinds & {"decimal", "price_map"} or any(field.type.name == "MoneyTerms" for field in fields):
            errors.append(("TypeError", "An amount is a float."))
        return docstring(doc, "        ", {"Args": arguments, "Raises": errors})

    def _iterate(self, each: Signature, *, is_async: bool) -> list[str]:
        """Writes the method that reads all pages."""
        page = pages(self._model, each.verb)
        field = next(found for found in page.fields if found.type.kind == "list")
        kind = f"{'Async' if is_async else ''}Iterator[{field.type.parts[0].name}]"
        begin = "async def" if is_async else "def"
        lines = signature_lines(f"{begin} iterate(", self._parameters(each, ("limit", "cursor")), f") -> {kind}:")
        lines += docstring(f"Returns all {field.name} of a selection, a page at a time; see `{each.verb.method}`.", "        ")
        named = [found.name for found in self._named(each) if found.name not in {"limit", "cursor"}]
        passed = [f"limit={self.page}", "cursor=cursor", *(f"{name}={name}" for name in named), f"**{self._collected(each)}"]
        waiting = "await " if is_async else ""
        lines += ["        cursor = None", "        while True:"]
        lines += [f"            page = {waiting}self.{each.verb.method}({', '.join(passed)})"]
        if is_async:
            lines += [f"            for each in page.{field.name}:", "                yield each"]
        else:
            lines += [f"            yield from page.{field.name}"]
        return [*lines, "            cursor = page.next_cursor", "            if cursor is None:", "                return"]


def _has_default(field: Field) -> bool:
    return not field.required and not field.type.nullable and (field.has_default or field.type.kind == "boolean")


def _default(field: Field) -> str:
    if not _has_default(field):
        return "None"
    return str(bool(field.default)) if field.type.kind == "boolean" else f'"{field.default}"' if isinstance(field.default, str) else str(field.default)


def _see(text: str, where: str) -> tuple[str, ...]:
    """Says what something does in its first words, and where more stands."""
    text = _in_words(text)
    line = f"{text[:-1]}; see `{where}`."
    return (line,) if len(line) <= WIDTH - 14 and ";" not in text else (text, f"See `{where}`.")


def _in_words(text: str) -> str:
    """Writes a text about JSON in the words of Python."""
    return text.replace(" null ", " None ").replace("; null ", "; None ")


def _plain(model: Model) -> str:
    """Writes which settings hold no secret, for what must not wait for the shapes to be loaded."""
    names = sorted(each.name for each in model.shape("Settings").fields if not each.is_secret)
    lines = ["PLAIN_SETTINGS = frozenset(", "    {", *(f'        "{name}",' for name in names), "    }", ")"]
    return module("The settings that hold no secret.", {}, "\n".join(lines))


def _nouns(model: Model) -> str:
    parts = []
    for prefix, engine in (("", "SyncEngine"), ("Async", "AsyncEngine")):
        lines = [f"class {prefix}Nouns:", '    """What an open file has of each noun."""', ""]
        lines += [f"    def __init__(self, engine: {engine}) -> None:"]
        lines += textwrap.wrap(
            "# Importing the package must be fast, so that these come with the first handle; and no later, because a fork "
            "while another thread loads a module would leave the module locked in the child.",
            WIDTH - 8, initial_indent="        ", subsequent_indent="        # ",
        )
        names = sorted(model.nouns, key=lambda each: each.name)
        lines += [f"        from .{each.name} import {prefix}{each.class_name}" for each in names]
        lines += ["", "        self._engine = engine"]
        lines += [f"        self._{each.name} = {prefix}{each.class_name}(engine)" for each in model.nouns]
        for each in model.nouns:
            lines += ["", "    @property", f"    def {each.name}(self) -> {prefix}{each.class_name}:"]
            lines += [*docstring(each.doc[0], "        "), f"        return self._{each.name}"]
        parts.append("\n".join(lines))
    checked = {f".{each.name}": (each.class_name, f"Async{each.class_name}") for each in model.nouns}
    checked["._engine"] = ("AsyncEngine", "SyncEngine")
    return module("What an open file has of each noun.", {}, "\n\n\n".join(parts), checked=checked)

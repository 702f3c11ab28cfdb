"""TypeScript: the classes of nouns, and what an open file has of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import NounWriter, Signature, pages, shapes
from .text import block_comment, camel, constant, error_class, renamed
from .typescript_shapes import ShapeTypes
from .typescript_text import file, shape_name, wrapped

if TYPE_CHECKING:
    from .model import Field, Model, Verb


def emit(model: Model) -> dict[str, str]:
    """Returns the files of the nouns, and the one of what an open file has of each."""
    return {**{noun.name: _File(model, noun, ShapeTypes(model)).text() for noun in model.nouns}, "nouns": _nouns(model)}


class _File(NounWriter):
    """The file of a noun."""

    def text(self) -> str:
        """Returns the file."""
        lines = [self._reader(each) for each in self._signatures if each.options is not None]
        for each in self._signatures:
            if pages(self._model, each.verb):
                lines.append(self._iterating(each))
        lines += [""] if lines else []
        lines += [*block_comment(self._noun.doc, ""), f"export class {self._noun.class_name} extends Noun {{"]
        for place, each in enumerate(self._signatures):
            lines += [*([""] if place else []), *self._method(each)]
            if pages(self._model, each.verb):
                lines += ["", *self._iterate(each)]
        lines.append("}")
        sources: dict[str, dict[str, tuple[str, ...]]] = {
            "./fields.js": {"import": ("instantText", "moneyText", "optional", "pairText", "pathText", "rowOf")},
            "./names.js": {"import": ("OptionNames",)},
            "./noun.js": {"import": ("Noun",)},
            "./results.js": {"import type": tuple(each.name for each in self._model.structs if not each.is_data)},
            "./types.js": {
                "import type": (
                    *(shape_name(self._model, each.name) for each in shapes(self._model)),
                    *(each.name for each in self._model.words),
                    "Amount", "Instant", "IterateOptions", "PriceMap", "Window",
                ),
            },
        }
        for each in shapes(self._model):
            kinds = sources.setdefault(f"./arguments/{each.noun.replace('_', '-')}.js", {"import": ("PRICE_MAP",) if each.noun == "prices" else ()})
            kinds["import"] = (*kinds["import"], constant(each.name), f"write{each.name}")
        return file(self._noun.doc[0], sources, "\n".join(lines))

    def _constant(self, verb: Verb) -> str:
        return verb.method.upper()

    def _called(self, verb: Verb) -> str:
        return f"{verb.owner}.{camel(verb.method)}()"

    def _reader(self, each: Signature) -> str:
        return f"const {self._constant(each.verb)} = new OptionNames('{self._called(each.verb)}', {constant(each.options.name)});"

    def _iterating(self, each: Signature) -> str:
        return "\n".join(
            [
                f"const PAGE = {self.page};",
                f"const {{ limit: _limit, cursor: _cursor, ...ITERATE_OPTIONS }} = {constant(each.options.name)};",
                f"const ITERATE = new OptionNames('{self._noun.name}.iterate()', ITERATE_OPTIONS);",
            ]
        )

    def _options(self, each: Signature) -> str:
        """Returns what a method calls its arguments by name."""
        name = each.options.name
        return "changes" if name.endswith("Changes") else "parameters" if name.endswith("Parameters") else "options"

    def _parameter(self, field: Field) -> str:
        found = self._types.written(field.type)
        found = f"{field.row} | {found}" if field.row else found
        return f"{camel(field.argument)}{'' if field.required else '?'}: {found}"

    def _parameters(self, each: Signature) -> list[str]:
        parameters = [self._parameter(field) for field in each.positional]
        if each.options is not None:
            is_needed = any(field.required for field in each.options.fields)
            parameters.append(f"{self._options(each)}{'' if is_needed else '?'}: {each.options.name}")
        return parameters

    def _written(self, field: Field) -> str:
        name = camel(field.argument)
        if field.row:
            return f"rowOf({name}, '{camel(field.name)}')"
        writer = self._types.writer(field.type)
        if writer == "asIs":
            return name
        return f"{writer}({name}, '{name}')" if field.required else f"optional({writer}, {name}, '{name}')"

    def _returned(self, verb: Verb) -> str:
        if verb.result is None:
            return "void"
        if verb.result.kind == "list":
            return f"{verb.result.parts[0].name}[]"
        return verb.result.name or {"text": "string", "boolean": "boolean"}[verb.result.kind]

    def _method(self, each: Signature) -> list[str]:
        lines = block_comment(self._doc(each), "  ")
        lines += wrapped(f"async {camel(each.verb.method)}(", self._parameters(each), f"): Promise<{self._returned(each.verb)}> {{", "  ")
        fields = [
            name if (name := camel(field.argument)) == field.name == self._written(field) else f"{field.name}: {self._written(field)}"
            for field in each.positional
        ]
        read = self._read(each)
        if each.spread is not None:
            own = [field.name for field in each.options.fields]
            lines.append(f"    const {{ {', '.join([*own, f'...{each.spread.name}'])} }} = {read};")
            fields += [*own, each.spread.name]
        elif read and not fields:
            return [*lines, f"    return this.run('{each.verb.name}', {read});", "  }"]
        elif read:
            fields.append(f"...{read}")
        call = wrapped(f"return this.run('{each.verb.name}', {{", fields, "});", "    ") if fields else [f"    return this.run('{each.verb.name}', {{}});"]
        return [*lines, *call, "  }"]

    def _read(self, each: Signature) -> str:
        if each.options is None:
            return ""
        reader, name = self._constant(each.verb), self._options(each)
        if name == "changes":
            removable = ", ".join(f"'{camel(field.name)}'" for field in each.options.fields if field.type.nullable)
            return f"{reader}.changes({name}, [{removable}])"
        return f"{reader}.read({name})"

    def _doc(self, each: Signature) -> tuple[str, ...]:
        fields = (*each.positional, *(each.options.fields if each.options is not None else ()))
        names = {name for field in fields for name in (field.argument, field.name)}
        doc = [renamed(part, names, camel) for part in each.verb.doc]
        errors = [f"{_article(kind)} `{error_class(kind)}` {renamed(clause, names, camel).rstrip('.')}" for kind, clause in each.verb.errors]
        if errors:
            doc.append(f"Rejects with {', and '.join(errors)}.")
        return tuple(doc)

    def _iterate(self, each: Signature) -> list[str]:
        """Writes the method that reads all pages."""
        page = pages(self._model, each.verb)
        field = next(found for found in page.fields if found.type.kind == "list")
        named = [found.name for found in each.options.fields if found.name not in {"limit", "cursor"}]
        lines = block_comment(f"Returns all {field.name} of a selection, a page at a time; see `{each.verb.method}`.", "  ")
        item = field.type.parts[0].name
        return [
            *lines,
            f"  async *iterate(options?: IterateOptions): AsyncGenerator<{item}, void, undefined> {{",
            f"    const {{ {', '.join([*named, f'...{each.spread.name}'])} }} = ITERATE.read(options);",
            "    let cursor: string | null = null;",
            "    do {",
            f"      const values = {{ {', '.join(['limit: PAGE', 'cursor', *named, each.spread.name])} }};",
            f"      const page: {page.name} = await this.run('{each.verb.name}', values);",
            f"      yield* page.{field.name};",
            "      cursor = page.nextCursor;",
            "    } while (cursor !== null);",
            "  }",
        ]


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeiou" else "a"


def _nouns(model: Model) -> str:
    lines = ["/** What an open file has of each noun. */", "export class Nouns {"]
    for each in model.nouns:
        lines += [*block_comment(each.doc[0], "  "), f"  readonly {each.name}: {each.class_name};"]
    lines += ["", "  /** @internal */", "  constructor(engine: Engine) {"]
    lines += [f"    this.{each.name} = new {each.class_name}(engine);" for each in model.nouns]
    lines += ["  }", "}"]
    sources = {f"./{each.name}.js": {"import": (each.class_name,)} for each in model.nouns}
    sources["./engine.js"] = {"import type": ("Engine",)}
    return file("What an open file has of each noun.", sources, "\n".join(lines))

"""What the emitters of languages with classes for everything share: which classes each noun has, and what they are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .text import GENERATED, camel, pascal, renamed
from .types import Types

if TYPE_CHECKING:
    from .model import Enum, Field, Model, Struct, Verb

# What shells call the verbs that are methods of an open file, where that is not the name after the point.
OF_THE_FILE = {"chat.stream": "chat_stream", "vault.rotate": "rotate_master_key"}
# Verbs about files that nobody has open.
OF_CLOSED_FILES = ("ledger.restore", "ledger.compact", "ledger.import_file")
# The class of the verbs that are methods of an open file.
FILE = "OpenFile"
# Names of types that every file of these languages sees already.
_OTHERS = {"Unit": "PriceUnit"}


class TypedTypes(Types):
    """Writes types of results and of arguments. What is data is typed in arguments, and JSON in results."""

    # What the hand-written files have.
    exact = {  # noqa: RUF012 - it is never changed
        "decimal": "ExactDecimal",
        "quantity": "ExactQuantity",
        "instant": "ExactInstant",
        "vector": "Vector",
        "text": "String",
        "path": "String",
        "window": "String",
        "number": "Double",
    }
    # How JSON objects are called.
    json_object = ""

    def __init__(self, model: Model, *, of_results: bool) -> None:
        self._data = {each.name for each in model.structs if each.is_data} if of_results else set()

    def struct(self, name: str) -> str:
        """Writes an object."""
        return self.json_object if name in self._data else name

    def enum(self, name: str) -> str:
        """Writes words."""
        return word_name(name)


class Emitter:
    """Writes a file for each noun, and one for the verbs. A language says how it writes each part of them."""

    def __init__(self, model: Model, types: type[TypedTypes]) -> None:
        self.model = model
        self.returned = types(model, of_results=True)
        self.taken = types(model, of_results=False)

    def files(self) -> dict[str, str]:
        """Returns the files by their names."""
        own = arguments(self.model)
        every = (*self.model.structs, *self.model.enums, *own, *self.model.words)
        files = {}
        for noun in sorted({each.noun for each in every}):
            parts = [self.enum(each) for each in words(self.model, noun)]
            parts += [self.result(each) for each in self.model.structs if each.noun == noun and not each.is_data]
            files[pascal(noun)] = self.file([*parts, *(self.argument(each) for each in own if each.noun == noun)])
        files["Errors"] = self.file([self.enum(self.model.errors)])
        files["Verbs"] = self.file([self.verbs(*each) for each in classes(self.model)])
        return files

    def file(self, parts: list[str]) -> str:
        """Writes a file."""
        return "\n".join([f"// {GENERATED}", "", *parts])

    def enum(self, enum: Enum) -> str:
        """Writes an enumeration."""
        raise NotImplementedError

    def result(self, struct: Struct) -> str:
        """Writes an object that results are made of."""
        raise NotImplementedError

    def argument(self, struct: Struct) -> str:
        """Writes an object that arguments are made of."""
        raise NotImplementedError

    def verbs(self, name: str, doc: str, verbs: list[Verb]) -> str:
        """Writes a class of verbs."""
        raise NotImplementedError


def word_name(name: str) -> str:
    """Returns what an enumeration is called."""
    return _OTHERS.get(name, name)


def words(model: Model, noun: str) -> list[Enum]:
    """Returns the enumerations of a noun that something has."""
    every = {each.name: each for each in (*model.enums, *model.words)}
    structs = (*model.structs, *arguments(model))
    used = {part.name for struct in structs for each in struct.fields for part in each.type.all()}
    return [each for each in every.values() if each.noun == noun and each.name in used]


def arguments(model: Model) -> list[Struct]:
    """Returns the objects that arguments are made of, apart from those that are results too."""
    found = {each.name: each for each in model.shapes if not _is_result(model, each)}
    for verb in model.verbs:
        if verb.arguments.fields:
            name = arguments_name(verb)
            found.setdefault(name, replace(verb.arguments, name=name, noun=verb.noun, doc=verb.arguments.doc or _takes(verb)))
    return list(found.values())


def _is_result(model: Model, struct: Struct) -> bool:
    record = model.record(struct.name)
    return record is not None and not record.is_data


def is_taken(model: Model, struct: Struct) -> bool:
    """Tells whether what results are made of is a part of arguments too."""
    return any(each.name == struct.name for each in model.shapes)


def _takes(verb: Verb) -> str:
    return f"What `{verb.name}` takes."


def arguments_name(verb: Verb) -> str:
    """Returns what the arguments of a verb are called: as in every language where they have a name there, else by the verb."""
    name = verb.arguments.name
    return f"{pascal(verb.owner)}{name}" if name.endswith("Arguments") else name


def may_be_removed(struct: Struct, field: Field) -> bool:
    """Tells whether null says something else of a field than that it was not given."""
    return struct.name.endswith("Changes") and field.type.nullable


def classes(model: Model) -> list[tuple[str, str, list[Verb]]]:
    """Returns the classes of verbs, each with what it does and its verbs."""
    found = [(each.class_name, each.doc[0], model.methods(each)) for each in model.nouns]
    owners = {each.name for each in model.nouns}
    return [*found, (FILE, "What is asked of an open file itself.", [each for each in model.verbs if each.owner not in owners])]


def taken(verb: Verb) -> str:
    """Returns the class of what a verb takes."""
    return arguments_name(verb) if verb.arguments.fields else "NoArguments"


def method(verb: Verb) -> str:
    """Returns what a verb is called in its class."""
    return camel(OF_THE_FILE.get(verb.name, verb.method))


def said(struct: Struct, doc: str) -> str:
    """Writes the names in a text as these languages write them."""
    return renamed(doc, [each.name for each in struct.fields], camel)

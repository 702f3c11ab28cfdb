"""What one language can, all others can too, and each as the engine says."""

from __future__ import annotations

import json
import unittest
from typing import Any

from surfaces import ROOT, Surface, classes, python, typescript

SCHEMA: dict[str, Any] = json.loads((ROOT / "bindings" / "schema" / "schema.json").read_text())
# What is a method of an open file, by the names of the verbs.
FILE_METHODS = {
    "ledger.head": "head",
    "ledger.verify": "verify",
    "ledger.backup": "backup",
    "ledger.archive": "archive",
    "ledger.restore": "restore",
    "ledger.compact": "compact",
    "ledger.export": "export",
    "ledger.import_file": "import_file",
    "vault.rotate": "rotate_master_key",
}
# What has another form in some language, or is not a verb: a chat is an object that is called in Python; vendors' libraries
# are given clients in Python and a function in Node; the path of a file is what it was opened with; a session is a block in
# Python and a function that runs one in Node.
OF_LANGUAGES = {"chat", "chat_stream", "stream", "fetch", "open", "close", "path", "session"}
# What an app gives a call up by in Node, and what its code calls the first argument of a method with two forms.
OF_NODE = {"signal", "first"}
# Shapes of messages, which are those of OpenAI's API, and are written by hand.
MESSAGES = ("AssistantMessage", "TextMessage", "ToolMessage")
# Objects of results that are parts of arguments too.
BOTH = {"Modifier", "Rounding"}


def languages() -> dict[str, Surface]:
    return {
        "Python": python.read(),
        "Python, awaited": python.read("Async"),
        "TypeScript": typescript.read(),
        "Kotlin": classes.kotlin(),
        "Swift": classes.swift(),
    }


def definition(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the object that a schema refers to, or may."""
    for each in schema.get("anyOf", [schema]):
        if "$ref" in each:
            return SCHEMA["arguments"][each["$ref"].rpartition("/")[2]].get("properties", {})
    return {}


def by_name(verb: str) -> set[str]:
    """Returns what a method takes whose arguments are given by their place or by their name."""
    found: set[str] = set()
    for name, field in SCHEMA["verbs"][verb]["arguments"].get("properties", {}).items():
        if field.get("spread") or name in {"request", "options"}:
            found |= definition(field).keys()
        elif "row" in field:
            found.add(field.get("argument", field["row"].lower()))
        else:
            found.add(field.get("argument", name))
    return found


def verbs_of(class_name: str) -> dict[str, str]:
    """Returns the verbs of a class, by what methods are called."""
    nouns = {each["class"]: noun for noun, each in SCHEMA["nouns"].items()}
    if class_name in nouns:
        return {verb.rpartition(".")[2]: verb for verb in SCHEMA["verbs"] if verb.rpartition(".")[0] == nouns[class_name]}
    others = (verb for verb in SCHEMA["verbs"] if verb.rpartition(".")[0] not in SCHEMA["nouns"])
    return {FILE_METHODS.get(verb, verb): verb for verb in others}


class Surfaces(unittest.TestCase):
    """Everything that is compared is read from the sources of each language."""

    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.languages = languages()
        cls.scripts = {name: cls.languages[name] for name in ("Python", "Python, awaited", "TypeScript")}
        cls.typed = {name: cls.languages[name] for name in ("Kotlin", "Swift")}

    def test_every_language_has_the_same_verbs(self) -> None:
        expected = {name: set(verbs_of(name)) for name in (*(each["class"] for each in SCHEMA["nouns"].values()), "OpenFile")}
        expected["OpenFile"] -= OF_LANGUAGES | {"chat.stream"}
        self.assertGreater(sum(map(len, expected.values())), 30)
        for language, surface in self.languages.items():
            # Reading page by page is made of the verb that reads a page.
            found = {name: set(methods) - {"iterate"} for name, methods in surface.classes.items()}
            found["OpenFile"] -= OF_LANGUAGES | {"aclose"}
            self.assertEqual(found, expected, language)

    def test_every_method_takes_what_the_engine_takes(self) -> None:
        for language, surface in self.scripts.items():
            for name, methods in surface.classes.items():
                verbs = verbs_of(name)
                for method, taken in methods.items():
                    if method in verbs and method not in OF_LANGUAGES:
                        self.assertEqual(taken - OF_NODE, by_name(verbs[method]), f"{language}: {name}.{method}")

    def test_pages_are_read_by_what_selects_records(self) -> None:
        for language, surface in self.scripts.items():
            self.assertEqual(
                surface.classes["UsageLedger"]["iterate"], by_name("usage.records") - {"limit", "cursor"}, language
            )

    def test_every_verb_is_encoded_with_what_the_engine_takes(self) -> None:
        for language, surface in self.typed.items():
            for name, methods in surface.classes.items():
                verbs = {each.replace("chat.stream", "chat_stream"): verb for each, verb in verbs_of(name).items()}
                for method, taken in methods.items():
                    expected = SCHEMA["verbs"][verbs[method]]["arguments"].get("properties", {}).keys()
                    self.assertEqual(taken, set(expected), f"{language}: {name}.{method}")

    def test_results_have_the_same_fields_in_every_language(self) -> None:
        expected = {
            name: set(each["properties"])
            for name, each in SCHEMA["definitions"].items()
            if "properties" in each and not each.get("data")
        }
        worked_out = {"PriceUpdate": {"changes"}, "Verification": {"is_sound"}}
        for language, surface in self.languages.items():
            both = {name: surface.shapes[name] for name in BOTH} if language in self.typed else {}
            more = {} if language in self.typed else worked_out
            found = {**surface.results, **both}
            self.assertEqual(found.keys(), expected.keys(), language)
            for name, fields in expected.items():
                self.assertEqual(found[name], fields | more.get(name, set()), f"{language}: {name}")

    def test_shapes_of_arguments_have_the_same_fields_in_every_language(self) -> None:
        requests = {"ChatRequest", "EmbedRequest", "RerankRequest"}
        for name, each in SCHEMA["arguments"].items():
            if "properties" in each:
                for language, surface in self.languages.items():
                    if name not in requests or language in self.typed:
                        self.assertEqual(surface.shapes.get(name), set(each["properties"]), f"{language}: {name}")
        for name in MESSAGES:
            self.assertEqual(self.languages["Python"].shapes[name], self.languages["TypeScript"].shapes[name], name)

    def test_every_kind_of_error_is_in_every_language(self) -> None:
        codes = [each["const"] for each in SCHEMA["errors"]["oneOf"]]
        self.assertGreater(len(codes), 20)
        for language, surface in self.languages.items():
            self.assertEqual(list(surface.errors.values()), codes, language)
        self.assertEqual(self.languages["Python"].errors, self.languages["TypeScript"].errors)

    def test_words_are_those_of_the_engine(self) -> None:
        for name, schema in SCHEMA["arguments"].items():
            if "properties" not in schema:
                values = schema.get("enum") or [
                    value for each in schema["oneOf"] for value in ([each["const"]] if "const" in each else each["enum"])
                ]
                for language, surface in self.languages.items():
                    found = surface.words.get(name) or surface.words.get(f"Price{name}")
                    self.assertEqual(found, values, f"{language}: {name}")


if __name__ == "__main__":
    unittest.main()

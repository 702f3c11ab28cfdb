"""What Kotlin and Swift have, whose sources say the same in different words."""

from __future__ import annotations

import re

from . import ROOT, Surface, generated, snake

_SCHEMA = ROOT / "bindings" / "schema"


def kotlin() -> Surface:
    """Reads the types and verbs of Kotlin."""
    text = generated(ROOT / "kotlin" / "tollway" / "src" / "main" / "kotlin", "kt")
    objects = {}
    for name, body in re.findall(r"^(?:public|internal) data class (\w+)\(\n(.*?)^\)", text, re.MULTILINE | re.DOTALL):
        fields = re.findall(r'(?:@SerialName\("(\w+)"\)\s+)?public val `?(\w+)`?: ([^\n]+)', body)
        objects[name] = {named or field: type_ for named, field, type_ in fields}
    words = {
        name: re.findall(r'@SerialName\("([^"]+)"\)', body)
        for name, body in re.findall(r"^public enum class (\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    }
    classes = re.findall(r"^internal object (\w+)Verbs \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    verbs = {
        name: re.findall(r'val (\w+): Verb<(\w+), [^=]+=\s+Verb\("([\w.]+)"', body) for name, body in classes
    }
    return _surface(objects, words, verbs)


def swift() -> Surface:
    """Reads the types and verbs of Swift."""
    text = generated(_SCHEMA / "swift" / "Sources", "swift")
    objects = {}
    for name, body in re.findall(r"^public struct (\w+): Codable[^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        keys = dict(re.findall(r'^        case `?(\w+)`?(?: = "(\w+)")?$', body, re.MULTILINE))
        fields = re.findall(r"^    public (?:let|var) `?(\w+)`?: ([^\n{]+)$", body, re.MULTILINE)
        objects[name] = {keys.get(field) or field: type_ for field, type_ in fields}
    words = {
        name: re.findall(r'= "([^"]+)"', body)
        for name, body in re.findall(r"^public enum (\w+): String[^\n]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    }
    classes = re.findall(r"^public enum (\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    verbs = {
        name: re.findall(r'static let `?(\w+)`? = Verb<(\w+), .+>\("([\w.]+)"\)', body) for name, body in classes
    }
    return _surface(objects, words, verbs)


def _surface(
    objects: dict[str, dict[str, str]], words: dict[str, list[str]], verbs: dict[str, list[tuple[str, str, str]]]
) -> Surface:
    """Makes a surface of objects with the types of their fields. What verbs take and all that it is made of is a shape."""
    found = Surface(words=words, errors={code: code for code in words["ErrorKind"]})
    taken = {arguments for methods in verbs.values() for _, arguments, _ in methods}
    shapes: set[str] = set()
    waiting = [name for name in taken if name in objects]
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes.add(name)
            waiting += [each for type_ in objects[name].values() for each in re.findall(r"\w+", type_) if each in objects]
    found.shapes = {name: set(objects[name]) for name in shapes}
    found.results = {name: set(fields) for name, fields in objects.items() if name not in shapes}
    for name, methods in verbs.items():
        if methods:
            found.classes[name] = {snake(method): set(objects.get(arguments, ())) for method, arguments, _ in methods}
    return found

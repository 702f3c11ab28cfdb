"""What one shell can, the other can too, and both as the engine says; and what is generated says all of it."""

from __future__ import annotations

import ast
import json
import re
import unittest
from pathlib import Path

from shells import kotlin, model, python_results, swift, typescript_results

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "python" / "src" / "tollway"
NODE = ROOT / "node" / "src"
SCHEMA = ROOT / "bindings" / "schema" / "schema.json"

# Classes by the module of Python and the file of Node that have them.
CLASSES = {
    "Budgets": ("budgets", "budgets"),
    "FxRates": ("fx", "fx"),
    "Models": ("models", "models"),
    "Prices": ("prices", "prices"),
    "Routes": ("routes", "routes"),
    "Tollway": ("client", "client"),
    "UsageLedger": ("usage", "usage"),
}
# Where the idiom of a language has it otherwise: chats are an object that is called in Python, and methods in Node.
IDIOM_OF_NODE = {"Tollway": {"chat", "chatStream", "fetch", "path"}}
# Shapes of arguments, by their names in Python and in Node.
SHAPES = {
    "AssistantMessage": "AssistantMessage",
    "Calendar": "Calendar",
    "ChatParameters": "ChatParameters",
    "EmbedParameters": "EmbedParameters",
    "RerankParameters": "RerankParameters",
    "Conditions": "Conditions",
    "ModelChanges": "ModelChanges",
    "ModelParameters": "ModelParameters",
    "Modifier": "ModifierInput",
    "PriceInput": "PriceInput",
    "Range": "Range",
    "RecordFilter": "RecordFilter",
    "Rounding": "RoundingInput",
    "SettingsParameters": "Settings",
    "TextMessage": "TextMessage",
    "ToolMessage": "ToolMessage",
    "UsageFilter": "UsageFilter",
}
WORDS = ("AbandonPolicy", "Capability", "CostStatus", "Meter", "RecordStatus", "Strategy", "Unit", "UnpricedPolicy", "Window")


def python_methods(module: str, name: str) -> set[str]:
    """Returns the public methods of a class."""
    tree = ast.parse((PYTHON / f"{module}.py").read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    members = (node for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    # What hands out the object of a noun is a property in Python and a field in Node.
    methods = (each for each in members if "property" not in {ast.unparse(mark) for mark in each.decorator_list})
    return {method.name for method in methods if not method.name.startswith("_")}


def node_methods(file: str, name: str) -> set[str]:
    """Returns the public methods and properties of a class."""
    text = (NODE / f"{file}.ts").read_text()
    body = re.search(rf"export class {name} \{{\n(.*?)\n\}}\n", text, re.DOTALL)[1]
    found = re.findall(r"^  (?:static )?(?:async )?(?:\*)?(?:get )?([a-z]\w*)(?:<[^>]*>)?\(", body, re.MULTILINE)
    return set(found) - {"constructor"}


def python_types() -> str:
    """Returns the text of all shapes of arguments."""
    return "\n".join((PYTHON / name).read_text() for name in ("_arguments.py", "_shapes.py"))


def node_types() -> str:
    """Returns the text of all shapes of arguments."""
    return "\n".join((NODE / name).read_text() for name in ("types.ts", "arguments.ts", "shapes.ts"))


def python_fields(name: str) -> set[str]:
    """Returns the fields of a typed dictionary, inherited ones included."""
    tree = ast.parse(python_types())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            own = {each.target.id for each in node.body if isinstance(each, ast.AnnAssign)}
            bases = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id != "TypedDict"]
            return own.union(*(python_fields(base) for base in bases))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.targets[0], "id", "") == name:
            return {key.value for key in node.value.args[1].keys}
    raise KeyError(name)


def node_fields(name: str) -> set[str]:
    """Returns the fields of an interface, inherited ones included."""
    text = node_types()
    found = re.search(rf"export interface {name}(?: extends ([\w, ]+))? \{{\n(.*?)\n?\}}\n", text, re.DOTALL)
    own = set(re.findall(r"^  readonly (\w+)\??:", found[2], re.MULTILINE))
    return own.union(*(node_fields(base.strip()) for base in (found[1] or "").split(",") if base.strip()))


class Surface(unittest.TestCase):
    """The two shells that are written by hand say the same."""

    def test_every_method_of_one_language_is_in_the_other(self) -> None:
        for name, (module, file) in CLASSES.items():
            python = {typescript_results.camel(each) for each in python_methods(module, name)}
            node = node_methods(file, name) - IDIOM_OF_NODE.get(name, set())
            self.assertEqual(python, node, name)
            self.assertGreater(len(node), 1, name)

    def test_every_method_has_its_async_twin(self) -> None:
        for name, (module, _) in CLASSES.items():
            twin = "async_client" if name == "Tollway" else module
            asynchronous = python_methods(twin, f"Async{name}")
            self.assertEqual(python_methods(module, name), {each.replace("aclose", "close") for each in asynchronous}, name)

    def test_every_argument_of_one_language_is_in_the_other(self) -> None:
        for python, node in SHAPES.items():
            ours = {typescript_results.camel(each) for each in python_fields(python)}
            theirs = {typescript_results.camel(each) for each in node_fields(node)}
            self.assertEqual(ours, theirs, f"{python} and {node}")
            self.assertGreater(len(ours), 2, python)

    def test_words_are_those_of_the_engine_in_both(self) -> None:
        enums = {each.name: [value for value, _ in each.values] for each in model.read(SCHEMA).enums}
        python, node = python_types(), node_types()
        for name in WORDS:
            if name not in enums:
                continue
            ours = re.search(rf"^{name}: TypeAlias = Literal\[(.*?)\]$", python, re.MULTILINE | re.DOTALL)[1]
            theirs = re.search(rf"^export type {name} =(.*?);$", node, re.MULTILINE | re.DOTALL)[1]
            self.assertEqual(re.findall(r'"([^"]+)"', ours), enums[name], name)
            self.assertEqual(re.findall(r"'([^']+)'", theirs), enums[name], name)


class Emitters(unittest.TestCase):
    """What is generated follows from the schema."""

    SCHEMA = {
        "results": {"acts.list": {"type": "array", "items": {"$ref": "#/$defs/Act"}}, "acts.end": {"type": "null"}},
        "definitions": {
            "Act": {
                "type": "object",
                "description": "An act.",
                "properties": {
                    "note": {"type": ["string", "null"], "description": "What for; see [`Kind`]."},
                    "from": {"type": "string", "format": "date-time"},
                    "cost_amount": {"type": "string", "format": "decimal"},
                    "kind": {"$ref": "#/$defs/Kind"},
                    "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
                },
                "required": ["note", "from", "cost_amount", "kind"],
            },
            "Kind": {"oneOf": [{"type": "string", "const": "first", "description": "The first."}]},
            "Part": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]},
        },
    }

    def test_python_reads_exact_values_and_knows_what_may_be_absent(self) -> None:
        text = python_results.emit(model.of_schema(self.SCHEMA))["results"]
        for line in (
            "    from_: datetime",
            "    cost_amount: Decimal",
            "    note: str | None",
            "    parts: tuple[Part, ...] = ()",
            '        "from_": ("from", _values.instant, None),',
            '        "parts": ("parts", _record.each(Part._decode), ()),',
            "        note: What for; see `Kind`.",
        ):
            self.assertIn(f"{line}\n", text)
        self.assertLess(text.index("class Part"), text.index("class Act"), "what is needed is made first")

    def test_typescript_names_fields_in_its_way_and_reads_every_verb(self) -> None:
        files = typescript_results.emit(model.of_schema(self.SCHEMA))
        self.assertIn("  readonly costAmount: string;\n", files["results"])
        self.assertIn("  readonly note: string | null;\n", files["results"])
        self.assertIn("    parts: (value['parts'] ?? []).map(decodePart),\n", files["decode"])
        self.assertIn("  'acts.list': listOf(decodeAct),\n  'acts.end': nothing,\n", files["decode"])

    def test_kotlin_and_swift_have_exact_types_and_their_own_names(self) -> None:
        found = model.of_schema(self.SCHEMA)
        ours = kotlin.emit(found)
        self.assertIn('    @SerialName("cost_amount")\n    public val costAmount: ExactDecimal,\n', ours["Results"])
        self.assertIn("    public val parts: List<Part> = emptyList(),\n", ours["Results"])
        self.assertIn('    @SerialName("first")\n    FIRST,\n', ours["Words"])
        theirs = swift.emit(found)
        self.assertIn("    public let costAmount: ExactDecimal\n", theirs["Results"])
        self.assertIn("parts = try fields.decodeIfPresent([Part].self, forKey: .parts) ?? []\n", theirs["Results"])
        self.assertIn('    case first = "first"\n', theirs["Words"])

    def test_a_shape_that_no_emitter_knows_is_refused(self) -> None:
        schema = json.loads(json.dumps(self.SCHEMA))
        schema["definitions"]["Part"]["properties"]["count"] = {"type": ["integer", "string"]}
        with self.assertRaises(ValueError):
            model.of_schema(schema)

    def test_every_result_of_the_engine_is_a_record(self) -> None:
        found = model.read(SCHEMA)
        where = python_results.emit(found)["_where"]
        for struct in found.structs:
            if struct.name not in python_results.MAPPINGS:
                self.assertIn(f'    "{struct.name}": ', where)
        exported = ast.parse((PYTHON / "__init__.py").read_text())
        (names,) = (
            ast.literal_eval(node.value)
            for node in exported.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        )
        self.assertEqual(set(re.findall(r'^    "(\w+)"', where, re.MULTILINE)) - set(names), set())


if __name__ == "__main__":
    unittest.main()

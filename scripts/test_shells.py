"""What is generated follows from the schema."""

from __future__ import annotations

import ast
import json
import re
import unittest
from pathlib import Path

import generate_shells
from shells import kotlin, model, python_records, python_verbs, schema, swift, typescript_results, typescript_verbs

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "python" / "src" / "tollway"
# The most lines of a file, generated ones included.
_MOST_LINES = 800

SCHEMA = {
    "nouns": {"acts": {"class": "Acts", "description": "Keeps acts.\n\n In their order."}},
    "verbs": {
        "acts.list": {
            "noun": "acts",
            "description": "Returns all acts.",
            "positional": [],
            "shape": "NoArguments",
            "arguments": {"type": "object"},
            "result": {"type": "array", "items": {"$ref": "#/$defs/Act"}},
        },
        "acts.end": {
            "noun": "acts",
            "description": "Ends an act.\n\n * `not_found` if there is no such\n act.\n * `closed` if it is over.",
            "positional": ["id", "cost_amount"],
            "shape": "EndOptions",
            "arguments": {
                "type": "object",
                "description": "How to end.",
                "properties": {
                    "id": {"type": "integer", "row": "Act", "description": "The act."},
                    "cost_amount": {"type": "string", "format": "decimal", "description": "What it cost."},
                    "why": {"type": ["string", "null"], "description": "The reason, beside `cost_amount`."},
                },
                "required": ["id", "cost_amount"],
            },
            "result": {"type": "null"},
        },
    },
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
        "Kind": {"oneOf": [{"type": "string", "const": "first", "description": "The first."}], "noun": "kinds"},
        "Part": {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]},
    },
    "arguments": {"Settings": {"type": "object", "properties": {}}},
    "errors": {"oneOf": [{"const": "not_found", "description": "It is not there. Look elsewhere."}]},
}


class Places(unittest.TestCase):
    """A type stands where its noun is."""

    def test_a_type_stands_with_the_first_verb_that_has_it_or_where_it_says(self) -> None:
        found = schema.of_schema(SCHEMA)
        self.assertEqual({each.name: each.noun for each in found.structs}, {"Act": "acts", "Part": "acts"})
        self.assertEqual([each.noun for each in found.enums], ["kinds"])

    def test_what_has_all_fields_of_another_extends_it(self) -> None:
        fields = {name: {"type": "string"} for name in ("a", "b", "c", "d")}
        changed = json.loads(json.dumps(SCHEMA))
        changed["definitions"]["Small"] = {"type": "object", "properties": {name: fields[name] for name in ("a", "b", "c")}}
        changed["definitions"]["Great"] = {"type": "object", "properties": fields}
        changed["definitions"]["Other"] = {"type": "object", "properties": {**fields, "c": {"type": "integer"}}}
        extended = {each.name: each.extends for each in schema.of_schema(changed).structs}
        self.assertEqual((extended["Great"], extended["Small"], extended["Other"]), ("Small", "", ""))

    def test_no_generated_file_is_long(self) -> None:
        for path, text in generate_shells.files():
            self.assertIsNotNone(text, f"{path} is generated no longer")
            self.assertLessEqual(len(text.splitlines()), _MOST_LINES, path)


class Emitters(unittest.TestCase):
    """What is written is what the language has."""

    def test_python_reads_exact_values_and_knows_what_may_be_absent(self) -> None:
        text = python_records.emit(schema.of_schema(SCHEMA))["results/acts"]
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

    def test_python_takes_a_row_for_its_id_and_says_what_is_raised(self) -> None:
        text = python_verbs.emit(schema.of_schema(SCHEMA))["acts"]
        for line in (
            "def _end(act: Act | int, cost_amount: Amount, why: str | None) -> Operation[None]:",
            '    arguments = {"id": row(act, Act, "id"), "cost_amount": money_text(cost_amount, "cost_amount"), "why": why}',
            "    def end(self, act: Act | int, cost_amount: Amount, *, why: str | None = None) -> None:",
            "            NotFoundError: There is no such act.",
            "            ClosedError: It is over.",
            "    async def end(self, act: Act | int, cost_amount: Amount, *, why: str | None = None) -> None:",
            "        await self._engine.run(_end(act, cost_amount, why))",
        ):
            self.assertIn(f"{line}\n", text)

    def test_typescript_names_fields_in_its_way_and_reads_every_verb(self) -> None:
        files = typescript_results.emit(schema.of_schema(SCHEMA))
        self.assertIn("  readonly costAmount: string;\n", files["results/acts"])
        self.assertIn("  readonly note: string | null;\n", files["results/acts"])
        self.assertIn("    parts: (value['parts'] ?? []).map(decodePart),\n", files["results/acts"])
        self.assertIn("  'acts.list': listOf(decodeAct),\n  'acts.end': nothing,\n", files["decode"])

    def test_typescript_takes_a_row_for_its_id_and_options_last(self) -> None:
        text = typescript_verbs.emit(schema.of_schema(SCHEMA))["acts"]
        self.assertIn("  async end(act: Act | number, costAmount: Amount, options?: EndOptions): Promise<void> {\n", text)
        self.assertIn("a `NotFoundError` if there is no such act, and a `ClosedError` if it is over.", text)
        self.assertIn("      cost_amount: moneyText(costAmount, 'costAmount'),\n      ...END.read(options),\n", text)

    def test_kotlin_and_swift_have_exact_types_and_their_own_names(self) -> None:
        found = schema.of_schema(SCHEMA)
        ours = kotlin.emit(found)
        self.assertIn('    @SerialName("cost_amount")\n    public val costAmount: ExactDecimal,\n', ours["Acts"])
        self.assertIn("    public val parts: List<Part> = emptyList(),\n", ours["Acts"])
        self.assertIn("    /** The reason, beside `costAmount`. */\n    public val why: String? = null,\n", ours["Acts"])
        self.assertIn('    @SerialName("first")\n    FIRST,\n', ours["Kinds"])
        self.assertIn("    val end: Verb<EndOptions, Unit> =", ours["Verbs"])
        theirs = swift.emit(found)
        self.assertIn("    public let costAmount: ExactDecimal\n", theirs["Acts"])
        self.assertIn("parts = try fields.decodeIfPresent([Part].self, forKey: .parts) ?? []\n", theirs["Acts"])
        self.assertIn("    public init(id: Int, costAmount: ExactDecimal, why: String? = nil) {\n", theirs["Acts"])
        self.assertIn('    case first = "first"\n', theirs["Kinds"])
        self.assertIn('    public static let end = Verb<EndOptions, NothingReturned>("acts.end")\n', theirs["Verbs"])

    def test_what_no_emitter_knows_is_refused(self) -> None:
        changed = json.loads(json.dumps(SCHEMA))
        changed["definitions"]["Part"]["properties"]["count"] = {"type": ["integer", "string"]}
        with self.assertRaises(ValueError):
            schema.of_schema(changed)

    def test_arguments_by_name_need_a_name_together(self) -> None:
        changed = json.loads(json.dumps(SCHEMA))
        changed["verbs"]["acts.end"]["shape"] = "EndArguments"
        with self.assertRaisesRegex(ValueError, "acts.end has arguments by name"):
            python_verbs.emit(schema.of_schema(changed))

    def test_every_result_of_the_engine_is_a_record_of_the_package(self) -> None:
        found = model.read(generate_shells.SCHEMA)
        tree = ast.parse((PYTHON / "results" / "__init__.py").read_text())
        (exported,) = (
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        )
        self.assertEqual(set(exported), {each.name for each in found.structs if not each.is_data})
        where = re.findall(r'^    "(\w+)": "results\.\w+",$', (PYTHON / "_where.py").read_text(), re.MULTILINE)
        self.assertEqual(set(where), set(exported))


if __name__ == "__main__":
    unittest.main()

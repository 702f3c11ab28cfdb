"""The published packages that the catalog takes its facts from: fetching them, and having `tollway` read their lists.

No code of the packages is run. One list is JSON, the other is Python that is only parsed. What their keys mean, the
importers of the crate know; this module only hands them the lists.
"""

import ast
import datetime
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

PACKAGES = {"litellm": "1.109.1", "genai-prices": "0.2.3"}
MEMBERS = {"litellm": "litellm/model_prices_and_context_window_backup.json", "genai-prices": "genai_prices/data.py"}


def fetch(folder: Path) -> None:
    """Downloads the pinned packages with pip."""
    for name, version in PACKAGES.items():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*command, f"{name}=={version}"], check=True)


def read_package(folder: Path, name: str) -> tuple[str, dict]:
    """Returns the list in a package, and what the catalog's header says of it."""
    stem, version = name.replace("-", "_"), PACKAGES[name]
    wheels = list(folder.glob(f"{stem}-{version}-*.whl"))
    if len(wheels) != 1:
        raise SystemExit(f"{folder} must hold exactly one wheel of {name} {version}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        text = wheel.read(MEMBERS[name]).decode("utf-8")
        metadata = wheel.read(f"{stem}-{version}.dist-info/METADATA").decode("utf-8")
    found = re.search(r"^License(?:-Expression)?: (.{1,40})$", metadata, re.MULTILINE)
    classifier = re.search(r"^Classifier: License :: OSI Approved :: (.+) License$", metadata, re.MULTILINE)
    license_name = (found or classifier)[1] if found or classifier else None
    return text, {"name": name, "version": version, "license": license_name, "checked_in": newest_date(text)}


def newest_date(text: str) -> str | None:
    """Returns the newest past day that a list names, which is how fresh it is at least."""
    today = datetime.date.today().isoformat()
    dashed = re.findall(r"\b20\d\d-[01]\d-[0-3]\d\b", text)
    called = [f"{y}-{int(m):02}-{int(d):02}" for y, m, d in re.findall(r"date\((20\d\d), (\d+), (\d+)\)", text)]
    return max((day for day in dashed + called if day <= today), default=None)


def plain(node: ast.expr) -> object:
    """Turns literals and constructor calls into plain data, with the names that the published JSON gives its fields."""
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [plain(item) for item in node.elts]
        case ast.Dict():
            return {plain(key): plain(value) for key, value in zip(node.keys, node.values, strict=True)}
        case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant(value=str() as text)]):
            return Decimal(text)
        case ast.Call(func=ast.Attribute(attr="date")):
            return datetime.date(*[plain(argument) for argument in node.args]).isoformat()
        case ast.Call(func=ast.Attribute(attr="time")):
            hour, minute = [*[plain(argument) for argument in node.args], 0][:2]
            return f"{hour:02}:{minute:02}:00Z"
        case ast.Call():
            return {keyword.arg.rstrip("_"): plain(keyword.value) for keyword in node.keywords}
        case _:
            return ast.unparse(node)


def exact_json(value: object) -> str:
    """Writes JSON in which a decimal is a number with the digits that it has."""
    match value:
        case Decimal():
            return f"{value:f}"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {exact_json(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(exact_json(item) for item in value) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def genai_json(source: str) -> str:
    """Turns the list of genai-prices from Python into JSON."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "providers":
            providers = plain(statement.value)
            kept = [{"id": provider["id"], "models": provider["models"]} for provider in providers]
            return exact_json(kept)
    raise SystemExit("genai-prices holds no list of providers where it was expected")


def read_book(command: list[str], name: str, text: str, checked: str) -> tuple[list[dict], dict]:
    """Has `tollway` read a list; returns its offers and the report of what was not understood."""
    text = genai_json(text) if name == "genai-prices" else text
    with tempfile.TemporaryDirectory() as folder:
        given, book = Path(folder, "list.json"), Path(folder, "book.json")
        given.write_text(text, "utf-8")
        asked = ["prices", "import", str(given), "--format", name, "--output", str(book), "--json"]
        asked += ["--source", f"{name} {PACKAGES[name]}", "--checked", checked]
        answer = subprocess.run([*command, *asked], check=True, capture_output=True, text=True)
        offers = json.loads(book.read_text("utf-8"))["offers"]
    return offers, json.loads(answer.stdout)

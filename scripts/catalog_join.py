"""How two lists on one model are joined, and how prices of one slot follow each other in time."""

from collections import Counter
from decimal import Decimal

from catalog_prices import BASES, scale, slot

ADDABLE = ("_token", "web_search", "file_search")
UNEQUAL = {"conditions", "effective_date", "expiry_date", "basis", "modifier"}


def present(offer: dict, today: str) -> dict[str, Decimal]:
    """Returns the input and output prices of today, those of a plain call."""
    found = {}
    for price in offer["prices"]:
        is_plain = price["pricing_type"] in BASES and not set(price.get("conditions", {})) - {"input_tokens"}
        lower = price.get("conditions", {}).get("input_tokens", {})
        is_lowest = not ({"above", "from"} & set(lower))
        begun = (price.get("effective_date") or "") <= today + "T23:59:59Z"
        over = price.get("expiry_date") and price["expiry_date"] <= today + "T23:59:59Z"
        if is_plain and is_lowest and begun and not over:
            found[price["pricing_type"]] = scale(price)
    return found


def join(first: dict, second: dict, today: str, counts: Counter) -> dict:
    """Joins two lists on one model; the first one's components stand."""
    take_exact(first, second, counts)
    ours, theirs = present(first, today), present(second, today)
    shared = set(ours) & set(theirs)
    if not shared or any(ours[meter] != theirs[meter] for meter in shared):
        if not shared:
            counts["in both, without a price in common"] += 1
            return first
        counts["in both, disagreeing"] += 1
        figures = ", ".join(
            f"{meter} {theirs[meter].normalize():f}" for meter in sorted(shared) if ours[meter] != theirs[meter]
        )
        note = f"{second['source']} has {figures} a million."
        return first | {"note": " ".join(filter(None, (first.get("note"), note)))}
    counts["in both, agreeing"] += 1
    now = today + "T00:00:00Z"
    prices, added = [dict(price) for price in first["prices"]], []
    own_meters = {price["pricing_type"] for price in prices}
    for price in second["prices"]:
        same = [own for own in prices if slot(own) == slot(price)]
        if (price.get("expiry_date") or "9") <= now:
            added.append(price)
            for own in same:
                own["effective_date"] = max(own.get("effective_date") or "", price["expiry_date"])
        elif (price.get("effective_date") or "") > now:
            added.append(price)
            for own in same:
                own["expiry_date"] = price["effective_date"]
        elif price["pricing_type"] not in own_meters and price["pricing_type"].endswith(ADDABLE):
            added.append({key: value for key, value in price.items() if key != "effective_date"})
    counts["past and announced prices added"] += sum(
        1 for p in added if p.get("effective_date") or p.get("expiry_date")
    )
    source = f"{first['source']}, {second['source']}"
    aliases = [*first["aliases"], *second["aliases"]]
    limits = {key: second[key] for key in ("context_window",) if key in second and not first.get(key)}
    return first | limits | {"prices": prices + added, "source": source, "aliases": aliases}


def take_exact(first: dict, second: dict, counts: Counter) -> None:
    """Takes the second list's figure where the first one's is the same but for rounding.

    That is so of seconds that were an hour's or a minute's price, and of prices that a vendor states in units of its own.
    """
    exact = {price["pricing_type"]: price for price in second["prices"] if not set(price) & UNEQUAL}
    sizes = {"per_second": 1, "per_minute": 60, "per_hour": 3600}
    for price in first["prices"]:
        other = exact.get(price["pricing_type"])
        if other is None or set(price) & UNEQUAL:
            continue
        if price["unit"] in sizes and other["unit"] in sizes:
            ours = Decimal(price["unit_price"]) * sizes[other["unit"]] / sizes[price["unit"]]
            theirs, tolerance = Decimal(other["unit_price"]), Decimal("0.003")
        elif first["provider"] == "databricks" and price["unit"].endswith(("token", "tokens")):
            ours, theirs, tolerance = scale(price), scale(other), Decimal("0.01")
        else:
            continue
        if ours != theirs and abs(ours - theirs) <= tolerance * theirs:
            counts["rounded in one list, exact in the other"] += 1
            price["unit_price"], price["unit"] = other["unit_price"], other["unit"]
        if other.get("rounding"):
            price["rounding"] = other["rounding"]


def drop_overlaps(offer: dict, counts: Counter) -> None:
    """Keeps one price of a slot at any instant: the one that begins later ends the one before."""
    by_slot: dict[tuple, list[dict]] = {}
    for price in offer["prices"]:
        by_slot.setdefault(slot(price), []).append(price)
    kept = []
    for prices in by_slot.values():
        prices.sort(key=lambda price: price.get("effective_date") or "")
        for price, later in zip(prices, [*prices[1:], None], strict=True):
            if later is not None:
                start = later.get("effective_date") or ""
                if start <= (price.get("effective_date") or ""):
                    counts["two prices of one slot, the second left out"] += 1
                    later["unit_price"], later["unit"] = price["unit_price"], price["unit"]
                    continue
                if (price.get("expiry_date") or "9") > start:
                    price["expiry_date"] = start
            kept.append(price)
    order = {id(price): place for place, price in enumerate(offer["prices"])}
    offer["prices"] = sorted(kept, key=lambda price: order[id(price)])


def adopt_spelling(first: dict, second: dict, counts: Counter) -> None:
    """Names offers of the second list as the first one does, where that is an alias or differs in capital letters."""
    lower = {(provider, model.lower()): (provider, model) for provider, model in first}
    for key in sorted(set(second) - set(first)):
        offer = second[key]
        names = [key[1], *offer["aliases"]]
        wanted = [lower[key[0], name.lower()] for name in names if (key[0], name.lower()) in lower]
        if wanted and wanted[0] not in second:
            counts["named as in the other list"] += 1
            offer = second.pop(key)
            second[wanted[0]] = offer | {"model": wanted[0][1], "aliases": [*offer["aliases"], key[1]]}

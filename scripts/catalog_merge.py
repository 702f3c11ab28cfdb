"""The rules by which lists become one catalog.

Identity. An offer is a seller and an exact model name. Sellers have the names that model configs use (`SELLERS`), else
the list's own in lower case. Lists in yuan (`YUAN`) come from catalog_by_hand.json alone: the packages keep them converted
to dollars, and a converted price is not what is charged.

What is left out: rows without a price, and rows whose prices are all zero, because a zero there means "not known" far more
often than "free"; rows by hand that say so are free. A zero for writing to a cache means that writing costs no more than
reading input, so it is left out and input's price stands. Any other zero beside real prices is left out where another
price stands for it, except a stated cached input of zero. Image counts of models that are billed by tokens, steps of
image models above the usual, routers that add a fee to another model's price, prices by the number of parameters, and
prices of tokens with misplaced digits (above 2,000 dollars a million, or `MISPLACED`) are left out.

What is mended: digits that went through a float (`clean`), lists in euros that are kept as dollars (`EUROS`), sizes and
qualities of images that stand in model names (`fold_images`), prices of cache writes below those of input (`mend_writes`),
prices that were rounded from a vendor's own units (`undo_units`), the price of the thinking mode of Model Studio, which is of
all output and not of the reasoning tokens alone (`mend_model_studio`).

Two packages on one model. Where their present input and output prices agree, the components are litellm's, with those that
only genai-prices has, its past prices and its announced ones. Where they disagree, litellm's stand, whose rows are the
newer ones by the comparison that the note quotes, and the other figures stand in the note; `TRUST_GENAI` turns that around.
"""

import re
from collections import Counter
from decimal import Decimal

SELLERS = {
    "azure_text": "azure",
    "aws": "bedrock",
    "dashscope": "dashscope-intl",
    "fireworks_ai": "fireworks",
    "github-copilot": "github_copilot",
    "google": "gemini",
    "moonshot": "moonshot-intl",
    "moonshotai": "moonshot-intl",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel",
    "voyageai": "voyage",
    "x-ai": "xai",
}
YUAN = {"dashscope", "doubao", "zhipu", "moonshot", "siliconflow", "volcengine", "bigmodel", "zhipuai"}
EUROS = {"ovhcloud"}
MODEL_STUDIO = {"dashscope-intl", "qwencloud", "qwen_ai_platform"}
TRUST_GENAI = {("cloudflare", "@cf/meta/llama-2-7b-chat-fp16"), ("cloudflare", "@cf/mistral/mistral-7b-instruct-v0.1")}
ROUTERS = {"model-router", "model_router"}
BUCKET = re.compile(r"^(fireworks|together)-ai-.*\d+[bm]$|^fireworks-ai-default$")
MISPLACED = {("openinfer", "@oi/Qwen3.5-9B"), ("watsonx", "core42/jais-13b-chat")}
NOT_SELLERS = {"openai-decisions", "lemonade", "ollama"}
DEAREST_TOKEN = Decimal(2_000)
MILLION = Decimal(1_000_000)
BASES = ("input_token", "output_token")
ADDABLE = ("_token", "web_search", "file_search")
UNEQUAL = {"conditions", "effective_date", "expiry_date", "basis", "modifier"}


def scale(price: dict) -> Decimal:
    """Returns how much a million tokens cost, or the price as it is for anything else."""
    value = Decimal(price["unit_price"])
    factors = {"per_token": 1_000_000, "per_1k_tokens": 1_000}
    return value * factors.get(price["unit"], 1)


def conditions(price: dict) -> str:
    return repr(sorted(price.get("conditions", {}).items()))


def slot(price: dict) -> tuple:
    return price["pricing_type"], price.get("basis", "replaces"), conditions(price), repr(price.get("modifier"))


def digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)


def clean(price: dict, counts: Counter) -> None:
    """Turns a price of more than 12 significant digits into the one that it stands for.

    A price of a second may be a rounded one of a minute or an hour, which is exact; a price of a pixel may be an exact
    one of 2^20 pixels, which stays as it is.
    """
    value = Decimal(price["unit_price"])
    if digits(value) <= 12:
        return
    if price["unit"] == "per_pixel" and digits(value * 1_048_576) <= 6:
        return
    counts["artefacts cleaned"] += 1
    for unit, size in (("per_minute", 60), ("per_hour", 3600)):
        longer = round_digits(value * size, 9)
        if price["unit"] == "per_second" and digits(longer) <= 6:
            price["unit"], price["unit_price"] = unit, format(longer, "f")
            return
    short = round_digits(value, 12)
    for fewer in range(1, 12):
        if abs(round_digits(value, fewer) - value) <= abs(value) * Decimal("1e-12"):
            short = round_digits(value, fewer)
            break
    price["unit_price"] = format(short, "f")


def round_digits(value: Decimal, count: int) -> Decimal:
    if value == 0:
        return value
    return round(value, count - value.adjusted() - 1).normalize()


def tidy(offer: dict, counts: Counter) -> dict | None:
    """Mends one offer, or leaves it out and counts why."""
    model = offer["model"]
    reasons = {
        "not a seller of models": offer["provider"] in NOT_SELLERS,
        "a router, which adds its fee to the price of another model": model in ROUTERS,
        "a price by the number of parameters, not of a model": BUCKET.match(model),
        "a price of tokens out of any range": (offer["provider"], model) in MISPLACED,
        "yuan lists converted to dollars": offer["provider"] in MODEL_STUDIO - {"qwencloud"} and offer["capability"] == "video",
    }
    for reason in (reason for reason, holds in reasons.items() if holds):
        counts[f"left out: {reason}"] += 1
        return None
    prices = [price for price in offer["prices"] if price["pricing_type"] != "credit"]
    charged = [price for price in prices if price["pricing_type"] != "modifier"]
    if not charged:
        counts["left out: no price"] += 1
        return None
    if all(Decimal(price["unit_price"]) == 0 for price in charged):
        counts["left out: all prices zero"] += 1
        return None
    if any(price["unit"].endswith(("tokens", "token")) and scale(price) > DEAREST_TOKEN for price in charged):
        counts["left out: a price of tokens out of any range"] += 1
        return None
    kept = []
    for price in prices:
        meter = price["pricing_type"]
        if meter != "modifier" and Decimal(price["unit_price"]) == 0 and not stands_as_zero(price, charged, offer):
            counts[f"zero left out: {meter}"] += 1
            continue
        clean(price, counts)
        kept.append(price)
    mend_writes(offer["provider"], kept, counts)
    if offer["provider"] == "databricks":
        undo_units(kept, counts)
    kept = without_restatements(without_repeats(kept), counts)
    if offer["capability"] == "audio" and {price["pricing_type"] for price in kept} == {"image"}:
        kept = [price | {"pricing_type": "job", "unit": "per_job"} for price in kept]
        counts["mended: pieces of music priced as images"] += 1
    if offer["capability"] == "text" and "embed" in model and not any(is_charged_output(price) for price in kept):
        offer = offer | {"capability": "embedding"}
    if offer["capability"] == "text" and not can_be_billed(kept):
        counts["left out: neither both text prices nor those of a service"] += 1
        return None
    return offer | {"prices": kept}


def stands_as_zero(price: dict, charged: list[dict], offer: dict) -> bool:
    """Tells whether a zero is a statement: cached input, or output, at no price beside input at one."""
    meter = price["pricing_type"]
    if meter.startswith("cached_input"):
        return True
    has_input = any(p["pricing_type"] == "input_token" and Decimal(p["unit_price"]) > 0 for p in charged)
    return meter == "output_token" and has_input and offer["capability"] == "text"


def mend_writes(provider: str, prices: list[dict], counts: Counter) -> None:
    """Mends prices of writing to a cache that are below those of reading input anew.

    OpenAI's models have the price of cached input in that field; OpenRouter states for Google's what is added to input.
    """
    plain = {p["pricing_type"]: p for p in prices if not p.get("conditions") and not p.get("effective_date")}
    base, write = plain.get("input_token"), plain.get("cache_write_5m_token")
    if not base or not write or scale(write) >= scale(base):
        return
    if provider in ("openai", "azure"):
        counts["mended: cached input that stood as a write"] += 1
        if "cached_input_token" in plain:
            prices.remove(write)
        else:
            write["pricing_type"] = "cached_input_token"
    elif provider == "openrouter":
        counts["mended: what a write adds to input"] += 1
        for price in prices:
            if price["pricing_type"] == "cache_write_5m_token":
                price["basis"] = "surcharge"


def undo_units(prices: list[dict], counts: Counter) -> None:
    """Undoes the rounding of prices that a vendor states in units of its own: list prices have three digits."""
    for price in prices:
        value = Decimal(price["unit_price"])
        short = round_digits(value, 3)
        if price["pricing_type"] != "modifier" and short != value and abs(short - value) <= value * Decimal("0.0015"):
            counts["rounded from a vendor's units, mended"] += 1
            price["unit_price"] = format(short, "f")


def is_charged_output(price: dict) -> bool:
    return price["pricing_type"] == "output_token" and Decimal(price["unit_price"]) > 0


RESTATING = {
    "input_audio_token": "input_token",
    "input_image_token": "input_token",
    "input_video_token": "input_token",
    "output_audio_token": "output_token",
    "output_image_token": "output_token",
    "output_video_token": "output_token",
    "reasoning_token": "output_token",
}


def without_restatements(prices: list[dict], counts: Counter) -> list[dict]:
    """Drops a single price that only repeats that of its parent meter, whose other tiers hold for it as well then."""
    plain = {p["pricing_type"]: scale(p) for p in prices if not p.get("conditions") and not p.get("effective_date")}
    times = Counter(price["pricing_type"] for price in prices)
    kept = []
    for price in prices:
        meter = price["pricing_type"]
        parent = plain.get(RESTATING.get(meter))
        if times[meter] == 1 and parent is not None and plain.get(meter) == parent:
            counts["restating their parent, left out"] += 1
        else:
            kept.append(price)
    return kept


def can_be_billed(prices: list[dict]) -> bool:
    meters = {price["pricing_type"] for price in prices}
    services = {"search_unit", "web_search", "page", "annotated_page", "request", "job", "compute_second", "text_message"}
    services |= {"code_interpreter_session", "storage_gigabyte_day", "guardrail_unit"}
    return set(BASES) <= meters or bool(meters & services)


def without_repeats(prices: list[dict]) -> list[dict]:
    """Drops prices of one slot and interval that come twice."""
    seen, kept = set(), []
    for price in prices:
        key = (*slot(price), price.get("effective_date"), price.get("expiry_date"))
        if key not in seen:
            seen.add(key)
            kept.append(price)
    return kept


IMAGE_NAME = re.compile(
    r"^(?:(?P<quality>hd|standard|high|medium|low|auto|premium)/)?(?P<width>\d+)-x-(?P<height>\d+)/"
    r"(?:(?P<steps>50-steps|max-steps)/)?(?:bedrock/)?(?P<model>[^/]+)$"
)


def fold_images(offers: dict[tuple[str, str], dict], counts: Counter) -> None:
    """Turns rows that name size and quality before the model into prices of that model under conditions."""
    folded: dict[tuple[str, str], dict] = {}
    for key in [key for key in offers if IMAGE_NAME.match(key[1])]:
        row, found = offers.pop(key), IMAGE_NAME.match(key[1])
        target = (key[0], found["model"])
        if found["steps"] == "max-steps":
            counts["left out: steps above the usual of an image model"] += 1
            continue
        base = offers.get(target)
        if base and any(price["pricing_type"].endswith("_token") for price in base["prices"]):
            counts["left out: image counts of a model that is billed by tokens"] += 1
            continue
        when = {"size": [f"{found['width']}x{found['height']}"]}
        when |= {"quality": [found["quality"]]} if found["quality"] else {}
        pixels = int(found["width"]) * int(found["height"])
        for price in row["prices"]:
            if price["pricing_type"] not in ("image", "input_image", "pixel", "input_pixel"):
                continue
            value = Decimal(price["unit_price"])
            value = round_digits(value * pixels, 4) if "pixel" in price["pricing_type"] else value
            entry = {"pricing_type": "image", "unit_price": format(value, "f"), "unit": "per_image", "conditions": when}
            folded.setdefault(target, row | {"model": target[1], "prices": [], "capability": "image"})
            folded[target]["prices"].append(entry)
            counts["folded: sizes and qualities of images"] += 1
    for key, row in folded.items():
        if key in offers:
            offers[key]["prices"] = without_repeats(offers[key]["prices"] + row["prices"])
        else:
            row["prices"] = without_repeats(row["prices"])
            offers[key] = row


def mend_model_studio(offer: dict) -> None:
    """Model Studio: the thinking price is of all output; batches are half and know no cache; caches follow one rule."""
    prices = offer["prices"]
    for price in [price for price in prices if price["pricing_type"] == "reasoning_token"]:
        when = price.get("conditions", {}) | {"thinking": ["true"]}
        prices.append(price | {"pricing_type": "output_token", "conditions": when})
    if not re.match(r"(qwen|qwq|qvq)", offer["model"]) or offer["capability"] != "text":
        return
    inputs = [p for p in prices if p["pricing_type"] == "input_token" and "service_tier" not in p.get("conditions", {})]
    has = {price["pricing_type"] for price in prices}
    cached = {"cached_input_token": "0.2", "explicit_cached_input_token": "0.1", "cache_write_5m_token": "1.25"}
    knows_caches = re.match(r"qwen(3-(max|coder-(plus|flash)|vl-(plus|flash))|3\.\d|-(plus|flash|turbo|max))", offer["model"])
    for price in inputs if knows_caches or has & set(cached) else ():
        batch = price.get("conditions", {}) | {"service_tier": ["batch"]}
        for meter, part in cached.items():
            if meter not in has:
                value = Decimal(price["unit_price"]) * Decimal(part)
                prices.append(price | {"pricing_type": meter, "unit_price": format(value, "f")})
            half = Decimal(price["unit_price"]) / 2
            prices.append(price | {"pricing_type": meter, "unit_price": format(half, "f"), "conditions": batch})
    if not any("service_tier" in price.get("conditions", {}) and price["pricing_type"] in BASES for price in prices):
        prices.append(
            {
                "pricing_type": "modifier",
                "unit_price": "0.5",
                "unit": "ratio",
                "conditions": {"service_tier": ["batch"]},
                "modifier": {"group": "batch"},
            }
        )
    rule = "Caches by the vendor's general rule where the list is silent: implicit hits 20 %, explicit hits 10 %, writes 125 %."
    offer["note"] = " ".join(filter(None, (offer.get("note"), rule)))


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
        figures = ", ".join(f"{meter} {theirs[meter].normalize():f}" for meter in sorted(shared) if ours[meter] != theirs[meter])
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
    counts["past and announced prices added"] += sum(1 for p in added if p.get("effective_date") or p.get("expiry_date"))
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


def named(offers: list[dict]) -> dict[tuple[str, str], dict]:
    """Names the sellers, and gathers the offers by identity."""
    found = {}
    for offer in offers:
        provider = offer["provider"].lower()
        provider = SELLERS.get(provider, provider)
        source = re.sub(r" \(.*\)$", "", offer["source"])
        offer = {"capability": "text", "aliases": []} | offer | {"provider": provider, "source": source}
        # What a list says for people is its own words; the catalog has only its facts.
        offer.pop("note", None)
        found[provider, offer["model"]] = offer
    return found


def merge(litellm: list[dict], genai: list[dict], by_hand: list[dict], today: str, counts: Counter) -> list[dict]:
    """Makes the catalog's offers; `counts` says what was done to which."""
    first, second = {}, {}
    for listed, found in ((litellm, first), (genai, second)):
        # A yuan list names itself before sellers are renamed: `dashscope` in a package is the international list.
        usable = [offer for offer in listed if offer["provider"].lower() not in YUAN - {"dashscope", "moonshot"}]
        counts["left out: yuan lists converted to dollars"] += len(listed) - len(usable)
        offers = named(usable)
        fold_images(offers, counts)
        for key, offer in offers.items():
            if tidied := tidy(offer, counts):
                found[key] = tidied
    adopt_spelling(first, second, counts)
    merged = {}
    for key in sorted(set(first) | set(second)):
        one, other = first.get(key), second.get(key)
        if key[0] in EUROS:
            if one is None:
                counts["left out: a euro list converted to dollars"] += 1
                continue
            merged[key] = one | {"currency": "EUR"}
        elif one and other:
            pair = (other, one) if key in TRUST_GENAI else (one, other)
            merged[key] = join(*pair, today, counts)
        else:
            merged[key] = one or other
    for key, offer in merged.items():
        if key[0] in MODEL_STUDIO:
            mend_model_studio(offer)
    for offer in by_hand:
        offer = {"capability": "text", "aliases": []} | offer
        counts["by hand"] += 1
        merged[offer["provider"], offer["model"]] = offer
    for offer in merged.values():
        drop_overlaps(offer, counts)
    return finish_aliases(merged, counts)


def adopt_spelling(first: dict, second: dict, counts: Counter) -> None:
    """Gives offers of the second list the first one's name where they differ in capital letters, or where it is an alias."""
    lower = {(provider, model.lower()): (provider, model) for provider, model in first}
    for key in sorted(set(second) - set(first)):
        offer = second[key]
        names = [key[1], *offer["aliases"]]
        wanted = [lower[key[0], name.lower()] for name in names if (key[0], name.lower()) in lower]
        if wanted and wanted[0] not in second:
            counts["named as in the other list"] += 1
            offer = second.pop(key)
            second[wanted[0]] = offer | {"model": wanted[0][1], "aliases": [*offer["aliases"], key[1]]}


def finish_aliases(merged: dict[tuple[str, str], dict], counts: Counter) -> list[dict]:
    """Keeps an alias only where it names one offer; an offer of that name of its own comes first."""
    owners = Counter((key[0], alias) for key, offer in merged.items() for alias in set(offer["aliases"]))
    for (provider, model), offer in merged.items():
        kept = []
        for alias in sorted(set(offer["aliases"]) - {model}):
            if (provider, alias) in merged or owners[provider, alias] > 1:
                counts["aliases left out: they name another offer"] += 1
            else:
                kept.append(alias)
        offer["aliases"] = kept
    return [merged[key] for key in sorted(merged)]

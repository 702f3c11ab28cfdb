"""How single rows of a list become offers: what is left out, and what names of models say that prices should."""

import re
from collections import Counter
from decimal import Decimal

from catalog_prices import (
    BASES,
    DEAREST_TOKEN,
    can_be_billed,
    clean,
    is_charged_output,
    mend_writes,
    round_digits,
    scale,
    stands_as_zero,
    undo_units,
    without_repeats,
    without_restatements,
)

MODEL_STUDIO = {"dashscope-intl", "qwencloud", "qwen_ai_platform"}
ROUTERS = {"model-router", "model_router"}
BUCKET = re.compile(r"^(fireworks|together)-ai-.*\d+[bm]$|^fireworks-ai-default$")
MISPLACED = {("openinfer", "@oi/Qwen3.5-9B"), ("watsonx", "core42/jais-13b-chat")}
NOT_SELLERS = {"openai-decisions", "lemonade", "ollama"}
IMAGE_NAME = re.compile(
    r"^(?:(?P<quality>hd|standard|high|medium|low|auto|premium)/)?(?P<width>\d+)-x-(?P<height>\d+)/"
    r"(?:(?P<steps>50-steps|max-steps)/)?(?:bedrock/)?(?P<model>[^/]+)$"
)


def tidy(offer: dict, counts: Counter) -> dict | None:
    """Mends one offer, or leaves it out and counts why."""
    model = offer["model"]
    reasons = {
        "not a seller of models": offer["provider"] in NOT_SELLERS,
        "a router, which adds its fee to the price of another model": model in ROUTERS,
        "a price by the number of parameters, not of a model": BUCKET.match(model),
        "a price of tokens out of any range": (offer["provider"], model) in MISPLACED,
        "yuan lists converted to dollars": offer["provider"] in MODEL_STUDIO - {"qwencloud"}
        and offer["capability"] == "video",
    }
    for reason in (reason for reason, holds in reasons.items() if holds):
        counts[f"left out: {reason}"] += 1
        return None
    prices = offer["prices"]
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
        offer = offer | {"capability": told_by_meters(kept)}
    if offer["capability"] == "text" and not can_be_billed(kept):
        counts["left out: neither both text prices nor those of a service"] += 1
        return None
    return offer | {"prices": kept}


def told_by_meters(prices: list[dict]) -> str:
    """Tells what a model makes whose list does not say so, by what it is billed by."""
    meters = {price["pricing_type"] for price in prices} - {"modifier"}
    if {"input_video_second", "output_token"} <= meters:
        return "video"
    by_meters = {
        "audio": {"input_character", "tts_character", "input_audio_second", "output_audio_second"},
        "image": {"input_image", "image", "input_pixel", "pixel"},
    }
    return next((capability for capability, known in by_meters.items() if meters and meters <= known), "text")


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
    knows_caches = re.match(
        r"qwen(3-(max|coder-(plus|flash)|vl-(plus|flash))|3\.\d|-(plus|flash|turbo|max))", offer["model"]
    )
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
    rule = (
        "Caches follow the vendor's general rule where the list is silent: hits 20 %, explicit ones 10 %, writes 125 %."
    )
    offer["note"] = " ".join(filter(None, (offer.get("note"), rule)))

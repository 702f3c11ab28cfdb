"""What single prices of a list mean, and how they are mended: digits, units, repeats, zeros and misplaced fields."""

from collections import Counter
from decimal import Decimal

MOST_DIGITS = 12
FEW_DIGITS = 6
DEAREST_TOKEN = Decimal(2_000)
BASES = ("input_token", "output_token")
RESTATING = {
    "input_audio_token": "input_token",
    "input_image_token": "input_token",
    "input_video_token": "input_token",
    "output_audio_token": "output_token",
    "output_image_token": "output_token",
    "output_video_token": "output_token",
    "reasoning_token": "output_token",
}


def scale(price: dict) -> Decimal:
    """Returns how much a million tokens cost, or the price as it is for anything else."""
    value = Decimal(price["unit_price"])
    factors = {"per_token": 1_000_000, "per_1k_tokens": 1_000}
    return value * factors.get(price["unit"], 1)


def conditions(price: dict) -> str:
    """Returns the one text that equal conditions have."""
    return repr(sorted(price.get("conditions", {}).items()))


def slot(price: dict) -> tuple:
    """Returns what two prices must share for one to take the place of the other."""
    return price["pricing_type"], price.get("basis", "replaces"), conditions(price), repr(price.get("modifier"))


def digits(value: Decimal) -> int:
    """Returns how many significant digits a number has."""
    return len(value.normalize().as_tuple().digits)


def round_digits(value: Decimal, count: int) -> Decimal:
    """Rounds to a number of significant digits."""
    if value == 0:
        return value
    return round(value, count - value.adjusted() - 1).normalize()


def clean(price: dict, counts: Counter) -> None:
    """Turns a price of more than 12 significant digits into the one that it stands for.

    A price of a second with many digits may be a rounded one of a minute or an hour, which is exact; a price of a pixel
    may be an exact one of 2^20 pixels, which stays as it is.
    """
    value = Decimal(price["unit_price"])
    if price["unit"] == "per_second" and digits(value) > FEW_DIGITS:
        for unit, size in (("per_minute", 60), ("per_hour", 3600)):
            longer = round_digits(value * size, digits(value) - 2)
            if digits(longer) < FEW_DIGITS and digits(longer) + 2 < digits(value):
                counts["prices of a second that are a minute's or an hour's"] += 1
                price["unit"], price["unit_price"] = unit, format(longer, "f")
                return
    if digits(value) <= MOST_DIGITS or (price["unit"] == "per_pixel" and digits(value * 1_048_576) <= FEW_DIGITS):
        return
    counts["artefacts cleaned"] += 1
    short = round_digits(value, MOST_DIGITS)
    for fewer in range(1, MOST_DIGITS):
        if abs(round_digits(value, fewer) - value) <= abs(value) * Decimal("1e-12"):
            short = round_digits(value, fewer)
            break
    price["unit_price"] = format(short, "f")


def stands_as_zero(price: dict, charged: list[dict], offer: dict) -> bool:
    """Returns whether a zero is a statement: cached input, or output, at no price beside input at one."""
    meter = price["pricing_type"]
    if meter.startswith("cached_input"):
        return True
    has_input = any(p["pricing_type"] == "input_token" and Decimal(p["unit_price"]) > 0 for p in charged)
    return meter == "output_token" and has_input and offer["capability"] == "text"


def is_charged_output(price: dict) -> bool:
    """Returns whether a price is one of output and above zero."""
    return price["pricing_type"] == "output_token" and Decimal(price["unit_price"]) > 0


def without_restatements(prices: list[dict], counts: Counter) -> list[dict]:
    """Drops the prices of a meter that only repeat those of its parent, whose other and later ones hold for it then."""

    def said(price: dict) -> tuple:
        return conditions(price), price.get("effective_date"), price.get("expiry_date"), scale(price)

    by_meter: dict[str, set] = {}
    for price in prices:
        by_meter.setdefault(price["pricing_type"], set()).add(said(price))
    repeated = {
        meter
        for meter, parent in RESTATING.items()
        if meter in by_meter and by_meter[meter] <= by_meter.get(parent, set())
    }
    kept = [price for price in prices if price["pricing_type"] not in repeated]
    counts["restating their parent, left out"] += len(prices) - len(kept)
    return kept


def without_repeats(prices: list[dict]) -> list[dict]:
    """Drops prices of one slot and interval that come twice."""
    seen, kept = set(), []
    for price in prices:
        key = (*slot(price), price.get("effective_date"), price.get("expiry_date"))
        if key not in seen:
            seen.add(key)
            kept.append(price)
    return kept


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


def can_be_billed(prices: list[dict]) -> bool:
    """Returns whether text, or a service beside models, can be billed by prices."""
    meters = {price["pricing_type"] for price in prices}
    services = {
        "search_unit",
        "web_search",
        "page",
        "annotated_page",
        "request",
        "job",
        "compute_second",
        "text_message",
    }
    services |= {"code_interpreter_session", "storage_gigabyte_day", "guardrail_unit", "credit"}
    return set(BASES) <= meters or bool(meters & services)

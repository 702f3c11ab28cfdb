"""The rules by which lists become one catalog.

Identity. An offer is a seller and an exact model name. Sellers have the names that model configs use (`SELLERS`), else
the list's own in lower case. Lists in yuan (`YUAN`) come from catalog_by_hand.json alone: the packages keep them
converted to dollars, and a converted price is not what is charged. Spellings of one name that differ in capital letters
are one model, and the other spelling is an alias.

What is left out (catalog_rows.py): rows without a price, and rows whose prices are all zero, because a zero there means
"not known" far more often than "free"; rows by hand say so where a vendor calls a model free. A zero for writing to a
cache means that writing costs no more than reading input, so it is left out and input's price stands. Any other zero
beside real prices is left out where another price stands for it, except a stated cached input of zero. Image counts of
models that are billed by tokens, steps of image models above the usual, routers that add a fee to another model's
price, prices by the number of parameters, and prices of tokens with misplaced digits are left out as well.

What is mended (catalog_prices.py, catalog_rows.py): digits that went through a float, lists in euros that are kept as
dollars (`EUROS`), sizes and qualities of images that stand in model names, prices of cache writes below those of input,
prices that were rounded from a vendor's own units, and the price of the thinking mode of Model Studio, which is of all
output and not of the reasoning tokens alone.

Two packages on one model (catalog_join.py). Where their present input and output prices agree, the components are
litellm's, with those that only genai-prices has, its past prices and its announced ones. Where they disagree,
litellm's stand, whose rows are the newer ones as a rule, and the other figures stand in the note; `TRUST_GENAI` turns
that around.
"""

import re
from collections import Counter

from catalog_join import adopt_spelling, drop_overlaps, join
from catalog_rows import MODEL_STUDIO, fold_images, mend_model_studio, tidy

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
TRUST_GENAI = {("cloudflare", "@cf/meta/llama-2-7b-chat-fp16"), ("cloudflare", "@cf/mistral/mistral-7b-instruct-v0.1")}


def named(offers: list[dict]) -> dict[tuple[str, str], dict]:
    """Names the sellers, and gathers the offers by identity."""
    found = {}
    for offer in offers:
        provider = offer["provider"].lower()
        provider = SELLERS.get(provider, provider)
        source = re.sub(r" \(.*\)$", "", offer["source"])
        renamed = {"capability": "text", "aliases": []} | offer | {"provider": provider, "source": source}
        # What a list says for people is its own words; the catalog has only its facts.
        renamed.pop("note", None)
        found[provider, offer["model"]] = renamed
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
        counts["by hand"] += 1
        merged[offer["provider"], offer["model"]] = {"capability": "text", "aliases": []} | offer
    for (_, model), offer in merged.items():
        # No package but one has a word for rerankers, and their names say it.
        if "rerank" in model.lower():
            offer["capability"] = "rerank"
        drop_overlaps(offer, counts)
    return finish_aliases(merged, counts)


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

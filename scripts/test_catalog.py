"""Tests of the rules by which the catalog is built: python3 -m unittest discover scripts -p 'test_*.py'."""

import hashlib
import json
import unittest
from collections import Counter
from decimal import Decimal

from catalog_join import drop_overlaps, join
from catalog_merge import merge
from catalog_prices import clean
from catalog_sources import exact_json, genai_json
from catalog_text import catalog_text, groups_of

TODAY = "2026-11-22"


def price(meter: str, value: str, unit: str = "per_1m_tokens", **more: object) -> dict:
    return {"pricing_type": meter, "unit_price": value, "unit": unit} | more


def offer(provider: str, model: str, prices: list[dict], **more: object) -> dict:
    basis = {"provider": provider, "model": model, "prices": prices, "currency": "USD", "aliases": []}
    return basis | {"capability": "text", "source": "list 1", "checked": TODAY} | more


def text(first: str = "1", second: str = "2") -> list[dict]:
    return [price("input_token", first), price("output_token", second)]


def merged(litellm: list[dict], genai: list[dict] = (), by_hand: list[dict] = ()) -> tuple[dict, Counter]:
    counts = Counter()
    offers = merge(list(litellm), list(genai), list(by_hand), TODAY, counts)
    return {(found["provider"], found["model"]): found for found in offers}, counts


def cost(found: dict, meter: str) -> list[str]:
    return [price["unit_price"] for price in found["prices"] if price["pricing_type"] == meter]


class Digits(unittest.TestCase):
    def test_a_float_artefact_becomes_what_it_stands_for(self) -> None:
        for given, unit, expected in (
            ("0.050000000000000004", "per_1m_tokens", ("0.05", "per_1m_tokens")),
            ("0.0002833333333333333", "per_second", ("0.017", "per_minute")),
            ("0.000030833333333333", "per_second", ("0.00185", "per_minute")),
            ("0.0000034722222222", "per_second", ("0.0125", "per_hour")),
            ("0.165025", "per_second", ("0.165025", "per_second")),
            ("0.00000002384185791015625", "per_pixel", ("0.00000002384185791015625", "per_pixel")),
            ("0.000000123456789012345678", "per_pixel", ("0.000000123456789012", "per_pixel")),
        ):
            found = price("input_token", given, unit)
            clean(found, Counter())
            self.assertEqual((found["unit_price"], found["unit"]), expected, given)

    def test_json_keeps_the_digits_of_decimals(self) -> None:
        source = "providers: list = [Provider(id='acme', models=[ModelInfo(id='duck', prices=ModelPrice(input_mtok=Decimal('0.10')))])]"
        written = genai_json(source)
        self.assertIn('"input_mtok": 0.10}', written)
        self.assertEqual(
            json.loads(exact_json({"a": [Decimal("1e-7"), "b", None, True]})), {"a": [1e-7, "b", None, True]}
        )


class Rows(unittest.TestCase):
    def test_prices_that_cannot_be_true_are_left_out(self) -> None:
        free = [price("input_token", "0"), price("output_token", "0.0")]
        wrong = [price("input_token", "3200"), price("output_token", "9710")]
        kept, counts = merged(
            [offer("acme", "free", free), offer("acme", "wrong", wrong), offer("acme", "duck", text())]
        )
        self.assertEqual(set(kept), {("acme", "duck")})
        self.assertEqual(counts["left out: all prices zero"], 1)
        self.assertEqual(counts["left out: a price of tokens out of any range"], 1)

    def test_a_write_at_no_price_is_no_surcharge_and_cached_input_at_none_is_stated(self) -> None:
        prices = [*text(), price("cache_write_5m_token", "0"), price("cached_input_token", "0")]
        kept, _ = merged([offer("acme", "duck", prices)])
        self.assertEqual(cost(kept["acme", "duck"], "cache_write_5m_token"), [])
        self.assertEqual(cost(kept["acme", "duck"], "cached_input_token"), ["0"])

    def test_a_price_that_repeats_its_parent_goes_and_one_that_does_not_stays(self) -> None:
        batch = {"conditions": {"service_tier": ["batch"]}}
        prices = [
            *text(),
            price("reasoning_token", "2"),
            price("input_audio_token", "1"),
            price("output_token", "1", **batch),
        ]
        kept, _ = merged([offer("acme", "duck", [*prices, price("input_audio_token", "9", **batch)])])
        self.assertEqual(cost(kept["acme", "duck"], "reasoning_token"), [])
        self.assertEqual(cost(kept["acme", "duck"], "input_audio_token"), ["1", "9"])

    def test_sizes_and_qualities_in_names_become_conditions(self) -> None:
        rows = [
            offer("acme", f"{name}/painter", [price("input_pixel", pixel, "per_pixel")], capability="image")
            for name, pixel in (("hd/1024-x-1024", "7.629e-8"), ("1024-x-1792", "4.359e-8"))
        ]
        kept, _ = merged(rows)
        self.assertEqual(set(kept), {("acme", "painter")})
        found = {str(price["conditions"]): price["unit_price"] for price in kept["acme", "painter"]["prices"]}
        expected = {"{'size': ['1024x1024'], 'quality': ['hd']}": "0.08", "{'size': ['1024x1792']}": "0.07999"}
        self.assertEqual(found, expected)

    def test_yuan_lists_come_by_hand_alone_and_euros_are_euros(self) -> None:
        by_hand = offer("doubao", "seed", text("6", "30"), currency="CNY")
        rows = [
            offer("volcengine", "seed", text()),
            offer("dashscope", "qwen", text()),
            offer("ovhcloud", "llama", text()),
        ]
        kept, _ = merged(rows, [offer("ovhcloud", "other", text())], [by_hand])
        currencies = {key: found["currency"] for key, found in kept.items()}
        expected = {("doubao", "seed"): "CNY", ("dashscope-intl", "qwen"): "USD", ("ovhcloud", "llama"): "EUR"}
        self.assertEqual(currencies, expected)

    def test_thinking_of_model_studio_is_a_price_of_all_output(self) -> None:
        kept, _ = merged([offer("dashscope", "qwen-plus", [*text(), price("reasoning_token", "8")])])
        found = kept["dashscope-intl", "qwen-plus"]["prices"]
        thinking = [price for price in found if price.get("conditions") == {"thinking": ["true"]}]
        self.assertEqual([(price["pricing_type"], price["unit_price"]) for price in thinking], [("output_token", "8")])
        self.assertEqual([price["unit_price"] for price in found if price["pricing_type"] == "modifier"], ["0.5"])
        batch = [price for price in found if price.get("conditions") == {"service_tier": ["batch"]}]
        self.assertIn(("cached_input_token", "0.5"), [(price["pricing_type"], price["unit_price"]) for price in batch])


class Joining(unittest.TestCase):
    def test_agreeing_lists_share_meters_past_prices_and_announced_ones(self) -> None:
        change, past = "2027-01-01T00:00:00Z", "2026-05-01T00:00:00Z"
        theirs = [
            price("input_token", "9", expiry_date=past),
            price("input_token", "1", effective_date=past, expiry_date=change),
            price("input_token", "4", effective_date=change),
            price("output_token", "2"),
            price("cached_input_token", "0.1"),
            price("request", "5", "per_request"),
        ]
        found = join(offer("acme", "duck", text()), offer("acme", "duck", theirs, source="list 2"), TODAY, Counter())
        drop_overlaps(found, Counter())
        inputs = {
            (p.get("effective_date"), p.get("expiry_date")): p["unit_price"]
            for p in found["prices"][:1] + found["prices"][2:4]
        }
        self.assertEqual(inputs, {(past, change): "1", (None, past): "9", (change, None): "4"})
        self.assertEqual((cost(found, "cached_input_token"), cost(found, "request")), (["0.1"], []))
        self.assertEqual(found["source"], "list 1, list 2")

    def test_a_disagreement_stands_in_the_note(self) -> None:
        kept, counts = merged([offer("acme", "duck", text())], [offer("acme", "Duck", text("3"), source="list 2")])
        self.assertEqual(counts["in both, disagreeing"], 1)
        self.assertEqual(cost(kept["acme", "duck"], "input_token"), ["1"])
        self.assertIn("list 2 has input_token 3", kept["acme", "duck"]["note"])

    def test_an_alias_names_one_offer_only(self) -> None:
        rows = [
            offer("acme", "duck", text(), aliases=["duck-1", "goose", "bird"]),
            offer("acme", "goose", text(), aliases=["bird"]),
        ]
        kept, _ = merged(rows)
        self.assertEqual((kept["acme", "duck"]["aliases"], kept["acme", "goose"]["aliases"]), (["duck-1"], []))


class Text(unittest.TestCase):
    def test_prices_that_share_all_but_their_meter_share_a_group(self) -> None:
        batch = {"conditions": {"service_tier": ["batch"]}}
        prices = [*text("0.0000025"), price("output_token", "1", **batch), price("page", "2", "per_1k_pages")]
        prices[0]["unit"] = "per_token"
        expected = [
            {"q": {"input_token": "2.5", "output_token": "2", "page@per_1k_pages": "2"}},
            {"w": {"service_tier": ["batch"]}, "q": {"output_token": "1"}},
        ]
        self.assertEqual(groups_of(prices), expected)

    def test_the_header_states_the_digest_of_the_lines(self) -> None:
        offers = [offer("b", "y", text()), offer("a", "x", text())]
        written = catalog_text(offers, [{"name": "list", "version": "1", "date": TODAY}], TODAY)
        header, _, body = written.partition("\n")
        self.assertEqual(json.loads(header)["digest"], hashlib.sha256(body.encode()).hexdigest())
        self.assertEqual([json.loads(line)["p"] for line in body.splitlines()], ["a", "b"])


if __name__ == "__main__":
    unittest.main()

"""What the ledger must hold, counted by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from conftest import eventually

if TYPE_CHECKING:
    import tollway

# USD for a million tokens of input, and of output.
_PRICES = {"openai": ("0.15", "0.60"), "anthropic": ("3", "15"), "gemini": ("0.10", "0.40")}
MODELS = [f"{provider}/{name}" for provider in _PRICES for name in ("house", "busy", "mock-words-200", "slow")]
USER = "alice"
TAGS = {"feature": "geography"}

PROMPT = "Name three rivers."
ANSWER = "You said: Name three rivers."
# Every word of a prompt and of an answer is a token to the mock provider.
PROMPT_TOKENS = 3
ANSWER_TOKENS = 5
TOOL_PROMPT = "Please use the tool"
TOOL_PROMPT_TOKENS = 4
# The name of the tool, and its arguments, `{"city":"mock"}`.
TOOL_CALL_TOKENS = 2


class Call(NamedTuple):
    """A call that succeeded: who served it, and what it took."""

    model: str
    input_tokens: int
    output_tokens: int


class Refusal(NamedTuple):
    """An attempt that its provider refused, and that cost nothing."""

    model: str
    error_code: str = "rate_limited"


def prices(model: str) -> dict[str, dict[str, str]]:
    """Returns the prices of a model."""
    meters = zip(("input_token", "output_token"), _PRICES[model.partition("/")[0]], strict=True)
    return {meter: {"unit_price": price, "unit": "per_1m_tokens", "currency": "USD"} for meter, price in meters}


def script_of(model: str) -> str:
    """Returns the name of the mock provider's script that plays a model."""
    return model.replace("/", "-")


def cost(call: Call) -> Decimal:
    """Returns what a call costs, exactly."""
    input_price, output_price = _PRICES[call.model.partition("/")[0]]
    return (call.input_tokens * Decimal(input_price) + call.output_tokens * Decimal(output_price)) / 1_000_000


class Ledger:
    """Checks the records of an open file."""

    def __init__(self, client: tollway.Tollway) -> None:
        self._client = client

    def holds(self, *expected: Call | Refusal, user: str | None = USER, tags: dict[str, str] | None = None) -> None:
        """Checks that the ledger holds these attempts in this order, and nothing else."""
        records = list(self._client.usage.records())
        assert [record.model for record in records] == [each.model for each in expected]
        for record, wanted in zip(records, expected, strict=True):
            assert (record.user, record.tags) == (user, TAGS if tags is None else tags)
            if isinstance(wanted, Refusal):
                assert (record.status, record.error_code) == ("failed", wanted.error_code)
                assert record.cost_amount == 0
                assert record.usage.total_tokens is None
                continue
            assert record.status == "success"
            assert record.usage.meters["input_token"] == wanted.input_tokens
            assert record.usage.meters["output_token"] == wanted.output_tokens
            assert (record.cost_amount, record.currency, record.cost_status) == (cost(wanted), "USD", "computed")
        totals = [row.totals for row in self._client.usage.summary()]
        total = sum((cost(each) for each in expected if isinstance(each, Call)), Decimal(0))
        assert totals == [{"USD": total}]

    def holds_one_left_early(self, model: str, prompt_tokens: int) -> None:
        """Checks that the ledger holds one call that was given up, billed by an estimate of what had arrived."""
        records = eventually(lambda: list(self._client.usage.records()))
        assert [(record.model, record.user, record.tags) for record in records] == [(model, USER, TAGS)]
        record = records[0]
        assert (record.status, record.billed_by) == ("partial", "estimate")
        assert record.cost_status == "estimated"
        input_tokens, output_tokens = record.usage.input_tokens, record.usage.output_tokens
        assert input_tokens is not None
        assert output_tokens is not None
        assert input_tokens >= prompt_tokens
        # Two words at least had arrived, and the 200 words that were under way had not.
        assert 2 <= output_tokens < 150
        assert record.cost_amount == cost(Call(model, input_tokens, output_tokens))

    def is_empty(self) -> None:
        """Checks that nothing was billed."""
        assert list(self._client.usage.records()) == []

"""What calls return: frozen records. Amounts are `Decimal`, instants are aware `datetime`s in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ._table import table
from ._values import decimal_or_none, instant, instant_or_none, quantity
from .price_results import Conversion, Facts, ReceiptLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_CACHE_READ_METERS = frozenset(
    {
        "cached_input_token",
        "explicit_cached_input_token",
        "cached_input_audio_token",
        "cached_input_image_token",
        "cached_input_video_token",
    }
)
_CACHE_WRITE_METERS = frozenset({"cache_write_5m_token", "cache_write_1h_token", "cache_write_audio_token"})
_INPUT_METERS = (
    frozenset({"input_token", "input_audio_token", "input_image_token", "input_video_token"})
    | _CACHE_READ_METERS
    | _CACHE_WRITE_METERS
)
_OUTPUT_METERS = frozenset(
    {
        "output_token",
        "reasoning_token",
        "citation_token",
        "rejected_prediction_token",
        "output_audio_token",
        "output_image_token",
        "output_video_token",
    }
)


def _meters(value: dict[str, Any]) -> Mapping[str, int | Decimal]:
    return {meter: quantity(each) for meter, each in value.items()}


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


@dataclass(frozen=True, slots=True)
class Iteration:
    """Billed work inside an attempt that its top-level meters leave out."""

    kind: str
    model: str | None
    meters: Mapping[str, int | Decimal]


@dataclass(frozen=True, slots=True)
class Usage:
    """The quantities of one attempt, as disjoint meters. What was not reported is absent, which is not zero.

    A quantity is an `int`, or a `Decimal` where it is not whole.
    """

    meters: Mapping[str, int | Decimal]
    flags: tuple[str, ...]
    reported_total: int | None
    reported_cost: Decimal | None
    iterations: tuple[Iteration, ...]
    computed_cost: Money | None = None
    """What the prices make, where the cost that the provider states was billed instead."""

    @property
    def input_tokens(self) -> int | None:
        """All input tokens, those read from and written to a cache included."""
        return self._sum(_INPUT_METERS)

    @property
    def cached_input_tokens(self) -> int | None:
        """The input tokens that the provider read from its cache."""
        return self._sum(_CACHE_READ_METERS)

    @property
    def cache_write_tokens(self) -> int | None:
        """The input tokens that the provider wrote to its cache, those that it also read from one included."""
        written = self._sum(_CACHE_WRITE_METERS)
        overlaps = [each.meters for each in self.iterations if each.kind == "cache_overlap"]
        return None if written is None else written + sum(int(each) for meters in overlaps for each in meters.values())

    @property
    def output_tokens(self) -> int | None:
        """All output tokens, reasoning included."""
        return self._sum(_OUTPUT_METERS)

    @property
    def reasoning_tokens(self) -> int | None:
        """The output tokens that were spent on reasoning."""
        return self._sum(frozenset({"reasoning_token"}))

    @property
    def total_tokens(self) -> int | None:
        """All tokens."""
        return self._sum(_INPUT_METERS | _OUTPUT_METERS)

    def _sum(self, counted: frozenset[str]) -> int | None:
        quantities = [int(each) for meter, each in self.meters.items() if meter in counted]
        return sum(quantities) if quantities else None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Usage:
        computed = value.get("computed_cost")
        return cls(
            meters=_meters(value["meters"]),
            flags=tuple(value["flags"]),
            reported_total=value["reported_total"],
            reported_cost=decimal_or_none(value["reported_cost"]),
            iterations=tuple(
                Iteration(each["kind"], each["model"], _meters(each["meters"])) for each in value.get("iterations", ())
            ),
            computed_cost=Money(Decimal(computed["amount"]), computed["currency"]) if computed else None,
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """The lines of a call, in the order of attempts and meters, and their exact sums by currency."""

    lines: tuple[ReceiptLine, ...]
    totals: Mapping[str, Decimal]

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [
            ("attempt", "model", "meter", "quantity", "unit price", "unit", "times", "amount", "")
        ]
        for line in self.lines:
            label = " ".join(part for part in (line.meter, f"({line.note})" if line.note else None) if part)
            used = str(line.quantity) if line.billed_quantity is None else f"{line.quantity} as {line.billed_quantity}"
            price = "-" if line.unit_price is None else f"{line.unit_price:f}"
            times = " x ".join(f"{modifier.ratio:f}" for modifier in line.modifiers)
            amount = "unpriced" if line.amount is None else f"{line.amount:f}"
            number = str(line.attempt)
            rows.append((number, line.model, label, used, price, line.unit or "-", times, amount, line.currency or ""))
        if not any(line.modifiers for line in self.lines):
            rows = [(*row[:6], *row[7:]) for row in rows]
        width = len(rows[0])
        gap = [""] * (width - 3)
        rows.extend(("total", *gap, f"{total:f}", currency) for currency, total in self.totals.items())
        return table(rows, right={0, 3, 4, width - 2})

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Receipt:
        return cls(
            lines=tuple(ReceiptLine._decode(line) for line in value["lines"]),
            totals={currency: Decimal(total) for currency, total in value["totals"].items()},
        )


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for. The arguments are JSON text, exactly as the model wrote them."""

    id: str
    name: str
    arguments: str
    type: str = "function"
    extra_content: Any = None

    def to_message(self) -> dict[str, Any]:
        """Returns the call as it stands in the `tool_calls` of an assistant's message."""
        message = {"id": self.id, "type": self.type, "function": {"name": self.name, "arguments": self.arguments}}
        return message if self.extra_content is None else {**message, "extra_content": self.extra_content}

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ToolCall:
        function = value["function"]
        return cls(value["id"], function["name"], function["arguments"], value["type"], value.get("extra_content"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a reply. Its message can be sent back as it is in the next turn.

    `logprobs` has OpenAI's shape, where the request asked for it.
    """

    index: int
    message: Mapping[str, Any]
    finish_reason: str | None
    provider_finish_reason: str | None
    logprobs: Any = None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Choice:
        message = {"role": "assistant", **value["message"]}
        reasons = (value["finish_reason"], value["provider_finish_reason"])
        return cls(value["index"], message, *reasons, value.get("logprobs"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a call, which may have failed. `model` is `provider/model`."""

    number: int
    provider: str
    model: str
    model_config_id: int
    model_id: int
    record_uid: str
    status: str
    error_code: str | None
    cost: Decimal | None
    currency: str | None
    cost_status: str
    latency_ms: int

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Attempt:
        fields = {**value, "model": f"{value['provider']}/{value['model']}", "cost": decimal_or_none(value["cost"])}
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A complete reply: what the model said, what it consumed, and what it cost.

    Attributes:
        text: The text of the first answer.
        model: The model that was asked, as `provider/model`.
        served_model: The model that the provider says it served, which may be a dated version.
        cost: What all attempts cost together, in `currency`; nothing if any of them has no price.
        cost_status: `reported`, `computed`, `estimated` or `unpriced`.
        request_id: The id of the call, shared by all its attempts and records.
        id: The provider's id of the answer.
        service_tier: The tier that was served, in the provider's words.
        replayed: Whether an earlier call with the same idempotency key made this reply; it was billed then.
    """

    text: str
    model: str
    provider: str
    served_model: str | None
    usage: Usage
    cost: Decimal | None
    currency: str | None
    cost_status: str
    receipt: Receipt
    attempts: tuple[Attempt, ...]
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str | None
    provider_finish_reason: str | None
    reasoning: str | None
    choices: tuple[Choice, ...]
    id: str | None
    request_id: str
    replayed: bool
    service_tier: str | None = None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ChatReply:
        return cls(
            text=value["text"],
            model=f"{value['provider']}/{value['model']}",
            provider=value["provider"],
            served_model=value["served_model"],
            usage=Usage._decode(value["usage"]),
            cost=decimal_or_none(value["cost"]),
            currency=value["currency"],
            cost_status=value["cost_status"],
            receipt=Receipt._decode(value["receipt"]),
            attempts=tuple(Attempt._decode(attempt) for attempt in value["attempts"]),
            tool_calls=tuple(ToolCall._decode(call) for call in value["tool_calls"]),
            finish_reason=value["finish_reason"],
            provider_finish_reason=value["provider_finish_reason"],
            reasoning=value["reasoning"],
            choices=tuple(Choice._decode(choice) for choice in value["choices"]),
            id=value["id"],
            request_id=value["request_id"],
            replayed=value["replayed"],
            service_tier=value.get("service_tier"),
        )


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. The first piece of an index has the id and the name."""

    index: int
    id: str | None
    name: str | None
    arguments: str
    extra_content: Any = None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ToolCallDelta:
        arguments = value.get("arguments", "")
        return cls(value["index"], value.get("id"), value.get("name"), arguments, value.get("extra_content"))


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A piece of an answer. The last event of a stream has no text, and has the settled `reply`."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None
    reply: ChatReply | None = None
    index: int = 0
    provider_finish_reason: str | None = None
    refusal: str = ""
    thinking_block: Any = None
    annotations: tuple[Any, ...] = ()
    logprobs: Any = None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> StreamEvent:
        if value["type"] == "done":
            return cls(reply=ChatReply._decode(value))
        calls = value.get("tool_calls")
        return cls(
            value.get("text", ""),
            value.get("reasoning", ""),
            tuple(ToolCallDelta._decode(call) for call in calls) if calls else (),
            value.get("finish_reason"),
            None,
            value["index"],
            value.get("provider_finish_reason"),
            value.get("refusal", ""),
            value.get("thinking_block"),
            tuple(value.get("annotations", ())),
            value.get("logprobs"),
        )


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What an administrator configured and routing picks. The API key is never shown."""

    id: int
    provider: str
    model_name: str
    alias: str | None
    capability: str
    base_url: str | None
    model_params: Mapping[str, Any]
    is_default: bool
    priority: int
    is_active: bool
    description: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        """The name, as `provider/model`."""
        return f"{self.provider}/{self.model_name}"

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ModelConfig:
        instants = {"created_at": instant(value["created_at"]), "updated_at": instant(value["updated_at"])}
        return cls(**{**value, **instants})


@dataclass(frozen=True, slots=True)
class ConfiguredModel(ModelConfig):
    """A model config that was added or set, and what its administrator may want to know.

    `outcome` is `added`, `changed` or `unchanged`. `prices_from` is `given`, `catalog`, `kept` (it had them before) or `none`.
    `near_matches` are models of the provider that may have been meant, where the catalog does not know this one; `warnings` say
    what may be wrong, and calls are made all the same.
    """

    outcome: str
    prices_from: str
    near_matches: tuple[str, ...]
    warnings: tuple[str, ...]

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> ConfiguredModel:
        lists = {name: tuple(value[name]) for name in ("near_matches", "warnings")}
        instants = {name: instant(value[name]) for name in ("created_at", "updated_at")}
        return cls(**{**value, **instants, **lists})


@dataclass(frozen=True, slots=True)
class Model:
    """The billing identity of a model that was used. It is never deleted."""

    id: int
    provider_id: int
    provider: str
    model_code: str
    model_name: str
    model_type: str
    enabled: bool
    created_at: datetime

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Model:
        return cls(**{**value, "created_at": instant(value["created_at"])})


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """What this process knows of a config's health. `cooling_for` is in seconds; nothing if it is healthy."""

    model: str
    model_config_id: int
    consecutive_failures: int
    cooling_for: float | None


@dataclass(frozen=True, slots=True)
class Route:
    """How the candidates of a capability or an alias are chosen."""

    id: int
    name: str
    strategy: str
    models: tuple[str, ...]
    preferred_providers: tuple[str, ...]
    maximum_cost: Money | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Route:
        cost = value["maximum_cost"]
        decoded = {
            "models": tuple(value["models"]),
            "preferred_providers": tuple(value["preferred_providers"]),
            "maximum_cost": None if cost is None else Money(Decimal(cost["amount"]), cost["currency"]),
            "created_at": instant(value["created_at"]),
            "updated_at": instant(value["updated_at"]),
        }
        return cls(**{**value, **decoded})


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap with its state in the window that is running. `user` and `tag` are both absent for everyone's budget.

    Attributes:
        limit: What may be used in a window: an amount in `currency`, or a number of tokens if that is absent.
        settled: What settled calls used.
        reserved: What calls under way hold.
        remaining: The limit less what is settled and reserved, never below zero.
        holds: How many calls without a price keep the budget closed.
    """

    id: int
    user: str | None
    tag: tuple[str, str] | None
    limit: Decimal
    currency: str | None
    window: str
    time_zone: str
    window_start: datetime | None
    window_end: datetime | None
    settled: Decimal
    reserved: Decimal
    remaining: Decimal
    holds: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> Budget:
        scope, limit = value["scope"], value["limit"]
        money = limit.get("money")
        return cls(
            id=value["id"],
            user=scope.get("user"),
            tag=(scope["key"], scope["value"]) if scope["type"] == "tag" else None,
            limit=Decimal(limit["tokens"] if money is None else money["amount"]),
            currency=None if money is None else money["currency"],
            window=value["window"],
            time_zone=value["time_zone"],
            window_start=instant_or_none(value["window_start"]),
            window_end=instant_or_none(value["window_end"]),
            settled=Decimal(value["settled"]),
            reserved=Decimal(value["reserved"]),
            remaining=Decimal(value["remaining"]),
            holds=value["holds"],
            created_at=instant(value["created_at"]),
            updated_at=instant(value["updated_at"]),
        )


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One billed attempt, as it stands in the ledger. `model` is `provider/model`.

    Attributes:
        uid: The identity over all ledgers.
        cost_amount: What it cost, in `currency`; nothing if it is unpriced.
        billed_by: What produced the number, such as `provider_usage`, `drain`, `estimate` or `adjustment`.
        status: `success`, `failed`, `timeout`, `cancelled` or `partial`.
        facts: What the call was, as far as prices depend on it.
        conversions: The cost in the currencies of budgets that it moved.
        adjusts: The uid of the record whose cost this one corrects; nothing on every other record.
    """

    id: int
    uid: str
    user: str | None
    tags: Mapping[str, str]
    provider_id: int
    provider: str
    model_id: int
    model: str
    model_config_id: int
    usage_type: str
    usage: Usage
    token_consumed: int | None
    cost_amount: Decimal | None
    currency: str | None
    cost_status: str
    billed_by: str
    receipt: tuple[ReceiptLine, ...]
    price_ids: tuple[int, ...]
    status: str
    request_id: str
    provider_request_id: str | None
    served_model: str | None
    attempt: int
    error_code: str | None
    error_message: str | None
    latency_ms: int
    created_at: datetime
    facts: Facts | None = None
    conversions: tuple[Conversion, ...] = ()
    adjusts: str | None = None

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> UsageRecord:
        fields = dict(value)
        fields["cost_amount"] = decimal_or_none(value["cost_amount"])
        fields["model"] = f"{value['provider']}/{value['model']}"
        fields["usage"] = Usage._decode(value["usage"])
        fields["receipt"] = tuple(ReceiptLine._decode(line) for line in value["receipt"])
        fields["price_ids"] = tuple(value["price_ids"])
        fields["facts"] = None if value.get("facts") is None else Facts._decode(value["facts"])
        fields["conversions"] = tuple(Conversion._decode(each) for each in value.get("conversions", ()))
        fields["created_at"] = instant(value["created_at"])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class UsagePage:
    """A page of usage records. `next_cursor` gets the next page; it is absent on the last one."""

    records: tuple[UsageRecord, ...]
    next_cursor: str | None

    def __iter__(self) -> Iterator[UsageRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> UsagePage:
        return cls(tuple(UsageRecord._decode(record) for record in value["records"]), value["next_cursor"])


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A group of usage records with their exact totals by currency."""

    group: Mapping[str, str | None]
    calls: int
    unpriced_calls: int
    failed_calls: int
    input_tokens: int
    output_tokens: int
    totals: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def _decode(cls, value: dict[str, Any]) -> SummaryRow:
        totals = {currency: Decimal(total) for currency, total in value["totals"].items()}
        return cls(**{**value, "totals": totals})

"""The shapes of arguments, for type checkers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, TypedDict

from . import price_results

Amount: TypeAlias = Decimal | str | int
"""An exact amount of money. A float is refused."""

Instant: TypeAlias = str | date | datetime
"""An instant: RFC 3339 text, a datetime with a time zone, or a date, which is its midnight UTC."""

Capability: TypeAlias = Literal["text", "image", "audio", "video", "embedding"]
Strategy: TypeAlias = Literal["single", "fallback", "economy"]
Window: TypeAlias = Literal["total", "day", "month"]
AbandonPolicy: TypeAlias = Literal["drain", "cancel_and_estimate", "bill_reserved"]
UnpricedPolicy: TypeAlias = Literal["refuse", "hold", "allow"]
Unit: TypeAlias = Literal[
    "per_token",
    "per_1k_tokens",
    "per_1m_tokens",
    "per_character",
    "per_1k_characters",
    "per_10k_characters",
    "per_1m_characters",
    "per_second",
    "per_minute",
    "per_hour",
    "per_image",
    "per_pixel",
    "per_megapixel",
    "per_page",
    "per_1k_pages",
    "per_search",
    "per_1k_searches",
    "per_message",
    "per_1k_messages",
    "per_request",
    "per_1k_requests",
    "per_session",
    "per_token_hour",
    "per_1m_token_hours",
    "per_gigabyte_day",
    "per_credit",
    "per_job",
    "ratio",
]
RecordStatus: TypeAlias = Literal["success", "failed", "timeout", "cancelled", "partial"]
CostStatus: TypeAlias = Literal["reported", "computed", "estimated", "unpriced"]
Meter: TypeAlias = Literal[
    "input_token",
    "cached_input_token",
    "explicit_cached_input_token",
    "cache_write_5m_token",
    "cache_write_1h_token",
    "input_audio_token",
    "cached_input_audio_token",
    "cache_write_audio_token",
    "input_image_token",
    "cached_input_image_token",
    "input_video_token",
    "cached_input_video_token",
    "output_token",
    "reasoning_token",
    "citation_token",
    "rejected_prediction_token",
    "output_audio_token",
    "output_image_token",
    "output_video_token",
    "input_character",
    "output_character",
    "tts_character",
    "input_audio_second",
    "output_audio_second",
    "input_video_second",
    "video_second",
    "compute_second",
    "input_image",
    "image",
    "input_pixel",
    "pixel",
    "page",
    "annotated_page",
    "search_unit",
    "web_search",
    "web_fetch",
    "search_source",
    "server_tool_call",
    "file_search",
    "maps_search",
    "text_message",
    "code_interpreter_session",
    "guardrail_unit",
    "credit",
    "cache_storage_token_hour",
    "storage_gigabyte_day",
    "job",
    "request",
]


Basis: TypeAlias = Literal["replaces", "surcharge"]
PriceFormat: TypeAlias = Literal["tollway", "litellm", "genai-prices", "models.dev", "openrouter"]


Range = TypedDict("Range", {"above": Amount, "from": Amount, "up_to": Amount, "below": Amount}, total=False)
"""A range of numbers: at most one of `above` and `from`, and of `up_to` and `below`. `from` and `up_to` are inside."""

Hours = TypedDict("Hours", {"from": str, "until": str})
"""Hours of a day such as `09:00:00`; the second is outside. They may pass midnight."""


class Calendar(TypedDict, total=False):
    """The hours and days at which a price applies, on the vendor's clock. Dates are `2026-10-01`."""

    time_zone: str
    weekdays: Sequence[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]]
    hours: Sequence[Hours | Mapping[str, str]]
    excluded_dates: Sequence[str]
    included_dates: Sequence[str]
    at: Literal["request_start", "first_token", "completion"]


Choice: TypeAlias = str | Sequence[str]
"""A word, or several of which one must be the call's."""


class Conditions(TypedDict, total=False):
    """When a price applies: all of them must hold.

    The first group are numbers of the call that must lie in a range, the second its properties. With a `marginal` scale
    the price is that of the part of the quantity that lies in the range, and not of all of it.
    """

    input_tokens: Range | Mapping[str, Any]
    output_tokens: Range | Mapping[str, Any]
    duration: Range | Mapping[str, Any]
    pixels: Range | Mapping[str, Any]
    max_results: Range | Mapping[str, Any]

    service_tier: Choice
    speed: Choice
    thinking: bool | Choice
    resolution: Choice
    size: Choice
    quality: Choice
    audio: bool | Choice
    video_input: bool | Choice
    region: Choice
    endpoint_scope: Choice
    search_size: Choice
    search_type: Choice
    cache_mode: Choice
    deployment: Choice
    plan: Choice

    calendar: Calendar | Mapping[str, Any]
    scale: Literal["whole_request", "marginal"]


class Rounding(TypedDict, total=False):
    """How a quantity is billed that is not a multiple of what the vendor bills."""

    minimum_quantity: Amount
    step: Amount
    minimum_charge: Amount


class _Modifier(TypedDict):
    group: str


class Modifier(_Modifier, total=False):
    """What a modifier multiplies: some meters, with those below them, or all. Lower orders are applied first."""

    meters: Sequence[Meter]
    order: int
    excludes: Sequence[str]


class _PriceInput(TypedDict):
    unit_price: Amount
    unit: Unit
    currency: str


class PriceInput(_PriceInput, total=False):
    """A price of one meter, or the ratio of a modifier. It applies from `effective_date`, or now, to `expiry_date`."""

    conditions: Conditions | Mapping[str, Any] | None
    basis: Basis | None
    rounding: Rounding | price_results.Rounding | Mapping[str, Any] | None
    modifier: Modifier | price_results.Modifier | Mapping[str, Any] | None
    effective_date: Instant | None
    expiry_date: Instant | None
    source: str | None


_OnePrice: TypeAlias = PriceInput | Mapping[str, Any]
PriceMap: TypeAlias = Mapping[str, _OnePrice | Sequence[_OnePrice]]
"""Prices by meter, or `modifier`: one, or a list of them."""


class MoneyTerms(TypedDict):
    """An amount in a currency."""

    amount: Amount
    currency: str


class CacheControl(TypedDict, total=False):
    """A cache breakpoint."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"]


class _TextPart(TypedDict):
    type: Literal["text"]
    text: str


class TextPart(_TextPart, total=False):
    """A text in a list of parts."""

    cache_control: CacheControl


class _ImageUrl(TypedDict):
    url: str


class ImageUrl(_ImageUrl, total=False):
    """Where an image is: an `https:` or a `data:` address."""

    detail: Literal["low", "high", "auto"]


class _ImagePart(TypedDict):
    type: Literal["image_url"]
    image_url: ImageUrl


class ImagePart(_ImagePart, total=False):
    """An image in a list of parts."""

    cache_control: CacheControl


class InputAudio(TypedDict):
    """A sound as base64."""

    data: str
    format: str


class AudioPart(TypedDict):
    """A sound in a list of parts."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class FileContent(TypedDict, total=False):
    """A document: its content as a `data:` address, its `https:` address, or the provider's id of it."""

    file_data: str
    file_id: str
    filename: str


class _FilePart(TypedDict):
    type: Literal["file"]
    file: FileContent


class FilePart(_FilePart, total=False):
    """A document in a list of parts."""

    cache_control: CacheControl


Content: TypeAlias = str | Sequence[TextPart | ImagePart | AudioPart | FilePart]


class _TextMessage(TypedDict):
    role: Literal["system", "developer", "user"]
    content: Content


class TextMessage(_TextMessage, total=False):
    """A message of the system or of the user."""

    name: str


class FunctionCall(TypedDict):
    """The function of a tool call. The arguments are JSON text."""

    name: str
    arguments: str


class _ToolCallMessage(TypedDict):
    id: str
    function: FunctionCall


class ToolCallMessage(_ToolCallMessage, total=False):
    """A tool call in an assistant's message."""

    type: Literal["function"]
    extra_content: Any


class _AssistantMessage(TypedDict):
    role: Literal["assistant"]


class AssistantMessage(_AssistantMessage, total=False):
    """What the model said before."""

    content: Content | None
    reasoning_content: str | None
    thinking_blocks: Sequence[Any]
    refusal: str | None
    tool_calls: Sequence[ToolCallMessage] | None
    name: str


class _ToolMessage(TypedDict):
    role: Literal["tool"]
    content: Content
    tool_call_id: str


class ToolMessage(_ToolMessage, total=False):
    """The result of a tool call."""

    name: str
    is_error: bool


Message: TypeAlias = TextMessage | AssistantMessage | ToolMessage | Mapping[str, Any]
Messages: TypeAlias = str | Sequence[Message]
"""A conversation. One text is what a user says."""


class _FunctionDefinition(TypedDict):
    name: str


class FunctionDefinition(_FunctionDefinition, total=False):
    """A function that a model may call; `parameters` is a JSON schema."""

    description: str
    parameters: Mapping[str, Any]
    strict: bool


class _Tool(TypedDict):
    type: Literal["function"]
    function: FunctionDefinition


class Tool(_Tool, total=False):
    """A tool that a model may call."""

    cache_control: CacheControl


class ChatParameters(TypedDict, total=False):
    """What a chat call takes beside its messages.

    The first group says what the model is asked; the second, from `user` on, what Tollway does with the call. `timeout`
    is in seconds, for all attempts together. `extra` holds fields that only some providers know; where money is capped,
    one that Tollway does not know has no price.

    A tool is a function of yours, or one that a vendor defines, as its own documentation writes it:
    `{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}`, `{"google_search": {}}`. The format that has
    it takes it as it is; a model of another one refuses it by name. Work that the provider charges for needs a price
    and a stated maximum where money is capped.
    """

    model: str | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    stop: str | Sequence[str] | None
    tools: Sequence[Tool | Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    response_format: Mapping[str, Any] | None
    reasoning_effort: str | None
    n: int | None
    seed: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    service_tier: str | None
    extra: Mapping[str, Any] | None

    user: str | None
    tags: Mapping[str, str] | None
    idempotency_key: str | None
    timeout: float | None
    max_retries: int | None
    fallbacks: Sequence[str] | None
    on_abandon: AbandonPolicy | None
    on_unpriced: UnpricedPolicy | None


class ModelParameters(TypedDict, total=False):
    """What a model config takes beside its name.

    Attributes:
        alias: A name of your own, which requests and routes can use.
        capability: What the model makes; what the bundled catalog says where left out, and `text` if that does not know it.
        api_key: The key of the provider; it is sealed before it is written. White space around it is left out, and what
            no header can carry is refused.
        api_key_from_environment: Whether the key is read, now, from the environment variable in which the provider's key
            usually stands, such as `OPENAI_API_KEY`.
        base_url: The address that replaces the provider's own, with or without its version and end point.
        params: `wire_format` (`openai_chat`, `anthropic_messages`, `gemini_generate_content`), where the provider
            speaks another one than its own; `max_output_tokens`, the most that the model gives; `context_window`, the
            most that it takes; `max_uses`, how often one call may use a tool that the provider runs, by the name of the
            tool or of its meter; `headers` and `body`, which every request gets; `auth_header` and `max_tokens_field`,
            where a server departs from its format; `omit`, the names of fields that a server refuses and that are left
            out, such as `["stream_options"]`.
        allow_insecure: Whether the key may go to another machine over plain `http`, for everyone on the way to read. It
            is refused otherwise, in private networks too.
        default: Whether it is the default of its capability.
        priority: Its place in a fallback; lower is earlier.
        active: Whether routing may pick it.
        description: A note.
        prices: The prices of each meter. Those of the bundled catalog where left out; none where empty.
    """

    alias: str | None
    capability: Capability
    api_key: str | None
    api_key_from_environment: bool
    base_url: str | None
    params: Mapping[str, Any]
    allow_insecure: bool
    default: bool
    priority: int
    active: bool
    description: str | None
    prices: PriceMap | None


class ModelChanges(TypedDict, total=False):
    """The fields of a model config to change. None removes an alias, an address or a description."""

    alias: str | None
    capability: Capability
    api_key: str
    base_url: str | None
    params: Mapping[str, Any]
    allow_insecure: bool
    default: bool
    priority: int
    active: bool
    description: str | None


class RecordFilter(TypedDict, total=False):
    """Which usage records to look at, apart from when; `tags` must all be there."""

    user: str | None
    tags: Mapping[str, str] | None
    provider: str | None
    model: str | None
    request_id: str | None
    status: RecordStatus | None
    cost_status: CostStatus | None


class UsageFilter(RecordFilter, total=False):
    """Which usage records to look at. `until` is exclusive; `tags` must all be there."""

    since: Instant | None
    until: Instant | None


class SettingsParameters(TypedDict, total=False):
    """How an open file behaves. Durations are in seconds.

    Attributes:
        durability: `strict` returns a reply after its settlement is in the file; `relaxed` while it is being written.
        exclusive: Whether this process alone opens the file, at half the cost of a commit. A forked child then cannot.
        create: Whether the file is made where it is missing or empty; otherwise that is an error.
        recovery: What to bill reservations whose process ended before settlement.
        timeout: The time that all attempts of a call together may take.
        connect_timeout: The time that a connection may take to be made.
        stream_idle_timeout: The time that a stream may stay silent.
        proxy: The proxy through which calls go, such as `http://user:password@proxy.example.com:3128`; none by default,
            whatever the environment says.
        max_retries: How often a failed attempt is repeated, beyond the first attempt of each candidate.
        cooldown_failures: How many failures in a row make a model config cool down.
        cooldown: How long a failing model config is passed over the first time.
        on_abandon: What a call that is given up before its end is billed.
        on_unpriced: What to do with a call that has no price.
        reported_cost: When the cost that a provider states in its answer is billed.
        default_output_limit: The output limit of a call that a budget applies to and that has no other.
        maximum_answer_bytes: The most bytes of one answer; a longer one ends in `ProviderUnavailableError` and is
            billed.
    """

    durability: Literal["strict", "relaxed"]
    exclusive: bool
    create: bool
    recovery: Literal["bill_reserved", "release"]
    timeout: float
    connect_timeout: float
    stream_idle_timeout: float
    proxy: str | None
    max_retries: int
    cooldown_failures: int
    cooldown: float
    on_abandon: AbandonPolicy
    on_unpriced: UnpricedPolicy | None
    reported_cost: Literal["over_catalog", "always", "never"]
    default_output_limit: int
    maximum_answer_bytes: int

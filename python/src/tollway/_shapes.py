"""The shapes of messages and tools, which are those of OpenAI's API, and what exact values may be given as."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, TypedDict

__all__ = [
    "Amount",
    "AssistantMessage",
    "AudioPart",
    "CacheControl",
    "Choice",
    "Content",
    "FileContent",
    "FilePart",
    "FunctionCall",
    "FunctionDefinition",
    "ImagePart",
    "ImageUrl",
    "InputAudio",
    "Instant",
    "Message",
    "Messages",
    "TextMessage",
    "TextPart",
    "Tool",
    "ToolCallMessage",
    "ToolMessage",
    "Window",
]

Amount: TypeAlias = Decimal | str | int
"""An exact amount of money. A float is refused."""

Window: TypeAlias = str
"""How long a budget runs before it starts again from zero: `total`, `minute`, `hour`, `day`, `week`, `month`; an ISO
8601 duration such as `PT5H` for a rolling window; or a recurrence such as `R/2026-11-15/P1M` for a calendar of its
own."""

Instant: TypeAlias = str | date | datetime
"""An instant: RFC 3339 text, a datetime with a time zone, or a date, which is its midnight UTC."""

Choice: TypeAlias = str | Sequence[str]
"""A word, or several of which one must be the call's."""


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

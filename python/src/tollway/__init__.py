"""Tollway: an embedded AI gateway with a billing ledger.

`tollway.open(path, master_key=...)` opens a file, and makes it at first use; `await AsyncTollway.open(...)` is its
async twin. Importing opens no file, starts no thread and uses no network.
"""

from __future__ import annotations

import atexit
import sys

from . import _native, types
from .async_client import AsyncTollway
from .client import Tollway, open  # noqa: A004
from .errors import (
    AuthenticationError,
    BudgetExceededError,
    CallTimeoutError,
    CancelledError,
    ClosedError,
    ContentFilteredError,
    ContextLengthExceededError,
    CorruptedFileError,
    CurrencyMismatchError,
    ForkedError,
    IdempotencyConflictError,
    InternalError,
    InvalidRequestError,
    NewerFileError,
    NoRouteError,
    NotATollwayFileError,
    NotFoundError,
    PermissionDeniedError,
    ProviderQuotaExhaustedError,
    ProviderUnavailableError,
    RateLimitedError,
    StorageError,
    TollwayError,
    UnpricedError,
    WrongMasterKeyError,
)
from .results import (
    Attempt,
    Budget,
    ChatReply,
    Choice,
    Iteration,
    Model,
    ModelConfig,
    ModelHealth,
    Money,
    Price,
    Receipt,
    ReceiptLine,
    Route,
    StreamEvent,
    SummaryRow,
    ToolCall,
    ToolCallDelta,
    Usage,
    UsagePage,
    UsageRecord,
)
from .stream import AsyncChatStream, ChatStream

__all__ = [
    "AsyncChatStream",
    "AsyncTollway",
    "Attempt",
    "AuthenticationError",
    "Budget",
    "BudgetExceededError",
    "CallTimeoutError",
    "CancelledError",
    "ChatReply",
    "ChatStream",
    "Choice",
    "ClosedError",
    "ContentFilteredError",
    "ContextLengthExceededError",
    "CorruptedFileError",
    "CurrencyMismatchError",
    "ForkedError",
    "IdempotencyConflictError",
    "InternalError",
    "InvalidRequestError",
    "Iteration",
    "Model",
    "ModelConfig",
    "ModelHealth",
    "Money",
    "NewerFileError",
    "NoRouteError",
    "NotATollwayFileError",
    "NotFoundError",
    "PermissionDeniedError",
    "Price",
    "ProviderQuotaExhaustedError",
    "ProviderUnavailableError",
    "RateLimitedError",
    "Receipt",
    "ReceiptLine",
    "Route",
    "StorageError",
    "StreamEvent",
    "SummaryRow",
    "Tollway",
    "TollwayError",
    "ToolCall",
    "ToolCallDelta",
    "UnpricedError",
    "Usage",
    "UsagePage",
    "UsageRecord",
    "WrongMasterKeyError",
    "open",
    "types",
]

_EXIT_TIMEOUT = 5.0


def _shut_down() -> None:
    """Waits for settlements, before the interpreter is torn down under threads that wait for them."""
    loop = sys.modules.get(f"{__name__}._loop")
    if loop is not None:
        loop.close_all()
    _native.shutdown(_EXIT_TIMEOUT)


atexit.register(_shut_down)

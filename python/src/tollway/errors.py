"""Errors: one base class, and one class per kind. Each says what the caller must do."""

from __future__ import annotations

import builtins
import json
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

    from typing_extensions import Self


class FailedAttempt(NamedTuple):
    """One attempt of a call that failed."""

    model: str
    """The model that was tried, as `provider/model`."""
    outcome: str
    """How it ended: `failed`, `timeout`, `cancelled`, `partial`, or `not_sent` where nothing was sent."""
    error_code: str
    """The stable code of its error."""
    status: int | None
    """The HTTP status of the provider's answer."""
    record_uid: str | None
    """The usage record of the attempt; None where nothing was sent."""


class TollwayError(Exception):
    """Stands for every error of Tollway. Its code is stable; its detail is a sentence for people.

    Attributes:
        code: The stable code of the kind, such as `budget_exceeded`.
        detail: What was wrong and what to do.
        provider: The provider of the failed attempt.
        model: The model of the failed attempt, without its provider.
        status: The HTTP status of the provider's answer.
        retry_after: How long to wait before a retry, in seconds.
        request_id: The provider's id of the request.
        provider_code: The provider's own error code or type.
        retryable: Whether the same call, sent again, may succeed.
        attempts: The attempts of a call that failed, in order; none of what is no call.
        field: The argument that is wrong, as its path such as `prices.input_token.unit`, where one is.
    """

    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        provider_code: str | None = None,
        retryable: bool = False,
        attempts: tuple[FailedAttempt, ...] = (),
        field: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code if code is not None else self.default_code
        self.detail = detail
        self.provider = provider
        self.model = model
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id
        self.provider_code = provider_code
        self.retryable = retryable
        self.attempts = attempts
        self.field = field

    def __str__(self) -> str:
        target = f" [{self.provider}/{self.model}]" if self.provider and self.model else ""
        return f"{self.code}: {self.detail}{target}"

    def __reduce__(self) -> tuple[Any, ...]:
        # An error crosses to another process with all its attributes (multiprocessing, Celery).
        return _rebuild, (type(self), self.detail, self.__dict__.copy())


class BudgetExceededError(TollwayError):
    """Says that a cap would be passed: wait for the next window, raise the limit, or ask for less.

    Amounts are of the budget's currency, or tokens where `currency` is None. They are None where no one budget refused.

    Attributes:
        budget_id: The budget that refused.
        limit: What may be used in its window.
        settled: What was used in it.
        reserved: What calls under way hold.
        asked: What the call asked to hold.
        currency: The currency of the budget.
        max_tokens: The greatest `max_tokens` with which the same call fits into this budget now, where one is known to.
    """

    default_code = "budget_exceeded"
    budget_id: int | None = None
    limit: Decimal | None = None
    settled: Decimal | None = None
    reserved: Decimal | None = None
    asked: Decimal | None = None
    currency: str | None = None
    max_tokens: int | None = None


class UnpricedError(TollwayError):
    """Says that the call has no price and that the policy refuses such calls: add a price or choose another policy."""

    default_code = "unpriced"


class CurrencyMismatchError(TollwayError):
    """Says that a price and a budget are in different currencies: set a budget in the currency of the price."""

    default_code = "currency_mismatch"


class NoRouteError(TollwayError):
    """Says that no model config can serve the request; the detail names each and why it was passed over."""

    default_code = "no_route"


class RateLimitedError(TollwayError):
    """Says that the provider limits the rate of calls: retry after `retry_after` seconds."""

    default_code = "rate_limited"


class ProviderQuotaExhaustedError(TollwayError):
    """Says that the account with the provider is out of money or quota: recharge it."""

    default_code = "provider_quota_exhausted"


class ProviderUnavailableError(TollwayError):
    """Says that the provider failed or could not be reached: retry later or add a fallback."""

    default_code = "provider_unavailable"


class InvalidRequestError(TollwayError, ValueError):
    """Says that the request is wrong: change it; the detail names the field."""

    default_code = "invalid_request"


class NotFoundError(TollwayError, LookupError):
    """Says that what the request names does not exist, here or at the provider."""

    default_code = "not_found"


class AuthenticationError(TollwayError):
    """Says that the provider did not accept the API key: replace it."""

    default_code = "authentication"


class PermissionDeniedError(TollwayError):
    """Says that the API key is valid but may not do this: ask the provider for access."""

    default_code = "permission_denied"


class ContextLengthExceededError(TollwayError):
    """Says that the input is longer than the model accepts: shorten it or use another model."""

    default_code = "context_length_exceeded"


class ContentFilteredError(TollwayError):
    """Says that the provider refused the content: change it."""

    default_code = "content_filtered"


class CallTimeoutError(TollwayError, builtins.TimeoutError):
    """Says that the deadline passed: retry or allow more time."""

    default_code = "timeout"


class CancelledError(TollwayError):
    """Says that the call was given up. A cancelled asyncio task raises `asyncio.CancelledError` instead."""

    default_code = "cancelled"


class IdempotencyConflictError(TollwayError):
    """Says that the idempotency key was used before with another request: use a new key."""

    default_code = "idempotency_conflict"


class WrongMasterKeyError(TollwayError):
    """Says that the master key does not open this file, which was not changed: give the right key."""

    default_code = "wrong_master_key"


class NotATollwayFileError(TollwayError):
    """Says that the path is not a Tollway file, and that nothing was changed: check the path."""

    default_code = "not_a_tollway_file"


class CorruptedFileError(TollwayError):
    """Says that the file is truncated or damaged: restore it from a copy."""

    default_code = "corrupted_file"


class NewerFileError(TollwayError):
    """Says that the file was written by a newer version: upgrade this package."""

    default_code = "newer_file"


class StorageError(TollwayError, OSError):
    """Says that the file could not be read or written: folder missing or read-only, disk full, opened elsewhere."""

    default_code = "storage"

    def __new__(cls, detail: str, **_attributes: Any) -> Self:
        """Makes an instance without the attributes, which `OSError` does not take."""
        return OSError.__new__(cls, detail)


class ForkedError(TollwayError):
    """Says that a call or a stream was started by the parent, before a fork: start it again in this process."""

    default_code = "forked"


class ClosedError(TollwayError):
    """Says that the handle was closed: open the file again."""

    default_code = "closed"


class InternalError(TollwayError):
    """Says that Tollway has a defect: report it."""

    default_code = "internal"


_CLASSES: dict[str, type[TollwayError]] = {
    kind.default_code: kind
    for kind in (
        BudgetExceededError,
        UnpricedError,
        CurrencyMismatchError,
        NoRouteError,
        RateLimitedError,
        ProviderQuotaExhaustedError,
        ProviderUnavailableError,
        InvalidRequestError,
        NotFoundError,
        AuthenticationError,
        PermissionDeniedError,
        ContextLengthExceededError,
        ContentFilteredError,
        CallTimeoutError,
        CancelledError,
        IdempotencyConflictError,
        WrongMasterKeyError,
        NotATollwayFileError,
        CorruptedFileError,
        NewerFileError,
        StorageError,
        ForkedError,
        ClosedError,
        InternalError,
    )
}


def from_json(text: str) -> TollwayError:
    """Makes the error that the native module describes; an unknown code makes a plain `TollwayError`."""
    fields = json.loads(text)
    detail = fields.pop("detail")
    budget = fields.pop("budget", None)
    fields["attempts"] = tuple(FailedAttempt(**attempt) for attempt in fields.get("attempts", ()))
    error = _CLASSES.get(fields["code"], TollwayError)(detail, **fields)
    if isinstance(error, BudgetExceededError) and budget is not None:
        from decimal import Decimal  # noqa: PLC0415 - importing the package must not wait for it

        amounts = {name: Decimal(budget[name]) for name in ("limit", "settled", "reserved", "asked")}
        error.__dict__.update(budget, **amounts)
    return error


def _rebuild(kind: type[TollwayError], detail: str, attributes: dict[str, Any]) -> TollwayError:
    error = kind(detail)
    error.__dict__.update(attributes)
    return error

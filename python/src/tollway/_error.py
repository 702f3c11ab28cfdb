"""What all errors share, and what those of some kinds have beside it."""

from __future__ import annotations

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

    # Where people look for it.
    __module__ = "tollway.errors"
    default_code: ClassVar[str] = "internal"
    _classes: ClassVar[dict[str, type[TollwayError]]] = {}

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

    def __init_subclass__(cls) -> None:
        """Remembers the class of a kind by its code."""
        cls.__module__ = TollwayError.__module__
        if "default_code" in vars(cls):
            TollwayError._classes[cls.default_code] = cls

    def __str__(self) -> str:
        target = f" [{self.provider}/{self.model}]" if self.provider and self.model else ""
        return f"{self.code}: {self.detail}{target}"

    def __reduce__(self) -> tuple[Any, ...]:
        # An error crosses to another process with all its attributes (multiprocessing, Celery).
        return _rebuild, (type(self), self.detail, self.__dict__.copy())


class BudgetError(TollwayError):
    """Says what the budget had that refused a call.

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

    budget_id: int | None = None
    limit: Decimal | None = None
    settled: Decimal | None = None
    reserved: Decimal | None = None
    asked: Decimal | None = None
    currency: str | None = None
    max_tokens: int | None = None


class FileSystemError(TollwayError, OSError):
    """Stands for what the operating system refused."""

    def __new__(cls, detail: str, **_attributes: Any) -> Self:
        """Makes an instance without the attributes, which `OSError` does not take."""
        return OSError.__new__(cls, detail)


def _rebuild(kind: type[TollwayError], detail: str, attributes: dict[str, Any]) -> TollwayError:
    error = kind(detail)
    error.__dict__.update(attributes)
    return error

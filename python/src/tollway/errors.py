"""Errors: one base class, and one class per kind. Each says what the caller must do."""

from __future__ import annotations

import json

from . import _error, _error_kinds
from ._error import FailedAttempt, TollwayError
from ._error_kinds import *

__all__ = ["FailedAttempt", "TollwayError"]
__all__ += _error_kinds.__all__


def from_json(text: str) -> TollwayError:
    """Makes the error that the native module describes; an unknown code makes a plain `TollwayError`."""
    fields = json.loads(text)
    detail = fields.pop("detail")
    budget = fields.pop("budget", None)
    fields["attempts"] = tuple(FailedAttempt(**attempt) for attempt in fields.get("attempts", ()))
    error = TollwayError._classes.get(fields["code"], TollwayError)(detail, **fields)
    if isinstance(error, _error.BudgetError) and budget is not None:
        from decimal import Decimal  # noqa: PLC0415 - importing the package must not wait for it

        amounts = {name: Decimal(budget[name]) for name in ("limit", "settled", "reserved", "asked")}
        error.__dict__.update(budget, **amounts)
    return error

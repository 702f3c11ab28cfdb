"""Python: a class for each kind of error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .python_text import docstring, module
from .text import error_class, says_that

if TYPE_CHECKING:
    from .model import Model

# What some kinds are beside errors of Tollway: classes of Python's own, and of `_error.py`.
_BASES = {
    "budget_exceeded": "BudgetError",
    "invalid_request": "ValueError",
    "not_found": "LookupError",
    "timeout": "TimeoutError",
    "storage": "FileSystemError",
    "storage_busy": "FileSystemError",
}
_OWN = ("BudgetError", "FileSystemError")
_MORE = {"cancelled": "A cancelled asyncio task raises `asyncio.CancelledError` instead."}


def emit(model: Model) -> dict[str, str]:
    """Returns the module by its name."""
    parts = []
    for code, doc in model.errors.values:
        base = _BASES.get(code, "")
        bases = base if base in _OWN else f"TollwayError, {base}" if base else "TollwayError"
        text = " ".join(each for each in (says_that(doc), _MORE.get(code, "")) if each)
        lines = [f"class {error_class(code)}({bases}):", *docstring(text, "    "), "", f'    default_code = "{code}"']
        parts.append("\n".join(lines))
    sources = {"._error": (*_OWN, "TollwayError")}
    exported = [error_class(code) for code, _ in model.errors.values]
    doc = "One class per kind of error. Each says what the caller must do."
    return {"_error_kinds": module(doc, sources, "\n\n\n".join(parts), exported=exported)}

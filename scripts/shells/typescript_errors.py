"""TypeScript: a class for each kind of error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text import block_comment, error_class, says_that
from .typescript_text import file

if TYPE_CHECKING:
    from .model import Model

# What some kinds are made of, which `error.ts` has.
_BASES = {"budget_exceeded": "BudgetError"}
_MORE = {"cancelled": "A call whose `AbortSignal` fired rejects with the signal's reason instead."}


def emit(model: Model) -> dict[str, str]:
    """Returns the file by its name."""
    parts = []
    for code, doc in model.errors.values:
        text = " ".join(each for each in (says_that(doc), _MORE.get(code, "")) if each).replace("retry_after", "retryAfter")
        lines = [*block_comment(text, ""), f"export class {error_class(code)} extends {_BASES.get(code, 'TollwayError')} {{"]
        parts.append("\n".join([*lines, f"  static override readonly defaultCode = '{code}';", "}", ""]))
    sources = {"./error.js": {"import": ("BudgetError", "TollwayError")}}
    return {"error-kinds": file("One class per kind of error. Each says what the caller must do.", sources, "\n".join(parts))}

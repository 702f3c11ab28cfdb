"""The arguments of calls whose answers come whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import check_mapping, check_names
from .types import CallOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPTIONS = CallOptions.__optional_keys__
_HINT = "; pass fields that only some providers know in extra={...}"


def strings(value: Sequence[str], name: str) -> list[str]:
    """Writes a list of strings, which one string would be by its letters."""
    if isinstance(value, str):
        detail = f"{name} must be a list of strings, not one string"
        raise TypeError(detail)
    return list(value)


def one_or_several(value: str | Sequence[str], name: str) -> str | list[str]:
    """Writes a string, or several."""
    return value if isinstance(value, str) else strings(value, name)


def whole_arguments(
    own: dict[str, Any],
    parameters: Mapping[str, Any],
    known: frozenset[str],
    function: str,
    example: str = "{'truncate': 'END'}",
) -> dict[str, Any]:
    """Returns what the verb takes: what is asked, and what Tollway does with the call.

    The example is of a field that only some providers know.
    """
    given: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
    check_names(given, known, function, _HINT)
    options = {name: given.pop(name) for name in _OPTIONS & given.keys()}
    request = {**own, **given}
    if "extra" in request:
        extra = check_mapping(request.pop("extra"), "extra", example)
        doubled = sorted(extra.keys() & (known | own.keys()))
        if doubled:
            detail = f"extra holds {doubled[0]!r}, which {function} takes as an argument of its own; pass it there"
            raise TypeError(detail)
        request.update(extra)
    return {"request": request, "options": options}

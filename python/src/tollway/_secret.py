"""Values that no traceback shows.

Error reporters print the local variables of every frame. So what may be a secret is put into a holder by the first
statement of a function that takes it, before anything can fail, and is taken out where it leaves Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


class Secret:
    """Holds a value that is shown nowhere."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def reveal(self) -> Any:
        """Returns the value. Whoever calls it gives the value on at once, and keeps it in no variable."""
        return self._value

    def __repr__(self) -> str:
        return "'***'"

    def __reduce__(self) -> NoReturn:
        detail = "a secret cannot be sent to another process"
        raise TypeError(detail)


def hide(arguments: Any, plain: AbstractSet[str]) -> dict[str, Any]:
    """Puts the values of keyword arguments into holders, apart from those of names that carry no secret.

    A name that is not known is hidden too: it may be the misspelt one of a secret. The mapping itself is changed,
    because the caller's variable holds it.
    """
    for name, value in arguments.items():
        if name not in plain and value is not None:
            arguments[name] = Secret(value)
    hidden: dict[str, Any] = arguments
    return hidden

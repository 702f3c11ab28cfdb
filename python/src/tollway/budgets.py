"""Budgets: caps on money or on tokens, which hold across threads and processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine, nothing
from ._values import given, money_text
from .results import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Amount, Window


_TAG = ("key", "value")


def _set(
    user: str | None,
    tag: tuple[str, str] | None,
    limit: Amount | None,
    currency: str | None,
    limit_tokens: int | None,
    window: Window,
    time_zone: str | None,
) -> Operation[Budget]:
    arguments = given(
        user=user,
        tag=None if tag is None else _tag(tag),
        limit=None if limit is None else money_text(limit, "limit"),
        currency=currency,
        limit_tokens=limit_tokens,
        window=window,
        time_zone=time_zone,
    )
    return Operation("budgets.set", arguments, Budget._decode)


def _tag(tag: tuple[str, str]) -> dict[str, str]:
    if isinstance(tag, (tuple, list)) and len(tag) == len(_TAG) and all(isinstance(part, str) for part in tag):
        return dict(zip(_TAG, tag, strict=True))
    detail = f"tag must be a key and a value, such as ('team', 'search'), not {tag!r}"
    raise TypeError(detail)


def _list() -> Operation[Sequence[Budget]]:
    return Operation("budgets.list", {}, lambda value: [Budget._decode(budget) for budget in value])


def _delete(budget: Budget | int) -> Operation[None]:
    return Operation("budgets.delete", {"id": budget.id if isinstance(budget, Budget) else budget}, nothing)


class Budgets(Namespace):
    """Sets budgets."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def set(
        self,
        *,
        user: str | None = None,
        tag: tuple[str, str] | None = None,
        limit: Amount | None = None,
        currency: str | None = None,
        limit_tokens: int | None = None,
        window: Window = "total",
        time_zone: str | None = None,
    ) -> Budget:
        """Caps the calls of a user, of a tag (its key and value), or of everyone, and returns the budget's state.

        The cap is `limit` in `currency`, or `limit_tokens`. A window of a day or a month starts again from zero, in an
        IANA `time_zone` (UTC where absent). Setting the same scope, window, time zone and kind of limit again changes
        the limit.

        Raises:
            InvalidRequestError: The limit is missing or half given, or a name is wrong.
            TypeError: The limit is a float.
        """
        return self._engine.run(_set(user, tag, limit, currency, limit_tokens, window, time_zone))

    def list(self) -> Sequence[Budget]:
        """Returns all budgets with their state in the windows that are running."""
        return self._engine.run(_list())

    def delete(self, budget: Budget | int) -> None:
        """Deletes a budget, by its row or its id.

        Raises:
            NotFoundError: There is no such budget.
        """
        self._engine.run(_delete(budget))


class AsyncBudgets(Namespace):
    """Sets budgets; see `Budgets`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(
        self,
        *,
        user: str | None = None,
        tag: tuple[str, str] | None = None,
        limit: Amount | None = None,
        currency: str | None = None,
        limit_tokens: int | None = None,
        window: Window = "total",
        time_zone: str | None = None,
    ) -> Budget:
        """Sets a budget and returns its state; see `Budgets.set`."""
        return await self._engine.run(_set(user, tag, limit, currency, limit_tokens, window, time_zone))

    async def list(self) -> Sequence[Budget]:
        """Returns all budgets with their state in the windows that are running."""
        return await self._engine.run(_list())

    async def delete(self, budget: Budget | int) -> None:
        """Deletes a budget; see `Budgets.delete`."""
        await self._engine.run(_delete(budget))

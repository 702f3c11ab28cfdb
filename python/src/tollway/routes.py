"""Routes: how the candidates of a capability or an alias are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine, check_mapping, nothing
from ._values import given, money_text
from .results import Money, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import MoneyTerms, Strategy


def _set(
    name: str,
    strategy: Strategy,
    models: Sequence[str] | None,
    preferred_providers: Sequence[str] | None,
    maximum_cost: Money | MoneyTerms | None,
) -> Operation[Route]:
    cost: dict[str, Any] | None = None
    if isinstance(maximum_cost, Money):
        cost = {"amount": money_text(maximum_cost.amount, "maximum_cost"), "currency": maximum_cost.currency}
    elif maximum_cost is not None:
        cost = {**check_mapping(maximum_cost, "maximum_cost", "{'amount': '0.01', 'currency': 'USD'}")}
        if "amount" in cost:
            cost["amount"] = money_text(cost["amount"], "maximum_cost")
    arguments = given(
        name=name, strategy=strategy, models=models, preferred_providers=preferred_providers, maximum_cost=cost
    )
    return Operation("routes.set", arguments, Route._decode)


def _list() -> Operation[Sequence[Route]]:
    return Operation("routes.list", {}, lambda value: [Route._decode(route) for route in value])


def _delete(name: str) -> Operation[None]:
    return Operation("routes.delete", {"name": name}, nothing)


class Routes(Namespace):
    """Sets routes."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def set(
        self,
        name: str,
        *,
        strategy: Strategy,
        models: Sequence[str] | None = None,
        preferred_providers: Sequence[str] | None = None,
        maximum_cost: Money | MoneyTerms | None = None,
    ) -> Route:
        """Sets the route of a capability such as `text`, or of an alias that calls can name as their model.

        `models` names the configs to choose among, in order; all active ones of the capability where it is absent.
        `preferred_providers` and `maximum_cost` (for one request) belong to the strategy `economy`.

        Raises:
            InvalidRequestError: The strategy or a model is wrong.
        """
        return self._engine.run(_set(name, strategy, models, preferred_providers, maximum_cost))

    def list(self) -> Sequence[Route]:
        """Returns all routes."""
        return self._engine.run(_list())

    def delete(self, name: str) -> None:
        """Deletes a route; its capability goes back to its default model.

        Raises:
            NotFoundError: There is no such route.
        """
        self._engine.run(_delete(name))


class AsyncRoutes(Namespace):
    """Sets routes; see `Routes`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(
        self,
        name: str,
        *,
        strategy: Strategy,
        models: Sequence[str] | None = None,
        preferred_providers: Sequence[str] | None = None,
        maximum_cost: Money | MoneyTerms | None = None,
    ) -> Route:
        """Sets a route; see `Routes.set`."""
        return await self._engine.run(_set(name, strategy, models, preferred_providers, maximum_cost))

    async def list(self) -> Sequence[Route]:
        """Returns all routes."""
        return await self._engine.run(_list())

    async def delete(self, name: str) -> None:
        """Deletes a route; see `Routes.delete`."""
        await self._engine.run(_delete(name))

"""Model configs, and the models that were used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import AsyncEngine, Namespace, Operation, SyncEngine, check_names, nothing
from ._price_arguments import price_arguments
from ._secret import hide
from .results import ConfiguredModel, Model, ModelConfig, ModelHealth
from .types import ModelChanges, ModelParameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

# The parameters that hold no secret. An address may hold one by mistake.
_PLAIN = frozenset(
    {
        "active",
        "alias",
        "allow_insecure",
        "api_key_from_environment",
        "capability",
        "default",
        "description",
        "prices",
        "priority",
    }
)
_REMOVABLE = frozenset({"alias", "base_url", "description"})


def _configure(verb: str, name: str, parameters: Mapping[str, Any]) -> Operation[ConfiguredModel]:
    given: dict[str, Any] = {field: value for field, value in parameters.items() if value is not None}
    check_names(given, ModelParameters.__optional_keys__, f"{verb}()")
    if "prices" in given:
        given["prices"] = price_arguments(given["prices"])
    return Operation(verb, {"name": name, **given}, ConfiguredModel._decode)


def _update(model: str, changes: Mapping[str, Any]) -> Operation[ModelConfig]:
    given: dict[str, Any] = {**changes}
    check_names(given, ModelChanges.__optional_keys__, "models.update()")
    for name, value in given.items():
        if value is None and name not in _REMOVABLE:
            detail = f"models.update() cannot set {name} to None; leave it out, or give a value"
            raise TypeError(detail)
    return Operation("models.update", {"model": model, **given}, ModelConfig._decode)


def _delete(model: str) -> Operation[None]:
    return Operation("models.delete", {"model": model}, nothing)


def _list() -> Operation[list[ModelConfig]]:
    return Operation("models.list", {}, lambda value: [ModelConfig._decode(config) for config in value])


def _used() -> Operation[list[Model]]:
    return Operation("models.used", {}, lambda value: [Model._decode(model) for model in value])


def _health() -> Operation[list[ModelHealth]]:
    return Operation("models.health", {}, lambda value: [ModelHealth(**health) for health in value])


class Models(Namespace):
    """Configures models. Everywhere, `model` is an alias, `provider/model`, or a config id as text."""

    def __init__(self, engine: SyncEngine) -> None:
        self._engine = engine

    def set(self, name: str, **parameters: Unpack[ModelParameters]) -> ConfiguredModel:
        """Sets the model config named `provider/model`: adds it, or gives it the parameters that are given.

        The parameters are those of `tollway.types.ModelParameters`. In a config of the same name and alias, what is
        left out stays as it is, prices too; prices that are given become all that it has. Setting it to what it is
        writes nothing, so that every start of every worker can do it.

        Raises:
            InvalidRequestError: A parameter is wrong; or no address of the provider is known, or it wants a key, and
                none is given.
            TypeError: A price is a float.
        """
        return self._engine.run(_configure("models.set", name, hide(parameters, _PLAIN)))

    def add(self, name: str, **parameters: Unpack[ModelParameters]) -> ConfiguredModel:
        """Adds a model config named `provider/model`, and refuses one that is there; see `set`.

        Prices come from the bundled catalog where none are given; an empty mapping means that there are none.

        Raises:
            InvalidRequestError: A parameter is wrong, or the config is there already.
            TypeError: A price is a float.
        """
        return self._engine.run(_configure("models.add", name, hide(parameters, _PLAIN)))

    def update(self, model: str, **changes: Unpack[ModelChanges]) -> ModelConfig:
        """Changes the fields of a model config that are given; None removes an alias, an address or a description.

        Raises:
            NotFoundError: There is no such config.
            TypeError: A field that cannot be removed is None.
        """
        return self._engine.run(_update(model, hide(changes, _PLAIN)))

    def delete(self, model: str) -> None:
        """Deletes a model config and its prices; usage records stay as they are.

        Raises:
            NotFoundError: There is no such config.
        """
        self._engine.run(_delete(model))

    def list(self) -> Sequence[ModelConfig]:
        """Returns all model configs."""
        return self._engine.run(_list())

    def used(self) -> Sequence[Model]:
        """Returns all models that were ever used, those of deleted configs included."""
        return self._engine.run(_used())

    def health(self) -> Sequence[ModelHealth]:
        """Returns what this process knows of each config's health; times are in seconds."""
        return self._engine.run(_health())


class AsyncModels(Namespace):
    """Configures models; see `Models`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def set(self, name: str, **parameters: Unpack[ModelParameters]) -> ConfiguredModel:
        """Sets a model config; see `Models.set`."""
        return await self._engine.run(_configure("models.set", name, hide(parameters, _PLAIN)))

    async def add(self, name: str, **parameters: Unpack[ModelParameters]) -> ConfiguredModel:
        """Adds a model config; see `Models.add`."""
        return await self._engine.run(_configure("models.add", name, hide(parameters, _PLAIN)))

    async def update(self, model: str, **changes: Unpack[ModelChanges]) -> ModelConfig:
        """Changes fields of a model config; see `Models.update`."""
        return await self._engine.run(_update(model, hide(changes, _PLAIN)))

    async def delete(self, model: str) -> None:
        """Deletes a model config; see `Models.delete`."""
        await self._engine.run(_delete(model))

    async def list(self) -> Sequence[ModelConfig]:
        """Returns all model configs."""
        return await self._engine.run(_list())

    async def used(self) -> Sequence[Model]:
        """Returns all models that were ever used; see `Models.used`."""
        return await self._engine.run(_used())

    async def health(self) -> Sequence[ModelHealth]:
        """Returns what this process knows of each config's health; see `Models.health`."""
        return await self._engine.run(_health())

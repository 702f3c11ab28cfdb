"""How a language writes types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .model import Type


class Types:
    """Writes types. A language says how it calls those that are plain, and how it puts together the others."""

    # What each plain kind is called.
    plain: Mapping[str, str] = {}

    def written(self, type_: Type) -> str:
        """Returns how a type is written, apart from whether it may be nothing."""
        match type_.kind:
            case "list":
                return self.list_of(type_.parts[0])
            case "tuple":
                return self.tuple_of(type_.parts)
            case "map":
                return self.map_of(type_.parts[0])
            case "struct":
                return self.struct(type_.name)
            case "enum":
                return self.enum(type_.name)
        return self.plain[type_.kind]

    def inner(self, type_: Type) -> str:
        """Returns how a type is written inside of another, where it may be nothing."""
        return f"{self.written(type_)}?" if type_.nullable and type_.kind != "any" else self.written(type_)

    def list_of(self, type_: Type) -> str:
        """Writes a list."""
        raise NotImplementedError

    def tuple_of(self, types: tuple[Type, ...]) -> str:
        """Writes a list of a known length, whose items are all alike."""
        return self.list_of(types[0])

    def map_of(self, type_: Type) -> str:
        """Writes a mapping from names."""
        raise NotImplementedError

    def struct(self, name: str) -> str:
        """Writes an object."""
        return name

    def enum(self, name: str) -> str:
        """Writes words."""
        return name

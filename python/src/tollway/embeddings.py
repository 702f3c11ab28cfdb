"""Embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._engine import Operation
from ._whole import whole_arguments
from .results.embeddings import EmbedReply
from .types import EmbedParameters

if TYPE_CHECKING:
    from collections.abc import Sequence


def embed(texts: str | Sequence[str], parameters: EmbedParameters) -> Operation[EmbedReply]:
    """Returns the operation that makes a vector of each text."""
    own = {"input": texts if isinstance(texts, str) else list(texts)}
    arguments = whole_arguments(own, parameters, EmbedParameters.__optional_keys__, "embed()")
    return Operation("embed", arguments, EmbedReply._decode)

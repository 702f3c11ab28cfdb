"""Reranking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._engine import Operation
from ._whole import whole_arguments
from .results.rerank import RerankReply
from .types import RerankParameters

if TYPE_CHECKING:
    from collections.abc import Sequence


def rerank(query: str, documents: Sequence[str], parameters: RerankParameters) -> Operation[RerankReply]:
    """Returns the operation that orders documents."""
    if isinstance(documents, str):
        detail = "documents must be a list of strings, not one string"
        raise TypeError(detail)
    own = {"query": query, "documents": list(documents)}
    arguments = whole_arguments(own, parameters, RerankParameters.__optional_keys__, "rerank()")
    return Operation("rerank", arguments, RerankReply._decode)

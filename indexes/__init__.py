"""Text, vectors and files; knows nothing of Slack. Scripts only need ``from indexes import FaissSearch``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexes.retrieval.index import Hit
    from indexes.search import FaissSearch

__all__ = ["FaissSearch", "Hit"]


def __getattr__(name: str) -> Any:
    """Import on first use: `kotae check` and `--help` need neither FAISS nor a model."""
    if name == "FaissSearch":
        from indexes.search import FaissSearch  # noqa: PLC0415

        return FaissSearch
    if name == "Hit":
        from indexes.retrieval.index import Hit  # noqa: PLC0415

        return Hit
    raise AttributeError(f"module 'indexes' has no attribute {name!r}")

"""What the bot offers beyond answering, and who switches it off: an admin in `/kb settings`, or kotae.toml."""

from collections.abc import Iterable
from enum import StrEnum


class Feature(StrEnum):
    """Something that is on until it is switched off. Its value is its name in kotae.toml and in the database."""

    TYPEAHEAD = "typeahead"
    """The form that completes a question while it is typed."""
    CLARIFYING = "clarifying"
    """One question back when several answers are close."""
    THREADS = "threads"
    """Follow-up questions in a thread, without a mention."""
    IMAGES = "images"
    """Pictures in answers."""
    SYNONYMS = "synonyms"
    """Proposals of synonyms to admins."""
    REVIEWS = "reviews"
    """Weekly messages to owners about entries that are due for a check."""


FOR_ALL = frozenset({Feature.TYPEAHEAD, Feature.SYNONYMS, Feature.REVIEWS})
"""Those that belong to no channel: one switch for the whole bot."""
BY_CHANNEL = frozenset(Feature) - FOR_ALL


def read(names: str) -> frozenset[Feature]:
    """Read names joined by spaces; a name of another version is left out."""
    return frozenset(feature for feature in Feature if feature in names.split())


def write(features: Iterable[Feature]) -> str:
    """Return what `read` reads, always in the same order."""
    return " ".join(sorted(features))

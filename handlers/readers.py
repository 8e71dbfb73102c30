"""Who may see which knowledge bases: one rule, for Slack and for every other door."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Reader:
    """Whoever reads an answer: a person, everybody in a channel, or a program.

    `given` are the knowledge bases that are theirs, by where they are or by the token they hold. `is_trusted` when
    nobody of them is a guest, of another organisation, or unknown.
    """

    given: tuple[str, ...]
    is_trusted: bool


def seen_by(reader: Reader, public: Collection[str]) -> tuple[str, ...]:
    """List the knowledge bases that a reader may see: what they were given; if they aren't trusted, only `public`."""
    return tuple(name for name in reader.given if reader.is_trusted or name in public)

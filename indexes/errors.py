"""Errors that may be shown to users. Each is a key with values, and is put into the reader's language when shown.

The message names the place and the value, and says what to do next:
``it-help.csv:14: question and answer are both blank``.
"""

from typing import Self

from indexes.messages import Translatable, Value


class KnowledgeBaseError(Exception):
    """Base of all errors whose `message` may be shown to users.

    ``str(error)`` is the message in English, for the log and the command line.
    """

    def __init__(self, key: str, /, **values: Value) -> None:
        super().__init__(key, values)
        self.message = Translatable(key, **values)

    @classmethod
    def of(cls, message: Translatable) -> Self:
        """Make an error from a stored message."""
        return cls(message.key, **message.values)

    def __str__(self) -> str:
        return str(self.message)


class UnusableFileError(KnowledgeBaseError):
    """A CSV can't be used as a knowledge base at all; what was loaded before stays in use."""


class UnknownKnowledgeBaseError(KnowledgeBaseError):
    """No knowledge base has that name."""


class ModelUnavailableError(KnowledgeBaseError):
    """The model is not in the cache and can't be downloaded, or can't be loaded; the message says what to do."""


class EncodingError(KnowledgeBaseError):
    """The model returned something that is not a unit vector (non-finite or zero)."""


class SnapshotError(KnowledgeBaseError):
    """A stored index is damaged, or belongs to another model or file; it is rebuilt from the CSV."""


class IndexUnavailableError(KnowledgeBaseError):
    """The database that the indexes are in can't be reached now; nothing is lost."""


class VersionError(KnowledgeBaseError):
    """A version of a CSV can't be stored, or is missing or damaged."""

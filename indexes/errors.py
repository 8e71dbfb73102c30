"""Errors that may be shown to a user, each a key and values, said in the reader's language.

The sentences name the place and the value and say what to do next:
``it-help.csv:14: question and answer are both blank``.
"""

from typing import Self

from indexes.messages import Translatable, Value


class KnowledgeBaseError(Exception):
    """Something a user typed, uploaded or configured can't be used; `message` may be shown to them.

    ``str(error)`` is the message in English, for the log and the command line.
    """

    def __init__(self, key: str, /, **values: Value) -> None:
        super().__init__(key, values)
        self.message = Translatable(key, **values)

    @classmethod
    def of(cls, message: Translatable) -> Self:
        """Make an error of a message that was kept."""
        return cls(message.key, **message.values)

    def __str__(self) -> str:
        return str(self.message)


class UnusableFileError(KnowledgeBaseError):
    """A CSV can't become a knowledge base at all; whatever answered before keeps answering."""


class UnknownKnowledgeBaseError(KnowledgeBaseError):
    """No knowledge base has that name."""


class ModelUnavailableError(KnowledgeBaseError):
    """The model is neither in the cache nor downloadable, or can't be loaded; the message says what to do."""


class EncodingError(KnowledgeBaseError):
    """The model returned something that is not a unit vector (non-finite or zero)."""


class SnapshotError(KnowledgeBaseError):
    """A stored index is damaged or belongs to another model or file; it is rebuilt from the CSV."""


class VersionError(KnowledgeBaseError):
    """An earlier content of a CSV can't be kept, or is gone or damaged."""

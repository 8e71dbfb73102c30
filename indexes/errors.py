"""Errors whose messages may be shown to a user.

A message names the place and the value and says what to do next:
``it-help.csv:14: question and answer are both blank``.
"""


class KnowledgeBaseError(Exception):
    """Something a user typed, uploaded or configured can't be used; ``str(error)`` is safe to show."""


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

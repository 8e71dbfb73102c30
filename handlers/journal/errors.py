"""What the state database raises."""

from indexes.errors import KnowledgeBaseError


class JournalError(KnowledgeBaseError):
    """The state database can't be opened or written."""

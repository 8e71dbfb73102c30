"""What the state database raises."""

from handlers.texts import HandlerError


class StoreError(HandlerError):
    """The state database can't be opened or written."""

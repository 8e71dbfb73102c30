"""What the state database raises."""

from handlers.texts import HandlerError


class StoreError(HandlerError):
    """The state database can't be opened or written."""


class TakenOverError(Exception):
    """The work on a payload is another replica's: this one was silent for too long."""

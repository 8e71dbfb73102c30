"""Why a program gets no answer. Each message may be shown to whoever asked."""

from handlers.texts import HandlerError


class DoorError(HandlerError):
    """A program gets no answer."""


class InvalidQueryError(DoorError):
    """There is nothing to search for."""


class NotOpenError(DoorError):
    """Nothing is open without a token."""


class UnknownNameError(DoorError):
    """No knowledge base of that name is open to this program; whether there is one is not said."""


class TooManyError(DoorError):
    """This program, or this address, has sent too many requests lately."""


class NotNowError(DoorError):
    """There is no room, the bot has just started, or the search took too long; later it may work."""


class NoRoomError(DoorError):
    """There are too many connections; later there may be fewer."""


class WrongHostError(DoorError):
    """The request names another machine."""


class WrongOriginError(DoorError):
    """A page of another site sent the request."""


class TooLargeError(DoorError):
    """The request is larger than any that makes sense."""


class TooSlowError(DoorError):
    """The request did not arrive in time."""


class RelayError(DoorError):
    """The bot that a call was passed on to gave no answer; the message is what it said."""


class NotTakenError(DoorError):
    """There is no bot to take a report."""

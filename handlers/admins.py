"""Whom to ask when something needs an admin."""

from collections.abc import Callable

from handlers import texts as words
from handlers.services import Services
from handlers.slack.blocks import Message
from handlers.store.audit import AuditLog
from handlers.texts import Texts

MOST_ASKED = 20
"""Admins who are asked at most."""
LATELY = 50
"""Entries of the audit log that are searched for admins."""


def active_admins(services: Services) -> list[str]:
    """List the admins who are named in the settings, and those who did something lately.

    Not every admin of the workspace: most of them have nothing to do with the bot.
    """
    lately = (entry.user for entry in AuditLog(services.database).newest(LATELY))
    people = dict.fromkeys([*services.access.named_admins(), *lately])
    return [user for user in people if user[:1] in {"U", "W"} and services.access.person(user).is_admin]


def tell_admins(services: Services, message: Callable[[Texts], Message]) -> bool:
    """Send active admins a message in their language; return whether it reached anybody."""
    return bool(tell_each(services, active_admins(services), message))


def tell_each(services: Services, admins: list[str], message: Callable[[Texts], Message]) -> list[str]:
    """Send a message to the first of these admins, each in their language; return whom it reached."""
    messages = {admin: message(words.for_locale(services.access.person(admin).locale)) for admin in admins[:MOST_ASKED]}
    return [admin for admin, each in messages.items() if services.messenger.inform(admin, each)]

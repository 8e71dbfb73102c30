"""The audit log as an admin who reads English sees it: what was done, in bold, and what came of it."""

from handlers.store.audit import AuditEntry
from handlers.texts import ENGLISH


def action(entry: AuditEntry) -> str:
    """What stands in bold."""
    return ENGLISH.say(entry.done).partition("* · ")[0].removeprefix("*")


def outcome(entry: AuditEntry) -> str:
    """What stands behind it."""
    return ENGLISH.say(entry.done).partition("* · ")[2]

"""Asking owners about their due entries: one direct message a week, however many entries, bots and restarts."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from enum import Enum, auto

from handlers import texts as words
from handlers.admins import MOST_ASKED, active_admins
from handlers.audience import closed_to
from handlers.freshness.due import Due, DueRows, assign
from handlers.freshness.rows import shown_rows
from handlers.freshness.store.reviews import ReviewRequests
from handlers.freshness.views import reviews as view
from handlers.freshness.views.reviews import MINE, SHOWN, UNOWNED, Page
from handlers.services import Services
from handlers.slack.blocks import Message
from handlers.slack.trouble import CALL_ERRORS, error_code, may_pass

log = logging.getLogger(__name__)


class Outcome(Enum):
    """What came of asking somebody."""

    DONE = auto()
    """They were asked, now or earlier this week."""
    LATER = auto()
    """Slack or the database has trouble, or the bot is quiet."""
    REFUSED = auto()
    """Slack takes no message for them."""


def ask_owners(services: Services, today: date, week: str, before_each: Callable[[], None] = lambda: None) -> bool:
    """Ask everybody who has not been asked in this week; return whether that is done.

    `week` is the day on which it began. `before_each` is called before each message: it may wait, and raises when this
    process may not go on. Entries without an owner whom Slack knows, and those of owners who take no messages, go to
    the admins. Raises SlackApiError or OSError while Slack can't say who somebody is.
    """
    assigned = assign(services, DueRows(services, today).read())
    admins, unowned = _admins(services, assigned.unowned), list(assigned.unowned)
    asked = ReviewRequests(services.database).asked(week)
    outcomes = []
    for user in sorted(assigned.of.keys() - {*admins, *asked}):
        outcomes.append(_ask(services, user, assigned.of[user], [], week, before_each))
        unowned += assigned.of[user] if outcomes[-1] is Outcome.REFUSED else []
    for admin in [each for each in admins if each not in asked]:
        theirs = _open_to(services, admin, unowned)
        if theirs or admin in assigned.of:
            outcomes.append(_ask(services, admin, assigned.of.get(admin, []), theirs, week, before_each))
    if left := _closed_to_all(services, admins, unowned):
        log.warning("%d entries are due for a check, and there is nobody to ask: set ADMIN_USERS", len(left))
    return Outcome.LATER not in outcomes


def _admins(services: Services, unowned: Sequence[Due]) -> list[str]:
    """List active admins, and those of the workspace who may see what is closed to all of these."""
    active = active_admins(services)[:MOST_ASKED]
    left = _closed_to_all(services, active, unowned) if active else []
    others = [each for each in services.access.workspace_admins() if each not in active] if left else []
    return [*active, *(each for each in others if _open_to(services, each, left))]


def _closed_to_all(services: Services, admins: Sequence[str], rows: Sequence[Due]) -> list[Due]:
    opened = {each.knowledge_base for admin in admins for each in _open_to(services, admin, rows)}
    return [each for each in rows if each.knowledge_base not in opened]


def _open_to(services: Services, admin: str, rows: Sequence[Due]) -> list[Due]:
    closed = closed_to(services, admin) if rows else frozenset()
    return [each for each in rows if each.knowledge_base not in closed]


def _ask(
    services: Services,
    user: str,
    mine: Sequence[Due],
    unowned: Sequence[Due],
    week: str,
    before_each: Callable[[], None],
) -> Outcome:
    requests = ReviewRequests(services.database)
    before_each()
    is_mine = requests.begin(user, week)
    if not is_mine:
        return Outcome.LATER if is_mine is None else Outcome.DONE
    try:
        sent = services.messenger.send(user, _message(services, user, mine, unowned), key=f"review {user} {week}")
    except CALL_ERRORS as error:
        log.warning("%s can't be asked about due entries (%s)", user, error_code(error))
        if may_pass(error):
            return Outcome.LATER
        requests.finish(user, week)
        return Outcome.REFUSED
    if sent is None:
        return Outcome.LATER
    requests.finish(user, week)
    return Outcome.DONE


def _message(services: Services, user: str, mine: Sequence[Due], unowned: Sequence[Due]) -> Message:
    texts = words.for_locale(services.access.person(user).locale)
    page = Page(MINE, shown_rows(services, mine[:SHOWN]), 0, len(mine))
    return view.asked(page, shown_rows(services, unowned[:UNOWNED], owners=True), len(unowned), texts)

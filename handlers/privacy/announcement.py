"""Tells admins, once and a week ahead, that the words of old questions are going to be removed."""

import logging

from handlers import texts as words
from handlers.entries.proposals import ASKED, active_admins
from handlers.request import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import moment

log = logging.getLogger(__name__)


def announce(services: Services, days: int, at: float) -> bool:
    """Tell admins that questions older than so many days lose their words at a time; False when nobody was reached."""
    admins = active_admins(services) or services.access.workspace_admins()
    reached = [admin for admin in admins[:ASKED] if _tell(services, admin, days, at)]
    log.info("Told %d admins that the words of old questions will be removed", len(reached))
    return bool(reached)


def _tell(services: Services, admin: str, days: int, at: float) -> bool:
    texts = words.for_locale(services.access.person(admin).locale)
    return services.inform(admin, notice(texts("retention.announced", days=days, when=moment(at))))

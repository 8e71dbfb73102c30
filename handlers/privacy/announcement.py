"""Tells admins, once and a week ahead, that the words of old questions are going to be removed."""

import logging

from handlers.admins import active_admins, tell_each
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import moment

log = logging.getLogger(__name__)


def announce(services: Services, days: int, at: float) -> bool:
    """Tell admins that questions older than so many days lose their words at a time; False when nobody was reached."""
    admins = active_admins(services) or [*services.access.workspace_admins()]
    reached = tell_each(
        services, admins, lambda texts: notice(texts("retention.announced", days=days, when=moment(at)))
    )
    log.info("Told %d admins that the words of old questions will be removed", len(reached))
    return bool(reached)

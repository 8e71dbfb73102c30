"""The message to admins, a week before the texts of old questions are removed for the first time."""

import logging

from handlers.admins import active_admins, tell_each
from handlers.services import Services
from handlers.slack.blocks import in_days, notice
from handlers.slack.mrkdwn import moment

log = logging.getLogger(__name__)


def announce(services: Services, days: int, at: float) -> bool:
    """Tell admins that texts older than `days` are removed from the time `at` on; False if nobody was reached."""
    admins = active_admins(services) or [*services.access.workspace_admins()]
    reached = tell_each(
        services, admins, lambda texts: notice(texts("retention.announced", days=in_days(days, texts), when=moment(at)))
    )
    log.info("Told %d admins that the texts of old questions will be removed", len(reached))
    return bool(reached)

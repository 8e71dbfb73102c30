"""Statistics, results of shadow mode, and the audit log, for admins."""

from handlers.admin.store.statistics import Overview, Statistics
from handlers.admin.views import reports
from handlers.admin.views.trend import trend
from handlers.audience import closed_to, without_content
from handlers.channel_rules import AutoReply
from handlers.learning.misses import Unanswered, unanswered
from handlers.learning.proof import proofs_of
from handlers.request import Request
from handlers.services import Services
from handlers.store.audit import AuditLog


def statistics(services: Services, request: Request, days: int) -> None:
    """`/kb stats [days]`: count questions, answers and votes."""
    overview = overview_of(services, days, unanswered(services, days))
    picture = services.messenger.pictures.upload(trend(overview.by_day), "kotae.png")
    unasked = [one for one in services.channels.configured() if one.auto_reply is not AutoReply.OFF]
    shown, counts = unasked[: reports.REHEARSED], Statistics(services.database)
    rehearsals = [(proofs_of(services, one), counts.rehearsal(one.id, days)) for one in shown]
    more = len(unasked) - len(shown)
    services.messenger.pictures.show(
        picture,
        f"statistics of {request.user}",
        lambda file: request.tell_privately(reports.statistics(overview, file, rehearsals, more, request.texts)),
    )


def overview_of(services: Services, days: int, found: Unanswered) -> Overview:
    """Count the last days; `found` are their open misses."""
    return Statistics(services.database, services.config.timezone).overview(days, found.misses)


def audit(services: Services, request: Request, _: str) -> None:
    """`/kb audit`: list what admins did lately."""
    closed = closed_to(services, request.user)
    done = [without_content(entry, request.user, closed) for entry in AuditLog(services.database).newest()]
    request.tell_privately(reports.audit(done, request.texts))

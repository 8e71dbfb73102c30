"""Shadow mode: admins are told what auto-reply would have answered, and judge it."""

from collections.abc import Mapping
from typing import Any

from handlers import texts as words
from handlers.answers.replies import question_of_button
from handlers.answers.views.shadow import report
from handlers.audience import closed_to, may_know
from handlers.learning.votes import vote_on
from handlers.request import Request
from handlers.result import Result
from handlers.services import Services
from handlers.slack.blocks import notice


def judged(services: Services, request: Request) -> None:
    """Store an admin's verdict on an answer that shadow mode held back; the last one counts."""
    kind = str(request.body["actions"][0]["action_id"]).removeprefix("shadow_")
    if found := question_of_button(services, request, int(request.pressed)):
        vote_on(services, found[0].id, request.user, kind)
        request.tell_privately(notice(request.texts(f"shadow.{kind}")))


def tell_admins(services: Services, request: Request, result: Result, message: Mapping[str, Any]) -> None:
    """Shadow mode: tell the admin who switched it on, or else those of the settings, what would have been answered.

    Only those who may read the channel are told.
    """
    rules = services.channels.of(request.channel)
    address = services.messenger.link_if_any(request.channel, message["ts"])
    by = (rules.set_by or {}).get("auto_reply", "")
    told = [by] if by and services.access.person(by).is_admin else services.access.named_admins()
    for admin in (user for user in told if _may_hear(services, user, request.channel, result)):
        texts = words.for_locale(services.access.person(admin).locale)
        services.messenger.inform(admin, report(result, request.channel, address, texts))


def _may_hear(services: Services, user: str, channel: str, result: Result) -> bool:
    quoted = {entry.knowledge_base for entry in result.entries}
    allowed = may_know(services, user, channel) and quoted.isdisjoint(closed_to(services, user))
    return allowed and services.access.person(user).is_admin

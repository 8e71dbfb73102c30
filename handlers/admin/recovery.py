"""After a start without a damaged database: an admin confirms the settings before anything is posted unasked."""

import logging
from functools import partial

from handlers.admin.views import recovery as view
from handlers.admins import active_admins, tell_each
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.store.audit import AuditLog
from handlers.store.errors import StoreError
from handlers.store.recovery import Recovery
from handlers.texts import Texts
from indexes.messages import Translatable, reason

log = logging.getLogger(__name__)


def ask_admins(services: Services) -> None:
    """Tell admins once what happened, and ask them to confirm; while nobody is reached, it is tried again next time."""
    with services.locks("recovery"):
        waiting = services.database.recovery.waiting
        if waiting and not waiting.told:
            admins = active_admins(services) or [*services.access.workspace_admins()]
            if tell_each(services, admins, partial(_asked, services, waiting)):
                _note_told(services)


def _note_told(services: Services) -> None:
    try:
        services.database.recovery.note_told()
    except OSError as error:
        log.warning("It is not stored that admins were told (%s); they are told again", error.strerror)


def shown(services: Services, request: Request) -> None:
    """Show the settings that wait for a confirmation."""
    if waiting := services.database.recovery.waiting:
        request.tell_privately(_asked(services, waiting, request.texts))
    else:
        request.tell_privately(notice(request.texts("recovery.already")))


def confirmed(services: Services, request: Request) -> None:
    """Let auto-reply go on with the settings shown; others are shown instead."""
    with services.locks("settings", "all"):
        waiting = services.database.recovery.waiting
        if waiting is None:
            request.update_message(notice(request.texts("recovery.already")))
            return
        if view.value(services.channels.configured()) != request.pressed:
            request.update_message(_asked(services, waiting, request.texts, changed=True))
            return
        AuditLog(services.database).record(request.user, request.channel, Translatable("audit.settings_confirmed"))
        _confirm(services)
    request.update_message(notice(request.texts("recovery.confirmed")))


def _confirm(services: Services) -> None:
    try:
        services.database.recovery.confirm()
    except OSError as error:
        failure = Translatable("database.failed.choice")
        raise StoreError("database.not_written", failure=failure, reason=reason(error)) from error


def _asked(services: Services, waiting: Recovery, texts: Texts, *, changed: bool = False) -> Message:
    return view.asked(waiting, services.channels.configured(), services.channels.shared, texts, changed=changed)

"""What owners and admins say about due entries: still right, edit, not mine; and `/kb stale`."""

from handlers.audience import closed_to
from handlers.entries.editing import open_edit
from handlers.entries.writing import NotDueError, OtherNowError, confirm_row, may_change, refuse_edited_elsewhere
from handlers.freshness.due import DueRows, due_of
from handlers.freshness.rows import shown_rows
from handlers.freshness.store.reviews import ReviewRefusals, row_key
from handlers.freshness.views import reviews as view
from handlers.freshness.views.reviews import ALL, SHOWN, Page, Pressed
from handlers.owners import is_owner
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message
from handlers.slack.mrkdwn import mrkdwn, one_line
from handlers.store.audit import AuditLog
from handlers.texts import HandlerError
from indexes.messages import Translatable
from indexes.records import Record
from indexes.records.editing import StaleFileError

EXPLANATION = 500
"""Characters of what failed after a date was written."""


class NotOwnerError(HandlerError):
    """This person is neither the row's owner nor somebody who may edit it."""


def listed(services: Services, request: Request, _: str) -> None:
    """`/kb stale`: list what is due for a check."""
    request.tell_privately(_page(services, request, ALL, 0))


def shown(services: Services, request: Request) -> None:
    """Show an admin the list from the message that told of entries without an owner."""
    request.tell_privately(_page(services, request, ALL, 0))


def turned(services: Services, request: Request) -> None:
    """Show another page; whoever is no admin any more sees their own entries."""
    listing, first = request.pressed.split(":")
    request.update_message(_page(services, request, listing, int(first)))


def still_right(services: Services, request: Request) -> None:
    """Write today's date into the row, and show what is left."""
    pressed = Pressed.read(request.pressed)
    record = services.registry.record(pressed.knowledge_base, pressed.record)
    done = _confirmed(services, request, pressed, record) if record else request.texts("answer.gone")
    request.update_message(_page(services, request, pressed.listing, pressed.first, done))


def edit(services: Services, request: Request) -> None:
    """Open the row in the form; saving it counts as checking it."""
    name, _, record_id = request.pressed.partition("\n")
    if services.registry.record(name, record_id):
        _ensure_may(services, request, name, record_id)
    open_edit(services, request, name, record_id)


def not_mine(services: Services, request: Request) -> None:
    """Leave the row to the admins: its owner is not asked about it again."""
    pressed = Pressed.read(request.pressed)
    record = services.registry.record(pressed.knowledge_base, pressed.record)
    done = request.texts("answer.gone")
    if record:
        may_see = pressed.knowledge_base not in closed_to(services, request.user)
        if not (may_see and is_owner(services, request.user, record.owner)):
            raise NotOwnerError("review.not_yours")
        ReviewRefusals(services.database).add(row_key(pressed.knowledge_base, record.id), request.user)
        told = Translatable("audit.not_mine", name=pressed.knowledge_base, id=record.id, title=record.title)
        AuditLog(services.database).record(request.user, request.channel, told)
        done = request.texts("review.handed", title=one_line(record.title, view.TITLE))
    request.update_message(_page(services, request, pressed.listing, pressed.first, done))


def _confirmed(services: Services, request: Request, pressed: Pressed, record: Record) -> str:
    """Write the date, if this person may and knows what the row says; return what is to be told."""
    _ensure_may(services, request, pressed.knowledge_base, record.id)
    title = one_line(record.title, view.TITLE)
    try:
        stored = confirm_row(
            services, request, pressed.knowledge_base, record.id, lambda now: view.digest_of(now) == pressed.digest
        )
    except OtherNowError:
        return request.texts("review.changed", title=title)
    except NotDueError:
        return request.texts("review.already", title=title)
    except StaleFileError:
        services.maintenance.reload(pressed.knowledge_base).result()
        return request.texts("review.file_changed")
    trouble = mrkdwn(request.texts.say(stored.trouble), EXPLANATION) if stored.trouble else ""
    return "\n".join(filter(None, [request.texts("review.checked", title=title), trouble]))


def _ensure_may(services: Services, request: Request, name: str, record_id: str) -> None:
    refuse_edited_elsewhere(services, request, name)
    if not may_change(services, request, name, record_id):
        raise NotOwnerError("review.not_yours")


def _page(services: Services, request: Request, listing: str, first: int, done: str = "") -> Message:
    if listing == ALL and request.person.is_admin:
        return _everything(services, request, first, done)
    rows = due_of(services, request.user, services.config.now().date())
    first = _clamped(first, len(rows))
    page = Page(view.MINE, shown_rows(services, rows[first : first + SHOWN]), first, len(rows), done=done)
    return view.mine(page, request.texts)


def _everything(services: Services, request: Request, first: int, done: str) -> Message:
    today, closed = services.config.now().date(), closed_to(services, request.user)
    rows, everywhere = DueRows(services, today, closed), DueRows(services, today)
    first = _clamped(first, len(rows))
    shown = shown_rows(services, rows.read(first, SHOWN), owners=True)
    undated = [
        (name, count)
        for name, base in services.registry.loaded.items()
        if name not in closed and base.source.review_after and (count := base.undated)
    ]
    page = Page(ALL, shown, first, len(rows), len(everywhere) - len(rows), done, undated)
    return view.stale(page, services.config.admin_command, request.texts)


def _clamped(first: int, total: int) -> int:
    """Return the first entry of the page, which may have got shorter."""
    return min(first, max(total - 1, 0) // SHOWN * SHOWN)

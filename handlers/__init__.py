"""Slack's payloads to the registry and back. This module is the routing table.

Every listener acks first and leaves the work to the bounded queue. Handlers are plain functions of the services and a
`Turn`; whatever they raise goes through one door, `desk.fail`.
"""

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slack_bolt import Ack, App, Respond

from handlers import (
    answering,
    auto_reply,
    editing,
    feedback,
    home,
    knowledge,
    learned,
    misses,
    people,
    proposals,
    search,
    settings,
    sharing,
    suggestions,
    uploads,
    versions,
)
from handlers.desk import Services, Turn, fail
from handlers.views.message import notice

log = logging.getLogger(__name__)

EARLIER = re.compile("file_shared|assistant_thread_(started|context_changed)")
"""Events of earlier manifests: an app that was made from one still gets them, again and again unless they are acked."""

Handler = Callable[[Services, Turn], None]
Listener = Callable[[Ack, dict[str, Any], Respond], None]
Check = Callable[[Services, Turn], Mapping[str, Any]]
"""What a modal answers when it is submitted: the arguments of its ack, such as errors by field; none to close it."""


def register(app: App, services: Services) -> None:
    """Say who deals with which payload; the first line that fits takes it."""

    def on(handler: Handler, *, asked: bool = True, claims: bool = False) -> Listener:
        return _listener(services, _once(handler, claims=claims), asked=asked)

    spoken: dict[str, Any] = {"type": "message", "subtype": list(auto_reply.SPOKEN)}
    for command in dict.fromkeys(["/search", services.search_command]):
        app.command(command)(on(search.slash))
    app.command(services.admin_command)(on(knowledge.command))
    app.event("app_mention", matchers=[uploads.brings_files])(on(uploads.mention))
    app.event("app_mention")(on(search.mention))
    app.event(spoken, matchers=[_is_direct, uploads.brings_files])(on(uploads.direct))
    app.event(spoken, matchers=[_is_direct])(on(search.direct))
    app.event(spoken, matchers=[uploads.brings_files])(on(uploads.posted, asked=False, claims=True))
    app.event(spoken, matchers=[_is_in_group])(on(search.in_group, asked=False, claims=True))
    app.event(spoken)(on(auto_reply.posted, asked=False, claims=True))
    app.event({"type": "message", "subtype": "message_changed"})(on(auto_reply.edited, asked=False, claims=True))
    app.event({"type": "message", "subtype": "message_deleted"})(on(auto_reply.deleted, asked=False, claims=True))
    app.event("message")(_ignored)
    app.event("app_home_opened")(on(home.opened, asked=False))
    app.event(EARLIER)(_ignored)
    app.event("member_joined_channel")(on(home.joined, asked=False))
    below: dict[str, Callable[..., None]] = {
        r"show_\d": answering.show,
        r"vote(_\w+)?": feedback.vote,
        r"this_one_\d": feedback.this_one,
    }
    for action, pressed in below.items():
        app.action(re.compile(action), matchers=[_is_at_home])(on(partial(pressed, put=home.put)))
        app.action(re.compile(action))(on(pressed))
    app.action(re.compile(r"read_\d"))(on(answering.read))
    app.view("vote_reason")(_submission(services, feedback.check_reason, feedback.reason))
    app.action("share")(on(sharing.share))
    app.action("ask_person")(on(people.ask))
    app.action("ask_resolved")(on(people.resolved))
    app.action("ask_save")(on(people.save))
    app.action("auto_right")(on(auto_reply.right))
    app.action("auto_wrong")(on(auto_reply.wrong))
    app.action("auto_show")(on(auto_reply.show_again))
    app.action(re.compile(r"suggest_\d"))(on(suggestions.asked))
    app.action("upload_choose")(on(uploads.chosen))
    app.action("upload_apply")(on(uploads.applied))
    app.action("upload_cancel")(on(uploads.cancelled))
    app.action("version_restore")(on(versions.restored))
    app.action("home_ask")(on(home.asked))
    app.action(re.compile(r"home_do_\w+"))(on(home.do))
    app.action("home_menu")(on(home.menu))
    app.action("home_settings")(on(home.settings_of))
    app.action(re.compile("shadow_(right|wrong)"))(on(auto_reply.judged))
    app.action("shadow_go_live")(on(settings.go_live))
    app.view("kb_settings")(_submission(services, settings.check, settings.saved))
    _register_editing(app, services, on)
    _register_learning(app, on)
    app.error(_log_error)


def _register_learning(app: App, on: Callable[[Handler], Listener]) -> None:
    """Route what belongs to unanswered questions and learned phrasings."""
    app.action("miss_dismiss", matchers=[_is_at_home])(on(home.dismissed))
    app.action("miss_dismiss")(on(misses.dismissed))
    app.action("miss_later", matchers=[_is_at_home])(on(home.put_off))
    app.action("miss_later")(on(misses.put_off))
    app.action(re.compile("miss_(more|back)"))(on(misses.turned))
    app.action("learn_phrasing")(on(learned.accepted))
    app.action("learned_accept")(on(learned.accepted_waiting))
    app.action("learned_undo")(on(learned.undone))
    app.action("learned_more")(on(learned.turned))


def _register_editing(app: App, services: Services, on: Callable[..., Listener]) -> None:
    """Route what belongs to adding, proposing and editing entries."""
    typing = editing.Typing()
    app.shortcut("save_to_kb")(on(editing.from_message))
    app.action("kb_add_answer")(on(editing.answer_question))
    app.action("kb_edit_record")(on(editing.edit_record))
    app.action(re.compile("kb_entry_(typed|chosen)"))(on(typing.typed, asked=False))
    app.view("kb_entry")(_submission(services, editing.check, editing.sent))
    app.action("kb_proposal_approve")(on(proposals.approve))
    app.action("kb_proposal_edit")(on(editing.edit_proposal))
    app.action("kb_proposal_decline")(on(proposals.decline))
    app.view("kb_proposal_declined")(_submission(services, proposals.accepted, proposals.declined))


def _once(handler: Handler, *, claims: bool) -> Handler:
    """Let a handler see the first delivery only; one that `claims` what it deals with sees them all.

    Claiming is a write to the database, and most messages of a workspace are none of the bot's business.
    """

    def handle(services: Services, turn: Turn) -> None:
        if turn.is_first_delivery():
            handler(services, turn)

    return handler if claims else handle


def _listener(services: Services, handler: Handler, *, asked: bool) -> Listener:
    def listener(ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        ack()
        turn = _turn(services, body, respond, asked=asked)
        if not services.queue.put(lambda: _run(handler, services, turn)):
            _refuse(turn)

    return listener


def _submission(services: Services, check: Check, handler: Handler) -> Listener:
    """A modal's ack says what is wrong with its fields, so it is checked first: quickly, and without asking Slack.

    The ack also closes the modal or changes it: without a place in the queue the modal stays as it was typed.
    """
    once = _once(handler, claims=False)

    def listener(ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        turn = _turn(services, body, respond, asked=True)
        answer = check(services, turn)
        if answer.get("response_action") != "errors" and not services.queue.put(lambda: _run(once, services, turn)):
            log.warning("The queue is full: a modal was refused")
            answer = _busy(turn)
        ack(**answer)

    return listener


def _busy(turn: Turn) -> dict[str, Any]:
    first = next(block["block_id"] for block in turn.body["view"]["blocks"] if block["type"] == "input")
    return {"response_action": "errors", "errors": {first: turn.texts_of_form("search.busy")}}


def _run(handler: Handler, services: Services, turn: Turn) -> None:
    try:
        handler(services, turn)
    except Exception as error:  # noqa: BLE001 - the one door: nothing a handler raises may end the process or a worker
        _fail(turn, error)


def _fail(turn: Turn, error: Exception) -> None:
    """Even saying sorry can fail, with Slack out of reach; then the log has to do."""
    try:
        fail(turn, error)
    except Exception:
        log.exception("The asker could not be told")


def _refuse(turn: Turn) -> None:
    log.warning("The queue is full: a question was refused")
    if turn.asked:
        turn.whisper(notice(turn.texts("search.busy")))


def _turn(services: Services, body: Mapping[str, Any], respond: Respond, *, asked: bool) -> Turn:
    """Find out who is behind a payload, and where: events, interactions and commands each say it in their own way."""
    if "event" in body:
        event = body["event"]
        user = event.get("user") or event.get("message", {}).get("user", "")
        place = event.get("channel", "")
        return Turn(services, body, None, user, place, event.get("thread_ts"), asked)
    if "user" in body:  # a button, a shortcut or a modal
        answerable = respond if body.get("response_url") else None
        place = body.get("channel", {}).get("id", "")
        # of a message that only its reader sees, Slack tells no more than where it is
        thread = body.get("message", body.get("container", {})).get("thread_ts")
        return Turn(services, body, answerable, body["user"]["id"], place, thread, asked)
    return Turn(services, body, respond, body["user_id"], body["channel_id"], None, asked)


def _is_direct(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" and not event.get("bot_id")


def _is_in_group(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "mpim"


def _is_at_home(body: Mapping[str, Any]) -> bool:
    return bool(body.get("view", {}).get("type") == "home")


def _ignored() -> None:
    """Notices such as somebody joining: nothing to answer, but Bolt acks only what has a listener."""


def _log_error(error: Exception) -> None:
    """Bolt's own trouble, before any handler ran."""
    log.error("A payload could not be handled", exc_info=error)

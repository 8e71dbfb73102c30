"""The routing table: which handler takes which payload, and who may.

Every listener acks first and leaves the work to the bounded queue. Handlers are plain functions of the services and a
`Request`; whatever they raise goes to `request.fail`.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt import Ack, App, Respond

from handlers import commands
from handlers.access import Need
from handlers.admin import settings, waiting
from handlers.answers import add_answer, answering, auto_reply, escalation, feedback, search, sharing, suggestions
from handlers.entries import editing, proposals
from handlers.files import removal, uploads, versions
from handlers.home import home
from handlers.learning import learned_aliases, misses
from handlers.request import Request, fail
from handlers.services import Services
from handlers.slack.blocks import notice

log = logging.getLogger(__name__)

EARLIER = re.compile("file_shared|assistant_thread_(started|context_changed)")
"""Events of earlier manifests: an app that was made from one still gets them, again and again unless they are acked."""

Handler = Callable[[Services, Request], None]
Check = Callable[[Services, Request], Mapping[str, Any]]
"""What a modal answers when it is submitted: the arguments of its ack, such as errors by field; none to close it."""
Needs = Need | Callable[[Request], Need]
"""Who may: the same for all payloads of a route, or read from the payload where one route serves several commands."""
Refuse = Callable[[Services, Request, str], None]
"""How somebody is told that they may not, in the words of a key."""


def _whisper(_: Services, request: Request, refusal: str) -> None:
    request.refuse(refusal)


@dataclass(frozen=True)
class Route:
    """A listener: acks, and leaves the handler to the queue, where it runs for those who may.

    `asked` is False for what nobody addressed to the bot: nobody is told then that they may not. A handler sees the
    first delivery only; one that `claims` what it deals with sees them all: claiming writes to the database, and most
    messages of a workspace are none of the bot's business.
    """

    services: Services
    handler: Handler
    needs: Needs
    asked: bool
    claims: bool
    refuse: Refuse

    def __call__(self, ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        """Take a payload from Bolt."""
        ack()
        request = _request(self.services, body, respond, asked=self.asked)
        if not self.services.queue.put(partial(_run, self, request)):
            _refuse(self.services, request)

    def need(self, request: Request) -> Need:
        """Say what this payload needs; asks nothing of Slack."""
        return self.needs if isinstance(self.needs, Need) else self.needs(request)


@dataclass(frozen=True)
class FormRoute(Route):
    """A modal's ack says what is wrong with its fields, so it is checked first: quickly, and without asking Slack.

    The ack also closes the modal or changes it: without a place in the queue the modal stays as it was typed. Who may
    is asked of Slack, so after the ack: `refuse` tells those who may not.
    """

    check: Check

    def __call__(self, ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        """Take a submission from Bolt."""
        request = _request(self.services, body, respond, asked=True)
        answer = self.check(self.services, request)
        if answer.get("response_action") != "errors" and not self.services.queue.put(partial(_run, self, request)):
            log.warning("The queue is full: a modal was refused")
            answer = _busy(request)
        ack(**answer)


On = Callable[..., Route]


def register(app: App, services: Services) -> None:
    """Say who deals with which payload, and who may; the first line that fits takes it."""

    def on(handler: Handler, *, needs: Needs, asked: bool = True, claims: bool = False) -> Route:
        return Route(services, handler, needs, asked, claims, _whisper)

    def form(check: Check, handler: Handler, *, needs: Needs, refuse: Refuse = _whisper) -> FormRoute:
        return FormRoute(services, handler, needs, asked=True, claims=False, refuse=refuse, check=check)

    def overheard(handler: Handler) -> Route:
        return on(handler, needs=Need.NOTHING, asked=False, claims=True)

    def mentions(event: Mapping[str, Any]) -> bool:
        return services.is_mentioned(event.get("text", ""))

    spoken: dict[str, Any] = {"type": "message", "subtype": list(auto_reply.SPOKEN)}
    for command in dict.fromkeys(["/search", services.config.search_command]):
        app.command(command)(on(search.slash, needs=Need.KNOWN))
    app.command(services.config.admin_command)(on(commands.command, needs=commands.need))
    app.event("app_mention", matchers=[uploads.brings_files])(on(uploads.mention, needs=Need.KNOWN))
    app.event("app_mention", matchers=[_is_by_a_person])(on(search.mention, needs=Need.KNOWN))
    app.event("app_mention")(_ignored)
    app.event(spoken, matchers=[_is_direct, uploads.brings_files])(on(uploads.direct, needs=Need.KNOWN))
    app.event(spoken, matchers=[_is_direct])(on(search.direct, needs=Need.KNOWN))
    app.event(spoken, matchers=[mentions, uploads.brings_files])(on(uploads.posted, needs=Need.KNOWN))
    app.event(spoken, matchers=[mentions, _is_in_group])(on(search.in_group, needs=Need.KNOWN))
    app.event(spoken, matchers=[_is_in_group])(_ignored)
    app.event(spoken)(overheard(auto_reply.posted))
    app.event(spoken | {"subtype": "message_changed"})(overheard(auto_reply.edited))
    app.event(spoken | {"subtype": "message_deleted"})(overheard(auto_reply.deleted))
    renamed: dict[str, Any] = {"type": "message", "subtype": ["channel_name", "group_name"]}
    app.event(renamed)(on(waiting.renamed, needs=Need.NOTHING, asked=False))
    app.event("message")(_ignored)
    app.event("app_home_opened")(on(home.opened, needs=Need.NOTHING, asked=False))
    app.event(EARLIER)(_ignored)
    app.event("member_joined_channel")(on(home.joined, needs=Need.NOTHING, asked=False))
    below: dict[str, Callable[..., None]] = {
        r"show_\d": answering.show,
        r"vote(_\w+)?": feedback.vote,
        r"this_one_\d": feedback.this_one,
    }
    for action, pressed in below.items():
        at_home = partial(pressed, put=home.put)
        app.action(re.compile(action), matchers=[_is_at_home])(on(at_home, needs=Need.KNOWN))
        app.action(re.compile(action))(on(pressed, needs=Need.KNOWN))
    app.action(re.compile(r"read_\d"))(on(answering.read, needs=Need.KNOWN))
    app.view("vote_reason")(form(feedback.check_reason, feedback.reason, needs=Need.KNOWN))
    app.action("share")(on(sharing.share, needs=Need.KNOWN))
    app.action("ask_person")(on(escalation.ask, needs=Need.KNOWN))
    app.action("ask_resolved")(on(escalation.resolved, needs=Need.KNOWN))
    app.action("ask_save")(on(escalation.save, needs=Need.MEMBER))
    app.action("auto_right")(on(auto_reply.right, needs=Need.MEMBER))
    app.action("auto_wrong")(on(auto_reply.wrong, needs=Need.MEMBER))
    app.action("auto_show")(on(auto_reply.show_again, needs=Need.MEMBER))
    app.action(re.compile(r"suggest_\d"))(on(suggestions.asked, needs=Need.KNOWN))
    app.action("home_ask")(on(home.asked, needs=Need.KNOWN))
    app.action(re.compile(r"home_do_\w+"))(on(home.do, needs=home.need_of_button))
    app.action("home_menu")(on(home.menu, needs=home.need_of_choice))
    _register_administering(app, on, form)
    _register_editing(app, on, form)
    _register_learning(app, on)
    app.error(_log_error)


def _register_administering(app: App, on: On, form: On) -> None:
    """Route what belongs to files, channels' settings and shadow mode."""
    app.action("upload_choose")(on(uploads.chosen, needs=Need.ADMIN))
    app.action("upload_apply")(on(uploads.applied, needs=Need.ADMIN))
    app.action("upload_cancel")(on(uploads.cancelled, needs=Need.ADMIN))
    app.action("version_restore")(on(versions.restored, needs=Need.ADMIN))
    app.action("home_settings")(on(home.settings_of, needs=Need.ADMIN))
    app.action(re.compile("shadow_(right|wrong)"))(on(auto_reply.judged, needs=Need.ADMIN))
    app.action("shadow_go_live")(on(settings.go_live, needs=Need.ADMIN))
    app.action("proof_overrule")(on(settings.overrule, needs=Need.ADMIN))
    app.view("kb_settings")(form(settings.check, settings.saved, needs=Need.ADMIN))
    app.action("kb_remove")(on(removal.removed, needs=Need.ADMIN))
    app.action("kb_keep")(on(removal.kept, needs=Need.ADMIN))
    app.action("kb_remove_cancel")(on(removal.cancelled, needs=Need.ADMIN))
    app.action("channel_serve")(on(waiting.served, needs=Need.ADMIN))
    app.action("channel_decline")(on(waiting.declined, needs=Need.ADMIN))


def _register_learning(app: App, on: On) -> None:
    """Route what belongs to unanswered questions and learned phrasings."""
    app.action("miss_dismiss", matchers=[_is_at_home])(on(home.dismissed, needs=Need.ADMIN))
    app.action("miss_dismiss")(on(misses.dismissed, needs=Need.ADMIN))
    app.action("miss_later", matchers=[_is_at_home])(on(home.put_off, needs=Need.ADMIN))
    app.action("miss_later")(on(misses.put_off, needs=Need.ADMIN))
    app.action(re.compile("miss_(more|back)"))(on(misses.turned, needs=Need.ADMIN))
    app.action("learn_phrasing")(on(learned_aliases.accepted, needs=Need.ADMIN))
    app.action("learned_accept")(on(learned_aliases.accepted_waiting, needs=Need.ADMIN))
    app.action("learned_undo")(on(learned_aliases.undone, needs=Need.ADMIN))
    app.action("learned_more")(on(learned_aliases.turned, needs=Need.ADMIN))


def _register_editing(app: App, on: On, form: On) -> None:
    """Route what belongs to adding, proposing and editing entries."""
    typing = editing.Typing()
    app.shortcut("save_to_kb")(on(editing.from_message, needs=Need.MEMBER))
    app.action("kb_add_answer")(on(add_answer.add_answer, needs=Need.MEMBER))
    app.action("kb_edit_record")(on(editing.edit_record, needs=Need.ADMIN))
    app.action(re.compile("kb_entry_(typed|chosen)"))(on(typing.typed, needs=Need.MEMBER, asked=False))
    app.view("kb_entry")(form(editing.check, editing.sent, needs=editing.need_of_form, refuse=editing.refused))
    app.action("kb_proposal_approve")(on(proposals.approve, needs=Need.ADMIN))
    app.action("kb_proposal_edit")(on(editing.edit_proposal, needs=Need.ADMIN))
    app.action("kb_proposal_decline")(on(proposals.decline, needs=Need.ADMIN))
    app.view("kb_proposal_declined")(form(proposals.accepted, proposals.declined, needs=Need.ADMIN))


def _busy(request: Request) -> dict[str, Any]:
    first = next(block["block_id"] for block in request.body["view"]["blocks"] if block["type"] == "input")
    return {"response_action": "errors", "errors": {first: request.texts_of_form("search.busy")}}


def _run(route: Route, request: Request) -> None:
    try:
        if not (route.claims or request.is_first_delivery()):
            return
        if refusal := request.refusal(route.need(request)):
            route.refuse(route.services, request, refusal)
        else:
            route.handler(route.services, request)
    except Exception as error:  # noqa: BLE001 - the one door: nothing a handler raises may end the process or a worker
        _fail(request, error)


def _fail(request: Request, error: Exception) -> None:
    """Even saying sorry can fail, with Slack out of reach; then the log has to do."""
    try:
        fail(request, error)
    except Exception:
        log.exception("The asker could not be told")


def _refuse(services: Services, request: Request) -> None:
    """Tell who asked that there is no room, not from the thread that acks: Slack may be slow."""
    log.warning("The queue is full: a question was refused")
    if request.asked and not services.queue.put_refusal(partial(_say_busy, request)):
        log.warning("Too many wait to be told that the queue is full: one was not told")


def _say_busy(request: Request) -> None:
    try:
        request.tell_privately(notice(request.texts("search.busy")))
    except Exception:
        log.exception("The asker could not be told that the queue is full")


def _request(services: Services, body: Mapping[str, Any], respond: Respond, *, asked: bool) -> Request:
    """Find out who is behind a payload, and where: events, interactions and commands each say it in their own way."""
    if "event" in body:
        event = body["event"]
        user = event.get("user") or event.get("message", {}).get("user", "")
        place = event.get("channel", "")
        return Request(services, body, None, user, place, event.get("thread_ts"), asked)
    if "user" in body:  # a button, a shortcut or a modal
        answerable = respond if body.get("response_url") else None
        place = body.get("channel", {}).get("id", "")
        # of a message that only its reader sees, Slack tells no more than where it is
        thread = body.get("message", body.get("container", {})).get("thread_ts")
        return Request(services, body, answerable, body["user"]["id"], place, thread, asked)
    return Request(services, body, respond, body["user_id"], body["channel_id"], None, asked)


def _is_direct(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" and not event.get("bot_id")


def _is_in_group(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "mpim"


def _is_by_a_person(event: Mapping[str, Any]) -> bool:
    return not event.get("bot_id")


def _is_at_home(body: Mapping[str, Any]) -> bool:
    return bool(body.get("view", {}).get("type") == "home")


def _ignored() -> None:
    """Notices such as somebody joining: nothing to answer, but Bolt acks only what has a listener."""


def _log_error(error: Exception) -> None:
    """Bolt's own trouble, before any handler ran."""
    log.error("A payload could not be handled", exc_info=error)

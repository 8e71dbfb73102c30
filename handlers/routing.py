"""The routing table: which handler takes which payload of Slack, and who may.

Every listener acks first and leaves the work to the bounded queue; see `route`. Handlers are plain functions of the
services and a `Request`; whatever they raise goes to `request.fail`.
"""

import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slack_bolt import App

from handlers import commands
from handlers.access import Need
from handlers.admin import recovery, settings, waiting
from handlers.answers import (
    add_answer,
    auto_reply,
    decision,
    escalation,
    feedback,
    follow_up,
    replies,
    search,
    shadow,
    sharing,
    suggestions,
)
from handlers.entries import editing, proposals, typing
from handlers.files import removal, uploads, versions
from handlers.freshness import reviewing
from handlers.home import home
from handlers.learning import learned_aliases, misses
from handlers.request import payload_key
from handlers.route import Routes
from handlers.services import Services
from handlers.synonyms import proposing
from handlers.threads import following as threads
from handlers.typeahead import asking
from handlers.typeahead.suggesting import Suggestions
from handlers.typeahead.views.form import CALLBACK as ASK_FORM
from handlers.typeahead.views.form import TYPED

log = logging.getLogger(__name__)

EARLIER = re.compile("file_shared|assistant_thread_(started|context_changed)")
"""Events of earlier manifests: an app that was made from one still gets them, again and again unless they are acked."""


def register(app: App, services: Services) -> None:
    """Register the handler of each payload, and who may; of two lines that match a payload, the first one takes it."""
    routes = Routes(services, lambda body: partial(services.inbox.finish, payload_key(body)))
    _register_commands(app, routes)
    _register_messages(app, routes)
    _register_answers(app, routes)
    _register_home(app, routes)
    _register_typeahead(app, routes)
    _register_files(app, routes)
    _register_settings(app, routes)
    _register_editing(app, routes)
    _register_learning(app, routes)
    _register_synonyms(app, routes)
    _register_freshness(app, routes)
    app.error(_log_error)


def _register_commands(app: App, routes: Routes) -> None:
    """Register the slash commands."""
    config = routes.services.config
    for command in dict.fromkeys(["/search", config.search_command]):
        app.command(command)(routes.on(search.slash, needs=Need.KNOWN))
    app.command(config.admin_command)(routes.on(commands.command, needs=commands.need))


def _register_messages(app: App, routes: Routes) -> None:
    """Register mentions and messages: those with files first, then questions, then all that auto-reply may answer."""

    def mentions(event: Mapping[str, Any]) -> bool:
        return routes.services.is_mentioned(event.get("text", ""))

    spoken: dict[str, Any] = {"type": "message", "subtype": list(decision.SPOKEN)}
    app.event("app_mention", matchers=[uploads.brings_files])(routes.on(uploads.mention, needs=Need.KNOWN))
    mentioned, told = partial(search.mention, find=threads.find), partial(search.direct, find=threads.find)
    app.event("app_mention", matchers=[_is_by_a_person])(routes.on(mentioned, needs=Need.KNOWN, claims=True))
    app.event("app_mention")(_ignored)
    app.event(spoken, matchers=[_is_direct, uploads.brings_files])(routes.on(uploads.direct, needs=Need.KNOWN))
    app.event(spoken, matchers=[_is_direct])(routes.on(told, needs=Need.KNOWN, claims=True))
    app.event(spoken, matchers=[mentions, uploads.brings_files])(routes.on(uploads.posted, needs=Need.KNOWN))
    app.event(spoken, matchers=[mentions, _is_in_group])(routes.on(search.in_group, needs=Need.KNOWN, claims=True))
    app.event(spoken, matchers=[_is_in_group])(_ignored)
    app.event(spoken, matchers=[threads.is_in_thread])(routes.overheard(threads.said))
    app.event(spoken)(routes.overheard(auto_reply.posted))
    edited = partial(follow_up.edited, find=threads.find, follow=threads.follow)
    app.event(spoken | {"subtype": "message_changed"})(routes.overheard(edited))
    app.event(spoken | {"subtype": "message_deleted"})(routes.overheard(follow_up.deleted))
    renamed: dict[str, Any] = {"type": "message", "subtype": ["channel_name", "group_name"]}
    app.event(renamed)(routes.on(waiting.renamed, needs=Need.NOTHING, asked=False))
    app.event("message")(_ignored)
    app.event(EARLIER)(_ignored)


def _register_answers(app: App, routes: Routes) -> None:
    """Register the buttons below answers, and the form that asks why one didn't help."""
    below: dict[str, Callable[..., None]] = {
        r"show_\d": replies.show,
        r"vote(_\w+)?": feedback.vote,
        r"this_one_\d": feedback.this_one,
    }
    for action, pressed in below.items():
        at_home, in_form = partial(pressed, put=home.put), partial(pressed, put=asking.put)
        app.action(re.compile(action), matchers=[_is_at_home])(routes.on(at_home, needs=Need.KNOWN))
        app.action(re.compile(action), matchers=[_is_in_form])(routes.on(in_form, needs=Need.KNOWN))
        app.action(re.compile(action))(routes.on(pressed, needs=Need.KNOWN))
    app.action(re.compile(r"read_\d"))(routes.on(replies.read, needs=Need.KNOWN))
    app.view("vote_reason")(routes.form(feedback.check_reason, feedback.reason, needs=Need.KNOWN))
    app.action("share")(routes.on(sharing.share, needs=Need.KNOWN))
    app.action("ask_person")(routes.on(escalation.ask, needs=Need.KNOWN))
    app.action("ask_resolved")(routes.on(escalation.resolved, needs=Need.KNOWN))
    app.action("ask_save")(routes.on(escalation.save, needs=Need.MEMBER))
    app.action("auto_right")(routes.on(auto_reply.right, needs=Need.MEMBER))
    app.action("auto_wrong")(routes.on(auto_reply.wrong, needs=Need.MEMBER))
    app.action("auto_show")(routes.on(auto_reply.show_again, needs=Need.MEMBER))
    app.action(re.compile(r"suggest_\d"))(routes.on(suggestions.asked, needs=Need.KNOWN))


def _register_home(app: App, routes: Routes) -> None:
    """Register the Home tab, and the introduction in a channel."""
    app.event("app_home_opened")(routes.on(home.opened, needs=Need.NOTHING, asked=False))
    app.event("member_joined_channel")(routes.on(home.joined, needs=Need.NOTHING, asked=False))
    app.action("home_ask")(routes.on(home.asked, needs=Need.KNOWN))
    app.action(re.compile(r"home_do_\w+"))(routes.on(home.do, needs=home.need_of_button))
    app.action("home_menu")(routes.on(home.menu, needs=home.need_of_choice))
    app.action("home_settings")(routes.on(home.settings_of, needs=Need.ADMIN))


def _register_typeahead(app: App, routes: Routes) -> None:
    """Register the form for asking, which completes what is typed."""
    app.shortcut("ask_kotae")(routes.on(asking.opened, needs=Need.KNOWN))
    app.action("home_typeahead")(routes.on(asking.opened, needs=Need.KNOWN))
    app.options(TYPED)(Suggestions(routes.services))
    app.action(TYPED)(routes.on(asking.chosen, needs=Need.KNOWN))
    app.view(ASK_FORM)(routes.form(asking.check, asking.sent, needs=Need.KNOWN))


def _register_files(app: App, routes: Routes) -> None:
    """Register uploads, versions and removal of knowledge bases."""
    app.action("upload_choose")(routes.on(uploads.chosen, needs=Need.ADMIN))
    app.action(re.compile("upload_column_(question|answer)"))(routes.on(uploads.column_chosen, needs=Need.ADMIN))
    app.action("upload_apply")(routes.on(uploads.applied, needs=Need.ADMIN))
    app.action("upload_cancel")(routes.on(uploads.cancelled, needs=Need.ADMIN))
    app.action("version_restore")(routes.on(versions.restored, needs=Need.ADMIN))
    app.action("kb_remove")(routes.on(removal.removed, needs=Need.ADMIN))
    app.action("kb_keep")(routes.on(removal.kept, needs=Need.ADMIN))
    app.action("kb_remove_cancel")(routes.on(removal.cancelled, needs=Need.ADMIN))


def _register_settings(app: App, routes: Routes) -> None:
    """Register channel settings and shadow mode."""
    app.action(re.compile("shadow_(right|wrong)"))(routes.on(shadow.judged, needs=Need.ADMIN))
    app.action("shadow_go_live")(routes.on(settings.go_live, needs=Need.ADMIN))
    app.action("proof_overrule")(routes.on(settings.overrule, needs=Need.ADMIN))
    app.view("kb_settings")(routes.form(settings.check, settings.saved, needs=Need.ADMIN))
    app.action("recovery_confirm")(routes.on(recovery.confirmed, needs=Need.ADMIN))
    app.action("recovery_show")(routes.on(recovery.shown, needs=Need.ADMIN))
    app.action("channel_serve")(routes.on(waiting.served, needs=Need.ADMIN))
    app.action("channel_decline")(routes.on(waiting.declined, needs=Need.ADMIN))


def _register_learning(app: App, routes: Routes) -> None:
    """Register misses and learned aliases."""
    app.action("miss_dismiss", matchers=[_is_at_home])(routes.on(home.dismissed, needs=Need.ADMIN))
    app.action("miss_dismiss")(routes.on(misses.dismissed, needs=Need.ADMIN))
    app.action("miss_later", matchers=[_is_at_home])(routes.on(home.put_off, needs=Need.ADMIN))
    app.action("miss_later")(routes.on(misses.put_off, needs=Need.ADMIN))
    app.action(re.compile("miss_(more|back)"))(routes.on(misses.turned, needs=Need.ADMIN))
    app.action("learn_phrasing")(routes.on(learned_aliases.accepted, needs=Need.ADMIN))
    app.action("learned_accept")(routes.on(learned_aliases.accepted_waiting, needs=Need.ADMIN))
    app.action("learned_undo")(routes.on(learned_aliases.undone, needs=Need.ADMIN))
    app.action("learned_more")(routes.on(learned_aliases.turned, needs=Need.ADMIN))


def _register_synonyms(app: App, routes: Routes) -> None:
    """Register what admins decide on proposed synonyms."""
    app.action("synonyms_show")(routes.on(proposing.shown, needs=Need.ADMIN))
    app.action("synonym_add")(routes.on(proposing.added, needs=Need.ADMIN))
    app.action("synonym_dismiss")(routes.on(proposing.dismissed, needs=Need.ADMIN))


def _register_freshness(app: App, routes: Routes) -> None:
    """Register what owners and admins say about entries that are due for a check."""
    app.action("review_right")(routes.on(reviewing.still_right, needs=Need.MEMBER))
    app.action("review_edit")(routes.on(reviewing.edit, needs=Need.MEMBER))
    app.action("review_not_mine")(routes.on(reviewing.not_mine, needs=Need.MEMBER))
    app.action(re.compile("review_(more|back)"))(routes.on(reviewing.turned, needs=Need.MEMBER))
    app.action("review_list")(routes.on(reviewing.shown, needs=Need.ADMIN))


def _register_editing(app: App, routes: Routes) -> None:
    """Register adding, proposing and editing entries."""
    forms = typing.Typing()
    app.shortcut("save_to_kb")(routes.on(editing.from_message, needs=Need.MEMBER))
    app.action("kb_add_answer")(routes.on(add_answer.add_answer, needs=Need.MEMBER))
    app.action("kb_edit_record")(routes.on(editing.edit_record, needs=Need.ADMIN))
    app.action(re.compile("kb_entry_(typed|chosen)"))(routes.on(forms.typed, needs=Need.MEMBER, asked=False))
    app.view("kb_entry")(routes.form(editing.check, editing.sent, needs=editing.need_of_form, refuse=editing.refused))
    app.action("kb_proposal_approve")(routes.on(proposals.approve, needs=Need.ADMIN))
    app.action("kb_proposal_edit")(routes.on(editing.edit_proposal, needs=Need.ADMIN))
    app.action("kb_proposal_decline")(routes.on(proposals.decline, needs=Need.ADMIN))
    app.view("kb_proposal_declined")(routes.form(proposals.accepted, proposals.declined, needs=Need.ADMIN))


def _is_direct(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" and not event.get("bot_id")


def _is_in_group(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "mpim"


def _is_by_a_person(event: Mapping[str, Any]) -> bool:
    return not event.get("bot_id")


def _is_at_home(body: Mapping[str, Any]) -> bool:
    return bool(body.get("view", {}).get("type") == "home")


def _is_in_form(body: Mapping[str, Any]) -> bool:
    return bool(body.get("view", {}).get("callback_id") == ASK_FORM)


def _ignored() -> None:
    """Ack events that need no answer, such as somebody joining: Bolt acks only what has a listener."""


def _log_error(error: Exception) -> None:
    """Log an error of Bolt, before any handler ran."""
    log.error("A payload could not be handled", exc_info=error)

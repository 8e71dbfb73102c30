"""The routing table says who may: every route is tried by everybody, and refuses whom it says it refuses."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.app import Bot
from bot.playground import Channel, LocalSlack, Message, View
from handlers.access import Need
from handlers.commands import ACTIONS
from handlers.entries.store.proposals import Proposal, Proposals
from handlers.route import Route
from handlers.texts import ENGLISH
from handlers.typeahead.suggesting import Suggestions
from handlers.typeahead.views.form import TYPED as ASKED
from tests.slack.conftest import settle

REFUSALS = {key: ENGLISH(key) for key in ("access.unknown", "access.members", "access.admins")}
PEOPLE = {"guest": "guest", "external": "external", "unknown": "hanako", "member": "alice", "admin": "olivia"}
NO_TABLE = b"a picture"


def expected(standing: str, need: Need) -> str:
    """The key of the refusal that somebody gets; blank where they may."""
    if need is Need.NOTHING:
        return ""
    if standing == "unknown":
        return "access.unknown"
    if need is Need.ADMIN and standing != "admin":
        return "access.admins"
    return "access.members" if need is Need.MEMBER and standing in {"guest", "external"} else ""


@dataclass(frozen=True)
class Stage:
    """One person, where they are, and the forms that they opened when they still could."""

    slack: LocalSlack
    who: str
    where: str
    said: Message
    forms: dict[str, View]


Act = Callable[[Stage], object]


@dataclass(frozen=True)
class Try:
    """How a route is tried, and what it needs; `tells` is False where nobody asked and nobody is told."""

    route: str
    need: Need
    act: Act
    tells: bool = True


def type_(line: str) -> Act:
    return lambda at: at.slack.command(at.who, at.where, line)


def group_dm(at: Stage) -> Channel:
    """A direct message of this person, another and the bot."""
    return at.slack.workspace.add_group_dm([at.slack.person(at.who), at.slack.person("ichiro")])


def press(action: str, value: str) -> Act:
    return lambda at: at.slack.press(at.who, button(at.slack, at.where, action, value), action)


def choose(action: str, value: str) -> Act:
    return lambda at: at.slack.press(at.who, menu(at.slack, at.where, action, value), action, value)


def submit(form: str, **values: Any) -> Act:
    return lambda at: at.slack.submit(at.who, at.forms[form], values)


def upload(comment: str, *, direct: bool) -> Act:
    def act(at: Stage) -> object:
        where = at.slack.person(at.who) if direct else at.where
        return at.slack.upload(at.who, where, "notes.txt", NO_TABLE, comment=comment)

    return act


def offered(at: Stage) -> object:
    """What the form for asking offers last for a word: to search for it."""
    return at.slack.suggest(at.who, at.forms["ask"], ASKED, "wifi").options[-1]


def edit(at: Stage) -> None:
    at.slack.edit(at.slack.say(at.who, at.where, "lunch?"), "dinner?")


def in_thread(at: Stage) -> None:
    at.slack.say(at.who, at.where, "and on a Mac?", thread_ts=at.slack.say(at.who, at.where, "lunch?").ts)


PRESSED = {
    "show_2": ("replies.show", Need.KNOWN, "1::2"),
    "vote_none": ("feedback.vote", Need.KNOWN, "1::none"),
    "this_one_1": ("feedback.this_one", Need.KNOWN, "1::1"),
    "read_1": ("replies.read", Need.KNOWN, "1:1"),
    "share": ("sharing.share", Need.KNOWN, "1::"),
    "ask_person": ("escalation.ask", Need.KNOWN, "1::"),
    "ask_resolved": ("escalation.resolved", Need.KNOWN, "1"),
    "ask_save": ("escalation.save", Need.MEMBER, "1"),
    "auto_right": ("auto_reply.right", Need.MEMBER, "1"),
    "auto_wrong": ("auto_reply.wrong", Need.MEMBER, "1"),
    "auto_show": ("auto_reply.show_again", Need.MEMBER, "1"),
    "suggest_1": ("suggestions.asked", Need.KNOWN, "it-help\npw"),
    "upload_apply": ("uploads.applied", Need.ADMIN, "0000000000000000:x"),
    "upload_cancel": ("uploads.cancelled", Need.ADMIN, "0000000000000000"),
    "version_restore": ("versions.restored", Need.ADMIN, "1:it-help"),
    "home_ask": ("home.asked", Need.KNOWN, "wifi"),
    "home_do_add": ("home.do", Need.MEMBER, "add"),
    "home_do_stats": ("home.do", Need.ADMIN, "stats"),
    "home_settings": ("home.settings_of", Need.ADMIN, "C1"),
    "shadow_right": ("shadow.judged", Need.ADMIN, "1"),
    "shadow_go_live": ("settings.go_live", Need.ADMIN, "C1"),
    "proof_overrule": ("settings.overrule", Need.ADMIN, "C1"),
    "miss_dismiss": ("misses.dismissed", Need.ADMIN, "1:30:0"),
    "miss_later": ("misses.put_off", Need.ADMIN, "1:30:0"),
    "miss_more": ("misses.turned", Need.ADMIN, "30:0"),
    "learn_phrasing": ("learned_aliases.accepted", Need.ADMIN, "1"),
    "learned_accept": ("learned_aliases.accepted_waiting", Need.ADMIN, "1:0"),
    "learned_undo": ("learned_aliases.undone", Need.ADMIN, "00:0"),
    "learned_more": ("learned_aliases.turned", Need.ADMIN, "0"),
    "review_right": ("reviewing.still_right", Need.MEMBER, "mine:0:0\nx\ny"),
    "review_edit": ("reviewing.edit", Need.MEMBER, "x\ny"),
    "review_not_mine": ("reviewing.not_mine", Need.MEMBER, "mine:0:0\nx\ny"),
    "review_more": ("reviewing.turned", Need.MEMBER, "mine:0"),
    "review_list": ("reviewing.shown", Need.ADMIN, "all"),
    "synonyms_show": ("proposing.shown", Need.ADMIN, "all"),
    "synonym_add": ("proposing.added", Need.ADMIN, "00"),
    "synonym_dismiss": ("proposing.dismissed", Need.ADMIN, "00"),
    "kb_remove": ("removal.removed", Need.ADMIN, "gone"),
    "kb_keep": ("removal.kept", Need.ADMIN, "gone"),
    "kb_remove_cancel": ("removal.cancelled", Need.ADMIN, "gone"),
    "recovery_confirm": ("recovery.confirmed", Need.ADMIN, "0123456789abcdef"),
    "recovery_show": ("recovery.shown", Need.ADMIN, "show"),
    "channel_serve": ("waiting.served", Need.ADMIN, "gone\nC1"),
    "channel_decline": ("waiting.declined", Need.ADMIN, "gone\nC1"),
    "kb_add_answer": ("add_answer.add_answer", Need.MEMBER, "1"),
    "kb_edit_record": ("editing.edit_record", Need.ADMIN, "it-help\npw"),
    "kb_proposal_approve": ("proposals.approve", Need.ADMIN, "99"),
    "kb_proposal_edit": ("editing.edit_proposal", Need.ADMIN, "99"),
    "kb_proposal_decline": ("proposals.decline", Need.ADMIN, "99"),
}
CHOSEN = {
    "upload_choose": ("uploads.chosen", Need.ADMIN, "it-help"),
    "upload_column_question": ("uploads.column_chosen", Need.ADMIN, "0"),
    "home_menu": ("home.menu", Need.ADMIN, "export:x"),
}
TYPED = {name: Need.MEMBER if name == "add" else Need.ADMIN for name in [*ACTIONS, "", "nonsense"]}
TRIES = [
    Try("search.slash", Need.KNOWN, type_("/search wifi")),
    *(Try("commands.command", need, type_(f"/kb {name}".strip())) for name, need in TYPED.items()),
    Try("uploads.mention", Need.KNOWN, upload("@Kotae wifi", direct=False)),
    Try("uploads.posted", Need.KNOWN, upload("hello @Kotae wifi", direct=False)),
    Try("search.mention", Need.KNOWN, lambda at: at.slack.mention(at.who, at.where, "wifi")),
    Try("search.in_group", Need.KNOWN, lambda at: at.slack.mention(at.who, group_dm(at), "wifi")),
    Try("uploads.direct", Need.KNOWN, upload("wifi", direct=True)),
    Try("search.direct", Need.KNOWN, lambda at: at.slack.dm(at.who, "wifi")),
    Try("following.said", Need.NOTHING, in_thread),
    Try("auto_reply.posted", Need.NOTHING, lambda at: at.slack.say(at.who, at.where, "wifi")),
    Try("follow_up.edited", Need.NOTHING, edit),
    Try("follow_up.deleted", Need.NOTHING, lambda at: at.slack.delete(at.slack.say(at.who, at.where, "wifi"))),
    Try("home.opened", Need.NOTHING, lambda at: at.slack.visit(at.who)),
    Try("home.joined", Need.NOTHING, lambda at: at.slack.invite(at.who, "hr-somu")),
    Try("waiting.renamed", Need.NOTHING, lambda at: at.slack.rename("random", f"random-{at.who}")),
    *(Try(route, need, press(action, value)) for action, (route, need, value) in PRESSED.items()),
    *(Try(route, need, choose(action, value)) for action, (route, need, value) in CHOSEN.items()),
    Try("editing.from_message", Need.MEMBER, lambda at: at.slack.shortcut(at.who, "save_to_kb", at.said)),
    Try("typing.Typing.typed", Need.MEMBER, lambda at: at.slack.press(at.who, at.forms["new"], "kb_entry_typed", "w"),
        tells=False),
    Try("asking.opened", Need.KNOWN, lambda at: at.slack.shortcut(at.who, "ask_kotae")),
    Try("asking.chosen", Need.KNOWN, lambda at: at.slack.press(at.who, at.forms["ask"], ASKED, offered(at))),
    Try("asking.sent", Need.KNOWN, lambda at: at.slack.submit(at.who, at.forms["ask"], {ASKED: offered(at)})),
    Try("feedback.reason", Need.KNOWN, submit("vote_reason", reason="unclear")),
    Try("settings.saved", Need.ADMIN, submit("kb_settings")),
    Try("editing.sent", Need.MEMBER, submit("new", question="Where is it?", answer="Here.")),
    Try("editing.sent", Need.ADMIN, submit("change")),
    Try("proposals.declined", Need.ADMIN, submit("kb_proposal_declined")),
]  # fmt: skip
AT_HOME = {"home.dismissed": "misses.dismissed", "home.put_off": "misses.put_off"}
"""Handlers of buttons that mean the same on the Home tab as in a message."""


def routes(bot: Bot) -> Iterator[tuple[str, Route]]:
    """Every listener but those that ignore what they take, and options: whose form was opened by who may."""
    for listener in bot.app._listeners:
        route: Any = listener.ack_function
        if getattr(route, "__name__", "") != "_ignored" and not isinstance(route, Suggestions):
            handler = route.handler.func if isinstance(route.handler, partial) else route.handler
            name = f"{handler.__module__.rpartition('.')[2]}.{handler.__qualname__}"
            yield AT_HOME.get(name, name), route


def test_every_route_says_who_may_and_is_tried(bot: Bot) -> None:
    found = dict(routes(bot))
    assert all(isinstance(route, Route) for _, route in routes(bot))
    assert found.keys() == {each.route for each in TRIES}
    said = {name: route.needs for name, route in routes(bot) if isinstance(route.needs, Need)}
    assert said == {each.route: each.need for each in TRIES if each.route in said}
    assert {name for name in found if name not in said} == {
        "commands.command", "home.do", "home.menu", "editing.sent"}  # fmt: skip


@pytest.mark.parametrize("standing", PEOPLE)
def test_whoever_tries_a_route_is_refused_as_it_says(slack: LocalSlack, bot: Bot, standing: str) -> None:
    at = stage(slack, bot, PEOPLE[standing])
    if standing == "unknown":
        slack.faults.error("users.info", "user_not_visible", times=None)  # final: not tried again
    wanted = [expected(standing, each.need) * each.tells for each in TRIES]
    met = [refused(at, each.act, tells=bool(wanted[number])) for number, each in enumerate(TRIES)]
    settle(slack, bot)
    assert [(each.route, had) for each, had in zip(TRIES, met, strict=True)] == [
        (each.route, want) for each, want in zip(TRIES, wanted, strict=True)
    ]
    assert refusals(at) == Counter(filter(None, wanted))  # one that comes as two events is refused once


def refused(at: Stage, act: Act, *, tells: bool) -> str:
    """The key of the refusal that this brings; blank for none."""
    before = refusals(at)
    act(at)
    if tells:
        at.slack.wait_until(lambda: refusals(at) != before, 5, "a refusal")
    else:
        at.slack.quiet(0.15)
    return "".join(refusals(at) - before)


def refusals(at: Stage) -> Counter[str]:
    """The refusals that this person was told so far, by key."""
    said = told(at)
    return Counter({key: times for key, words in REFUSALS.items() if (times := said.count(words))})


def told(at: Stage) -> str:
    """All that this person was told alone, in a form too."""
    direct = at.slack.bot_messages(at.slack.person(at.who))
    said = [each.shown for each in [*at.slack.ephemerals(at.who), *direct]]
    return "\n".join([*said, *(form.shown for form in at.forms.values())])


def stage(slack: LocalSlack, bot: Bot, who: str) -> Stage:
    """Bring somebody where the bot is, and give them the forms that an admin opened."""
    where = "partner-it" if who == "external" else "it-help"
    slack.invite(who, where)
    said = slack.say("olivia", where, "Here.")
    number = Proposals(bot.services.database).add(Proposal(slack.person("alice").id, "it-help", {"question": "Who?"}))
    answer = slack.reply(slack.command("olivia", where, "/search オフィスの住所を教えてください"))
    olivia = Stage(slack, "olivia", where, said, {})
    opening: dict[str, Callable[[], object]] = {
        "vote_reason": lambda: slack.press("olivia", answer, "👎 Not helpful"),
        "kb_settings": lambda: slack.command("olivia", "it-help", "/kb settings"),
        "ask": lambda: slack.shortcut("olivia", "ask_kotae"),
        "new": lambda: slack.command("olivia", "it-help", "/kb add"),
        "change": lambda: press("kb_edit_record", "it-help\npw")(olivia),
        "kb_proposal_declined": lambda: press("kb_proposal_decline", str(number))(olivia),
    }
    forms: dict[str, View] = {}
    for name, open_ in opening.items():
        open_()
        forms[name] = slack.wait_until(lambda: slack.views("olivia"), what=f"the form {name}")[-1]
        forms[name].user = slack.person(who).id if who != "olivia" else "somebody else for now"
    for form in forms.values():
        form.user = slack.person(who).id
    settle(slack, bot)
    return Stage(slack, who, where, said, forms)


def button(slack: LocalSlack, where: str, action: str, value: str) -> Message:
    """A message that the bot may have left behind, with one button."""
    words = {"type": "plain_text", "text": action}
    return left_behind(slack, where, {"type": "button", "text": words, "action_id": action, "value": value})


def menu(slack: LocalSlack, where: str, action: str, value: str) -> Message:
    words = {"type": "plain_text", "text": action}
    options = [{"text": words, "value": value}]
    control: dict[str, object] = {
        "type": "static_select",
        "action_id": action,
        "placeholder": words,
        "options": options,
    }
    return left_behind(slack, where, control)


def left_behind(slack: LocalSlack, where: str, control: dict[str, object]) -> Message:
    client = WebClient(slack.bot_token, base_url=slack.api_url)
    blocks = [{"type": "actions", "elements": [control]}]
    sent = client.chat_postMessage(channel=slack.channel(where).id, text="old", blocks=blocks)
    message = slack.workspace.message(slack.channel(where), str(sent["ts"]))
    assert message
    return message

"""Whose reply it is: the buttons of a private one are its asker's, and an id means nothing in another database."""

import json
import time
from collections.abc import Callable

import pytest
from slack_sdk import WebClient

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from bot.playground import LocalSlack, Message
from handlers.answers.store.publications import Publications
from handlers.learning.store.alias_votes import AliasVotes
from handlers.learning.store.misses import Misses
from handlers.privacy.store.retention import Retention
from handlers.store.questions import Questions
from tests.slack.conftest import Start, asked_so_far, settle

WIFI = "How do I connect to the office Wi-Fi?"
SECRET = "プリンターで印刷できません。"
FIELDS = (
    *("vote_helpful", "vote_none", "show_2", "read_1", "this_one_1", "share", "ask_person", "auto_right", "auto_wrong"),
    *("auto_show", "ask_resolved", "ask_save", "kb_add_answer", "shadow_right"),
)
"""Every button that carries the id of a question."""

REFUSALS = (
    *("somebody else", "ほかの方への回答", "full members", "正式なメンバー", "changed or removed", "変更または削除"),
    *("admins", "管理者"),
)

Forge = Callable[[str, str, str], Message]


@pytest.fixture
def bot(slack: LocalSlack, start: Start) -> Bot:
    asked = ChannelSection(ask=(slack.person("ichiro").id,))
    public = {name: KnowledgeBaseSection(public=True) for name in ("it-help", "dev-faq")}
    config = ConfigFile(channels={"it-help": asked, "dev-faq": asked}, knowledge_bases=public)
    return start(config, admin_users=slack.person("olivia").id)


@pytest.fixture
def forge(slack: LocalSlack) -> Forge:
    """``forge("hanako", "it-help", "vote_helpful 17:1")``: a reply to somebody with a button that says so."""
    client = WebClient(slack.bot_token, base_url=slack.api_url)

    def forging(who: str, where: str, button: str) -> Message:
        action, value = button.split(" ")
        element = {"type": "button", "action_id": action, "value": value, "text": {"type": "plain_text", "text": "x"}}
        blocks = [{"type": "actions", "elements": [element]}]
        client.chat_postEphemeral(channel=slack.channel(where).id, user=slack.person(who).id, text="x", blocks=blocks)
        return slack.ephemerals(who)[-1]

    return forging


def value(action: str, id_: int) -> str:
    """What the button carries."""
    plain = ("auto_", "ask_resolved", "ask_save", "kb_add_answer", "shadow_")
    if action.startswith(plain):
        return str(id_)
    return f"{id_}:1" if action == "read_1" else f"{id_}:1:{action.removeprefix('vote_')}"


def everything_seen(slack: LocalSlack, who: str) -> str:
    """All that somebody can read of what the bot has said in private or where they are."""
    forms = [json.dumps(view.content, ensure_ascii=False) for view in slack.views(who)]
    said = [each.shown for each in [*slack.ephemerals(who), *slack.bot_messages()]]
    return "\n".join([*said, *forms])


@pytest.mark.parametrize("source", ["search", "dm", "home"])
@pytest.mark.parametrize("who", ["hanako", "guest"])
def test_no_button_shows_or_changes_somebody_elses_private_question(
    slack: LocalSlack, bot: Bot, forge: Forge, who: str, source: str
) -> None:
    slack.invite(who, "it-help")
    ask_privately(slack, source)
    settle(slack, bot)
    [private] = asked_so_far(bot)
    before = [each.shown for each in slack.bot_messages("it-help")]
    for action in FIELDS:
        slack.press(who, forge(who, "it-help", f"{action} {value(action, private.id)}"), action)
        settle(slack, bot)
    seen = everything_seen(slack, who) if source != "dm" else "\n".join(each.shown for each in slack.ephemerals(who))
    assert SECRET not in seen
    assert "印刷待ちの一覧" not in seen
    assert [each.shown for each in slack.bot_messages("it-help")] == before
    database = bot.services.database
    assert (Questions(database).votes(private.id), Publications(database).of(private.id)) == ({}, {})
    assert (Misses(database).reasons([private.id]), AliasVotes(database).recent()) == ([], [])
    answers = [each.shown for each in slack.ephemerals(who)]
    assert sum(any(word in answer for word in REFUSALS) for answer in answers) == len(FIELDS)


def ask_privately(slack: LocalSlack, source: str) -> None:
    if source == "search":
        slack.reply(slack.command("alice", "it-help", f"/search {SECRET}"))
    elif source == "dm":
        slack.reply(slack.dm("alice", SECRET))
    else:
        view = slack.open_home("alice")
        assert view
        slack.press("alice", view, "home_ask", SECRET)


def test_no_button_shows_a_question_of_another_channel(slack: LocalSlack, bot: Bot, forge: Forge) -> None:
    slack.reply(slack.mention("alice", "it-help", f"{SECRET}"))
    settle(slack, bot)
    [open_one] = asked_so_far(bot)
    for action in FIELDS:
        slack.press("hanako", forge("hanako", "dev-faq", f"{action} {value(action, open_one.id)}"), action)
        settle(slack, bot)
        assert SECRET not in "\n".join(each.shown for each in slack.ephemerals("hanako")), action
        assert slack.views("hanako") == [], action
        assert slack.bot_messages("dev-faq") == [], action
        assert Questions(bot.services.database).votes(open_one.id) == {}, action


def test_the_asker_goes_on_using_theirs(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.command("alice", "it-help", f"/search {WIFI}"))
    slack.press("alice", answer, "vote", 0)
    settle(slack, bot)
    assert "Noted as helpful" in answer.shown


def test_ids_are_neither_guessed_nor_met_again(slack: LocalSlack, bot: Bot) -> None:
    for _ in range(3):
        slack.reply(slack.command("alice", "it-help", f"/search {WIFI}"))
    ids = [noted.id for noted in asked_so_far(bot)]
    assert len(set(ids)) == 3
    assert all(1 << 40 < id_ < 1 << 63 for id_ in ids)


def test_the_asker_of_what_was_removed_for_its_age_is_not_taken_for_somebody_else(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.command("alice", "it-help", f"/search {WIFI}"))
    settle(slack, bot)
    tomorrow = time.time() + 24 * 3600
    assert sum(Retention(bot.services.database).purge(tomorrow, tomorrow, lambda _: False)) >= 1
    slack.press("alice", answer, "vote", 0)
    settle(slack, bot)
    assert "This entry has been changed or removed since." in slack.ephemerals("alice")[-1].shown

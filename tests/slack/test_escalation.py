"""🙋: those who are named are called, nobody else; the question is closed by those whom it concerns."""

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message
from handlers.answers.store.publications import Publications
from handlers.learning.store.misses import Misses
from tests.slack.conftest import Start, asked_so_far, labels, settle

pytestmark = pytest.mark.usefixtures("lawful")

UNKNOWN = "Where is the fax <!channel>?"
ASK, ASK_JA = "🙋 Ask a person", "🙋 人に聞く"


@pytest.fixture
def manned(start: Start, helpers: list[str]) -> Bot:
    """A bot whose #dev-faq names whom to ask."""
    everywhere = {"auto_reply": "on", "threshold": 0.3, "ask": helpers}
    return start(ConfigFile.model_validate({"channels": {"dev-faq": everywhere, "it-help": everywhere}}))


def ask(slack: LocalSlack, who: str, question: str = UNKNOWN, where: str = "dev-faq") -> Message:
    return slack.reply(slack.command(who, where, f"/search {question}"))


def called(slack: LocalSlack, bot: Bot, who: str, answer: Message, button: str = ASK) -> Message:
    """Press 🙋 and return the bot's call."""
    before = slack.bot_messages()
    slack.press(who, answer, button)
    settle(slack, bot)
    [call] = [each for each in slack.bot_messages() if each not in before]
    return call


def test_a_private_question_goes_to_the_channel_and_calls_those_named(
    slack: LocalSlack, manned: Bot, helpers: list[str]
) -> None:
    answer = ask(slack, "hanako")
    [button] = [each for block in answer.blocks for each in block.get("elements", []) if each.get("confirm")]
    assert button["confirm"]["title"]["text"] == "人に聞きますか？"
    call = called(slack, manned, "hanako", answer, ASK_JA)
    assert (call.channel, call.thread_ts) == (slack.channel("dev-faq").id, None)
    assert call.live_mentions == [f"<@{helpers[0]}>", f"<!subteam^{helpers[1]}>"]
    lines = call.shown.splitlines()
    assert (
        lines[0]
        == f"🙋 <@{helpers[0]}> <!subteam^{helpers[1]}>: 佐藤 花子 needs an answer. Please reply in this thread."
    )
    assert lines[1] == "> Where is the fax &lt;!channel&gt;?"
    assert lines[2].startswith("Closest entries: ")
    assert labels(call) == ["✅ Resolved"]
    assert "🙋 担当の方に聞きました。<https://" in answer.shown
    assert ASK_JA not in labels(answer)


def test_a_public_question_goes_into_its_thread_once(slack: LocalSlack, manned: Bot) -> None:
    question = slack.mention("alice", "dev-faq", UNKNOWN)
    answer = slack.reply(question)
    blocks = answer.blocks
    call = called(slack, manned, "alice", answer)
    assert call.thread_ts == question.ts
    answer.blocks = blocks
    slack.press("hanako", answer, ASK)
    settle(slack, manned)
    assert slack.bot_messages("dev-faq") == [answer, call]


def test_after_an_automatic_answer_that_was_not_it(slack: LocalSlack, manned: Bot) -> None:
    question = slack.say("alice", "dev-faq", "What does ERR-4012 mean?")
    answer = slack.reply(question)
    assert ASK not in labels(answer)
    slack.press("alice", answer, "auto_wrong")
    slack.wait_until(lambda: ASK in labels(answer))
    call = called(slack, manned, "alice", answer)
    assert call.thread_ts == question.ts
    assert "Folded away" in answer.shown
    assert "🙋 I have asked." in answer.shown


def test_from_the_form_after_a_bad_vote(slack: LocalSlack, manned: Bot) -> None:
    answer = ask(slack, "alice", "What does ERR-4012 mean?")
    slack.press("alice", answer, "vote", 1)
    form = slack.wait_until(lambda: slack.views("alice"))[-1]
    slack.submit("alice", form, {"reason": "unclear", "ask": ["ask"]})
    settle(slack, manned)
    [call] = slack.bot_messages()
    assert "> What does ERR-4012 mean?" in call.shown
    assert "🙋 I have asked." in answer.shown
    assert "👎" in answer.shown


@pytest.mark.usefixtures("guests")
def test_where_guests_read_it_nothing_internal_is_named(slack: LocalSlack, manned: Bot) -> None:
    call = called(slack, manned, "alice", ask(slack, "alice", "lunch anyone?", "it-help"))
    assert "Closest entries" not in call.shown
    assert "> lunch anyone?" in call.shown


@pytest.mark.usefixtures("bot")
def test_without_anybody_named_there_is_no_button(slack: LocalSlack) -> None:
    assert ASK not in labels(ask(slack, "alice"))


def test_nor_in_direct_messages(slack: LocalSlack, start: Start, helpers: list[str]) -> None:
    start(ConfigFile.model_validate({"ask": helpers}))
    assert ASK not in labels(slack.reply(slack.dm("alice", UNKNOWN)))
    assert ASK in labels(ask(slack, "alice"))


def test_who_asked_who_was_asked_and_admins_close_it(slack: LocalSlack, manned: Bot) -> None:
    for who in ("hanako", "ichiro", "alice", "olivia"):
        call = called(slack, manned, "hanako", ask(slack, "hanako"), ASK_JA)
        slack.press(who, call, "✅ Resolved")
        settle(slack, manned)
        assert call.shown.startswith(f"✅ Resolved by {slack.person(who).real_name}\n> Where is the fax")
        assert call.live_mentions == [], who
        asked = asked_so_far(manned)[-1].id
        assert Publications(manned.services.database).of(asked)["ask"].closed_by == slack.person(who).id


def test_the_answer_of_who_was_asked_is_offered_for_the_knowledge_base(slack: LocalSlack, manned: Bot) -> None:
    call = called(slack, manned, "hanako", ask(slack, "hanako"), ASK_JA)
    slack.say("hanako", "dev-faq", "Anyone?", thread_ts=call.ts)
    slack.say("alice", "dev-faq", "On floor 8 &amp; next to the *printer*.", thread_ts=call.ts, raw=True)
    slack.press("hanako", call, "ask_resolved")
    slack.wait_until(lambda: "ask_save" in str(call.blocks))
    slack.press("ichiro", call, "💾 Save the answer")
    form = slack.wait_until(lambda: slack.views("ichiro"))[-1]
    typed = str(form.state)
    assert "Where is the fax <!channel>?" in typed
    assert "On floor 8 & next to the *printer*." in typed
    slack.submit("ichiro", form, {})
    settle(slack, manned)
    assert "On floor 8" in ask(slack, "hanako").shown
    assert Misses(manned.services.database).open(0, 9) == []


def test_the_last_reply_of_a_long_thread_is_offered(slack: LocalSlack, manned: Bot) -> None:
    call = called(slack, manned, "hanako", ask(slack, "hanako"), ASK_JA)
    for number in range(230):
        slack.say("alice" if number % 2 else "hanako", "dev-faq", f"Not in room {number}.", thread_ts=call.ts)
    slack.say("alice", "dev-faq", "It is on floor 8.", thread_ts=call.ts)
    slack.press("hanako", call, "ask_resolved")
    slack.wait_until(lambda: "ask_save" in str(call.blocks))
    slack.press("hanako", call, "ask_save")
    form = slack.wait_until(lambda: slack.views("hanako"))[-1]
    assert "It is on floor 8." in str(form.state)


def test_a_last_word_of_somebody_else_is_not_offered(slack: LocalSlack, manned: Bot) -> None:
    call = called(slack, manned, "hanako", ask(slack, "hanako"), ASK_JA)
    slack.say("hanako", "dev-faq", "Found it myself.", thread_ts=call.ts)
    slack.press("hanako", call, "ask_resolved")
    slack.wait_until(lambda: "ask_save" in str(call.blocks))
    slack.press("hanako", call, "ask_save")
    form = slack.wait_until(lambda: slack.views("hanako"))[-1]
    assert "Found it" not in str(form.state)


def test_nobody_else_does(slack: LocalSlack, manned: Bot) -> None:
    slack.invite("guest", "dev-faq")
    call = called(slack, manned, "alice", ask(slack, "alice"))
    before = call.shown
    for who, told in (("hanako", "質問した方"), ("guest", "Only whoever asked")):
        assert told in slack.reply(slack.press(who, call, "ask_resolved")).shown
    assert call.shown == before


def test_the_first_one_to_close_it_is_named(slack: LocalSlack, manned: Bot) -> None:
    call = called(slack, manned, "alice", ask(slack, "alice"))
    blocks = call.blocks
    slack.press("ichiro", call, "ask_resolved")
    settle(slack, manned)
    call.blocks = blocks
    slack.press("alice", call, "ask_resolved")
    settle(slack, manned)
    assert "Resolved by 鈴木 一郎" in call.shown

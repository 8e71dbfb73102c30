"""Auto-reply is proved before it is live: until members' ratings show that it is right, only admins see the replies."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message
from handlers.channel_rules import Unproved
from handlers.learning.proof import proof_of, stamp_of
from handlers.learning.store.judged_replies import JudgedReplies
from handlers.store.audit import AuditLog
from handlers.store.questions import AskedQuestion, Questions
from handlers.texts import ENGLISH
from indexes.confidence.proof import Proof
from tests.slack.conftest import Start, asked_so_far, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")

WIFI = "Choose the network Sample-Office and sign in with your work account."
ASK_WIFI = "How do I connect to the office Wi-Fi?"
HOW = (
    "",
    "Hi! ",
    "Please: ",
    "Hello. ",
    "Hey, ",
    "So: ",
    "And: ",
    "Well, ",
    "Oh, ",
    "Thanks! ",
    "Ah: ",
    "Er, ",
    "Hm: ",
)
WAYS = tuple(f"{how}{ASK_WIFI}" for how in (*HOW, "OK, ", "Yes: ", "Um, "))


def promising(promise: float = 0.8, mode: str = "on", threshold: float = 0.5) -> ConfigFile:
    """Far from the default threshold: what is shown here is not how well confidence is calibrated."""
    section = {"auto_reply": mode, "threshold": threshold}
    return ConfigFile.model_validate({"promise": promise, "channels": {"it-help": section}})


@pytest.fixture
def bot(slack: LocalSlack, start: Start) -> Bot:
    """A bot that may answer in #it-help without being asked once it is proved, and reports to Olivia."""
    return start(promising(), admin_users=slack.person("olivia").id)


def told(slack: LocalSlack, who: str = "olivia") -> list[Message]:
    """The bot's direct messages to somebody."""
    return slack.bot_messages(slack.person(who))


def reported(slack: LocalSlack, bot: Bot, text: str) -> Message:
    """What an admin is told that would have been the answer to a message."""
    before = len(told(slack))
    asked = slack.say("hanako", "it-help", text)
    settle(slack, bot)
    assert slack.replies(asked) == []
    [report] = told(slack)[before:]
    return report


def judge(slack: LocalSlack, bot: Bot, right: int) -> None:
    """Press ✅ on so many reports of shadow mode, one after the other."""
    for text in WAYS[:right]:
        slack.press("olivia", reported(slack, bot, text), "shadow_right")
        settle(slack, bot)


def judged_before(bot: Bot, slack: LocalSlack, number: int, *, wrong: int = 0) -> None:
    """Store replies as they were given and judged, each by a member: first so many right ones, then wrong ones."""
    [first, *_] = asked_so_far(bot)
    store = Questions(bot.services.database)
    for place in range(number + wrong):
        values = {**vars(first), "text": f"{ASK_WIFI} {place}"}
        id_ = store.add(AskedQuestion(**values))
        assert id_ is not None
        store.vote(id_, slack.person("alice").id, "right" if place < number else "wrong", member=True)


def proof(slack: LocalSlack, bot: Bot, name: str = "it-help") -> Proof:
    return proof_of(bot.services, bot.services.channels.of(slack.channel("it-help").id), name)


def test_it_runs_in_shadow_until_it_is_proved_then_goes_live_by_itself(slack: LocalSlack, bot: Bot) -> None:
    judge(slack, bot, 13)
    status = slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    assert "*it-help*: not proved, 13 of 13 right · 1 more right needed" in status
    last = reported(slack, bot, WAYS[13])
    slack.press("olivia", last, "shadow_right")
    settle(slack, bot)
    [news] = [each for each in told(slack) if "is proved" in each.shown]
    assert "*it-help*: proved on 14 of 14, at least 80% right" in news.shown
    answer = slack.reply(slack.say("hanako", "it-help", WAYS[14]))
    assert WIFI in answer.shown
    slack.press("alice", answer, "auto_right")
    settle(slack, bot)
    assert len([each for each in told(slack) if "is proved" in each.shown]) == 1


def test_below_the_promise_it_falls_back_into_shadow_by_itself(slack: LocalSlack, bot: Bot) -> None:
    reported(slack, bot, ASK_WIFI)
    judged_before(bot, slack, 13)
    slack.press("olivia", reported(slack, bot, WAYS[1]), "shadow_right")
    settle(slack, bot)
    answer = slack.reply(slack.say("hanako", "it-help", WAYS[2]))
    slack.press("alice", answer, "auto_wrong")
    settle(slack, bot)
    [news] = [each for each in told(slack) if "no longer proved" in each.shown]
    assert "14 of 15 right · 16 more" in news.shown
    reported(slack, bot, WAYS[3])
    assert proof(slack, bot) == Proof(14, 1)


def test_a_reply_of_what_is_no_longer_proved_goes_when_its_question_is_edited(slack: LocalSlack, bot: Bot) -> None:
    reported(slack, bot, ASK_WIFI)
    judged_before(bot, slack, 14)
    asked = slack.say("hanako", "it-help", WAYS[2])
    answer = slack.reply(asked)
    judged_before(bot, slack, 0, wrong=3)
    slack.edit(asked, WAYS[3])
    slack.wait_until(lambda: answer.deleted, what="the withdrawal")
    settle(slack, bot)
    assert WAYS[3] in told(slack)[-1].shown


def test_a_reply_of_before_shadow_mode_follows_its_question_and_members_rate_it(
    slack: LocalSlack, start: Start
) -> None:
    bot = start(promising(promise=0.0), admin_users=slack.person("olivia").id)
    asked = slack.say("hanako", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply shadow"))
    slack.edit(asked, "How do I set up two-factor authentication?")
    slack.wait_until(lambda: "authenticator app" in answer.shown, what="the other answer")
    slack.press("alice", answer, "auto_right")
    slack.wait_until(lambda: "This answered it: 1" in answer.shown, what="the count")
    settle(slack, bot)


@pytest.mark.sqlite("its file is lost; a server: test_lost_server")
def test_without_the_database_what_was_proved_stays_live(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    reported(slack, bot, ASK_WIFI)
    judged_before(bot, slack, 14)
    assert WIFI in slack.reply(slack.say("hanako", "it-help", WAYS[1])).shown
    (knowledge.parent / "data" / "state.db").rename(knowledge.parent / "gone.db")
    assert WIFI in slack.reply(slack.say("hanako", "it-help", WAYS[2])).shown


def test_an_admin_overrules_it_and_that_is_written_down(slack: LocalSlack, bot: Bot) -> None:
    said = slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on"))
    assert "in shadow mode at first" in said.shown
    assert "0 of 0 right · 14 more" in said.shown
    reported(slack, bot, ASK_WIFI)
    slack.press("olivia", said, "proof_overrule")
    settle(slack, bot)
    assert WIFI in slack.reply(slack.say("hanako", "it-help", WAYS[1])).shown
    [entry] = [each for each in AuditLog(bot.services.database).newest() if each.done.key == "audit.overruled"]
    assert (entry.user, entry.channel) == (slack.person("olivia").id, slack.channel("it-help").id)
    assert ENGLISH.say(entry.done) == "*auto-reply* · without a proof: it-help 0/0, _shared 0/0"
    rules = bot.services.channels.of(entry.channel)
    assert (rules.unproved, (rules.set_by or {})["unproved"]) == (Unproved.OVERRULED, entry.user)
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply off"))
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on"))  # decided anew
    reported(slack, bot, WAYS[2])


def test_it_can_not_be_overruled_where_it_is_not_on(slack: LocalSlack, bot: Bot) -> None:
    said = slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on"))
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply off"))
    assert "is not on" in slack.reply(slack.press("olivia", said, "proof_overrule")).shown
    rules = bot.services.channels.of(slack.channel("it-help").id)
    assert rules.unproved is Unproved.NOT_ALLOWED


def test_going_live_after_shadow_mode_needs_the_proof_too(slack: LocalSlack, start: Start) -> None:
    bot = start(promising(mode="shadow"), admin_users=slack.person("olivia").id)
    reported(slack, bot, ASK_WIFI)
    numbers = slack.reply(slack.command("olivia", "it-help", "/kb stats"))
    assert "0 of 0 right · 14 more" in numbers.shown
    live = slack.reply(slack.press("olivia", numbers, "shadow_go_live"))
    assert "From now on" not in live.shown
    assert "in shadow mode at first" in live.shown
    reported(slack, bot, WAYS[1])


@pytest.mark.usefixtures("guests")
def test_what_guests_press_proves_nothing(slack: LocalSlack, start: Start) -> None:
    config = {"promise": 0.8, "threshold": 0.5, "knowledge_bases": {"it-help": {"public": True}}}
    bot = start(ConfigFile.model_validate(config), admin_users=slack.person("olivia").id)
    for who, rated in (("guest", 0), ("hanako", 1)):
        slack.press(who, slack.reply(slack.command(who, "it-help", f"/search {ASK_WIFI}")), "vote", 0)
        settle(slack, bot)
        assert proof(slack, bot) == Proof(rated, 0)


def test_ratings_of_answers_that_were_asked_for_count_too_and_most_members_decide(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("hanako", "it-help", ASK_WIFI))
    for who, button, found in (("hanako", 0, (1, 0)), ("alice", 1, (0, 1)), ("ichiro", 0, (1, 0))):
        slack.press(who, answer, "vote", button)
        settle(slack, bot)
        assert proof(slack, bot) == Proof(*found)


def test_the_same_person_on_the_same_words_counts_once(slack: LocalSlack, bot: Bot) -> None:
    for _ in range(3):
        slack.press("olivia", reported(slack, bot, ASK_WIFI), "shadow_right")
        settle(slack, bot)
    assert proof(slack, bot) == Proof(1, 0)
    slack.press("olivia", reported(slack, bot, ASK_WIFI), "shadow_wrong")
    settle(slack, bot)
    assert proof(slack, bot) == Proof(0, 1)


def test_a_reply_that_would_not_be_given_today_counts_no_more(slack: LocalSlack, bot: Bot, knowledge: Path) -> None:
    slack.press("olivia", reported(slack, bot, ASK_WIFI), "shadow_right")
    settle(slack, bot)
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.9999"))
    assert proof(slack, bot) == Proof(0, 0)
    slack.reply(slack.command("olivia", "it-help", "/kb threshold 0.5"))
    assert proof(slack, bot) == Proof(1, 0)
    file = knowledge / "it-help.csv"
    file.write_text(file.read_text("utf-8").replace(WIFI, "Ask the front desk."), encoding="utf-8")
    slack.command("olivia", "it-help", "/kb reload it-help")
    slack.wait_until(lambda: "changed" in slack.ephemerals("olivia", "it-help")[-1].shown, what="the report")
    assert proof(slack, bot) == Proof(0, 0)


def test_with_another_encoder_it_is_searched_once_more(slack: LocalSlack, start: Start) -> None:
    olivia = slack.person("olivia").id
    bot = start(promising(), admin_users=olivia)
    slack.press("olivia", reported(slack, bot, ASK_WIFI), "shadow_right")
    slack.press("olivia", reported(slack, bot, "Wi-Fi office connect how?"), "shadow_right")
    settle(slack, bot)
    stop(slack, bot)
    bot = start(promising(), admin_users=olivia, encoder_backend="sentence-transformers", model_name="hashing")
    slack.wait_until(lambda: all(one.index.dense for one in bot.services.registry.loaded.values()), what="the model")
    replies = JudgedReplies(bot.services.database).of("it-help")
    sure = {each.question: bot.services.registry.search(each.text, ["it-help"]).confidence for each in replies}
    rules = bot.services.channels.of(slack.channel("it-help").id)
    expected = sum(confidence >= rules.threshold for confidence in sure.values())
    assert proof(slack, bot) == Proof(expected, 0)
    record = bot.services.registry.record("it-help", "wifi")
    assert record is not None
    today = stamp_of(bot.services.registry, "it-help", record)
    assert today not in {each.stamp for each in replies}
    kept = JudgedReplies(bot.services.database).confidences((each.question, today) for each in replies)
    assert {question for question, _ in kept} == set(sure)  # so that they are searched once, not at each look


def test_the_form_shows_the_proof_and_takes_another_promise(slack: LocalSlack, bot: Bot) -> None:
    reported(slack, bot, ASK_WIFI)
    judged_before(bot, slack, 4)
    opened = slack.command("olivia", "it-help", "/kb settings")
    [form] = slack.wait_until(lambda: opened.views, what="the form")
    assert form.state["promise"]["promise"]["value"] == "80"
    assert "not proved, 4 of 4 right · 10 more" in str(form.blocks)
    slack.submit("olivia", form, {"promise": "50"})
    settle(slack, bot)
    assert bot.services.channels.of(slack.channel("it-help").id).promise == 0.5
    assert "Auto-reply On, from 50% sure, proved right from 50%" in slack.ephemerals("olivia", "it-help")[-1].shown
    [entry] = AuditLog(bot.services.database).newest()
    assert ENGLISH.say(entry.done) == "*replies to be proved right* · 0.5"
    assert "1 more" in slack.reply(slack.command("olivia", "it-help", "/kb stats")).shown


def test_the_home_tab_shows_it(slack: LocalSlack, bot: Bot) -> None:
    reported(slack, bot, ASK_WIFI)
    judged_before(bot, slack, 41)
    home = slack.open_home("olivia")
    assert home
    assert "*it-help*: proved on 41 of 41, at least 92% right" in str(home.blocks)


def test_what_was_kept_on_and_is_proved_then_needs_the_proof_from_then_on(
    slack: LocalSlack, start: Start, knowledge: Path
) -> None:
    (knowledge / "_shared.csv").unlink()
    bot = start(promising(), admin_users=slack.person("olivia").id)
    reported(slack, bot, ASK_WIFI)
    place = slack.channel("it-help").id
    bot.services.channels.allow_unproved(place, Unproved.KEPT, "")
    assert WIFI in slack.reply(slack.say("hanako", "it-help", WAYS[1])).shown
    judged_before(bot, slack, 14)
    bot.housekeeping.tidy()
    assert bot.services.channels.of(place).unproved is Unproved.NOT_ALLOWED
    judged_before(bot, slack, 0, wrong=3)
    bot.housekeeping.tidy()
    assert "no longer proved" in told(slack)[-1].shown
    reported(slack, bot, WAYS[2])

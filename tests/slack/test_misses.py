"""Questions that nobody could answer: what admins see of them, what they decide, and what closes by itself."""

import re
import time

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.channel_rules import AutoReply
from handlers.learning import misses
from handlers.learning.store.misses import Misses
from handlers.store.audit import AuditLog
from handlers.store.questions import AskedQuestion, Origin, Questions
from tests.audit import action, outcome
from tests.slack.conftest import IT_HELP, Put, Start, approve, asked_so_far, settle

SNOW = "How do I order a snow shovel?"
CANTEEN = "What is for lunch in the canteen?"
PRIVATELY = " · in private\n"


def ask(slack: LocalSlack, who: str, question: str, where: str = "it-help") -> None:
    slack.reply(slack.command(who, where, f"/search {question}"))


def kb(slack: LocalSlack, who: str = "olivia", line: str = "misses", where: str = "it-help") -> Message:
    return slack.reply(slack.command(who, where, f"/kb {line}"), 20)


def pressed(slack: LocalSlack, bot: Bot, message: Message, action: str, who: str = "olivia") -> str:
    """What the message becomes by a press."""
    slack.press(who, message, action)
    settle(slack, bot)
    return message.shown


def listed(bot: Bot, days: int = 30) -> list[tuple[str, int]]:
    return [(group[0].text, len(group)) for group in misses.groups(bot.services, time.time() - days * 24 * 3600)]


@pytest.mark.usefixtures("bot")
def test_what_was_asked_most_comes_first(slack: LocalSlack) -> None:
    ask(slack, "alice", CANTEEN)
    for who in ("alice", "hanako", "alice"):
        ask(slack, who, SNOW)
    ask(slack, "hanako", "パスワードを忘れました。どうすれば再設定できますか？")
    shown = kb(slack).shown
    assert "*Unanswered questions* of the last 30 days: 4 (2 different)" in shown
    assert shown.index(SNOW) < shown.index(CANTEEN)
    channel, alice = slack.channel("it-help").id, slack.person("alice").id
    assert "asked 3 times by 2 people" in shown
    assert f"last by <@{alice}>" in shown
    assert f"<#{channel}>" in shown
    assert "asked once" in shown
    assert "パスワード" not in shown.replace("Closest: パスワード", "")
    japanese = kb(slack, "ichiro").shown
    assert "*答えられなかった質問*（この30日間）: 4件（2種類）" in japanese
    assert "3回（2人）" in japanese


def test_the_closest_record_is_named(slack: LocalSlack, bot: Bot) -> None:
    ask(slack, "alice", "Wi-Fi coverage garden terrace weekend visitors")
    noted = asked_so_far(bot)[0]
    assert not noted.answered
    percent = f"{noted.confidence * 100:.0f}"
    assert f"Closest: How do I connect to the office Wi-Fi? (it-help, {percent}%)" in kb(slack).shown


@pytest.mark.parametrize(("line", "says"), [("misses 0", "up to 365"), ("misses x", "up to 365")])
@pytest.mark.usefixtures("bot", "lawful")
def test_days_must_be_days(slack: LocalSlack, line: str, says: str) -> None:
    assert says in kb(slack, line=line).shown


@pytest.mark.usefixtures("lawful")
def test_nothing_is_said_kindly(slack: LocalSlack, bot: Bot) -> None:
    assert kb(slack).shown == "Nothing is unanswered from the last 30 days."
    Questions(bot.services.database).add(AskedQuestion(Origin.SEARCH, "C1", "U1", SNOW, (), 0.0, 0.9, answered=False))
    assert misses.digest(bot.services, 7, slack.channel("dev-faq").id) is not None


@pytest.mark.usefixtures("bot", "lawful")
def test_members_see_nothing_of_it(slack: LocalSlack) -> None:
    ask(slack, "hanako", SNOW)
    assert kb(slack, "alice").shown == "Only workspace admins can do that."


def test_what_was_asked_in_a_private_channel_is_told_to_its_members(slack: LocalSlack, start: Start) -> None:
    start(admin_users=(slack.person("alice").id,))
    slack.invite_bot("keiri")
    ask(slack, "ichiro", SNOW, "keiri")  # a private channel of ichiro and olivia
    keiri = f"<#{slack.channel('keiri').id}>"
    insider, outsider = kb(slack, "olivia").shown, kb(slack, "alice").shown
    assert keiri in insider
    assert PRIVATELY not in insider
    assert SNOW not in outsider
    assert keiri not in outsider
    assert "days: 1 (1 different)" in outsider
    assert "asked in private channels that you are not in: 1." in outsider
    slack.reply(slack.dm("hanako", SNOW))
    assert PRIVATELY in kb(slack, "olivia").shown


def test_chatter_in_an_auto_reply_channel_is_no_miss(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON)}))
    for text in (
        "昼ごはんに行ってきます",
        "おはようございます！",
        "今日のランチどうします？",
        SNOW,
        "Wi-Fi が遅いのはなぜですか。",
        "What is the Wi-Fi password?",
        "Wi-Fi works again",
    ):
        slack.say("alice", "it-help", text)
        settle(slack, bot)
    assert [text for text, _ in listed(bot)] == ["What is the Wi-Fi password?", "Wi-Fi が遅いのはなぜですか。"]


def test_it_is_one_number_everywhere_of_what_got_no_likely_answer(slack: LocalSlack, start: Start) -> None:
    bot, likely = (
        start(ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON)})),
        "パスワードを変更したい",
    )
    for text in ("今日のランチどうします？", "What is the Wi-Fi password?"):
        slack.say("alice", "it-help", text)
    ask(slack, "alice", likely)
    ask(slack, "alice", SNOW)
    slack.reply(slack.mention("hanako", "it-help", SNOW))
    slack.reply(slack.dm("alice", CANTEEN))
    settle(slack, bot)
    [shown] = [each for each in asked_so_far(bot) if each.text == likely]
    assert (0.5 < shown.confidence < 0.9, shown.answered) == (True, False)
    view, digest = slack.open_home("olivia"), misses.digest(bot.services, 7, slack.channel("dev-faq").id)
    assert view
    assert digest
    told = {"misses": kb(slack).shown, "home": view.shown, "digest": str(digest.arguments())}
    assert [where for where, text in told.items() if not re.search(r"Unanswered.* days: 4 \(3 different\)", text)] == []
    counted = {"stats": kb(slack, line="stats").shown, "home": view.shown}
    assert [where for where, text in counted.items() if "1 answered · 4 unanswered" not in text] == []


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("VPNにつながりますか", True),
        ("VPNの設定を教えてください。", True),
        ("how do I get a badge", True),
        ("Is it me, or is the VPN down?", True),
        ("プリンターが動かなくて困っています", True),
        ("会議室を予約したいです", True),
        ("対応しました。ありがとうございます！", False),
        ("The VPN is back", False),
        ("whatever", False),
        ("なるほど。", False),
        ("長い話。" * 300 + "ですか？", False),
    ],
)
def test_what_looks_like_a_question(text: str, *, asks: bool) -> None:
    assert misses.looks_like_a_question(text) is asks


def test_a_wrong_answer_is_a_miss_until_its_reporter_finds_another(slack: LocalSlack, bot: Bot) -> None:
    sure = "How do I connect to the office Wi-Fi?"
    answer = slack.reply(slack.command("alice", "it-help", f"/search {sure}"))
    assert listed(bot) == []
    Misses(bot.services.database).report(
        asked_so_far(bot)[0].id, slack.person("alice").id, "outdated: that network is gone"
    )
    shown = kb(slack).shown  # confident as ever, but in the answer that was reported
    assert ":thumbsdown: found unhelpful" in shown
    assert "Said about the answer: It is out of date: that network is gone" in shown
    approve(slack, "alice", answer)
    settle(slack, bot)
    assert listed(bot) == []


def test_not_a_question_is_gone_and_so_is_the_same_asked_again(slack: LocalSlack, bot: Bot) -> None:
    ask(slack, "alice", SNOW)
    ask(slack, "alice", CANTEEN)
    message = kb(slack)
    newest = pressed(slack, bot, message, "miss_dismiss")
    assert CANTEEN not in newest
    assert SNOW in newest
    ask(slack, "hanako", CANTEEN)
    assert listed(bot) == [(SNOW, 1)]
    entry, *_ = AuditLog(bot.services.database).newest()
    assert (entry.user, action(entry), outcome(entry)) == (slack.person("olivia").id, "not a question", CANTEEN)


def test_later_is_a_week(slack: LocalSlack, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(slack, "alice", SNOW)
    assert pressed(slack, bot, kb(slack), "miss_later") == "Nothing is unanswered from the last 30 days."
    ask(slack, "hanako", SNOW)
    assert listed(bot) == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 6.9 * 24 * 3600)
    assert listed(bot) == []
    monkeypatch.setattr(time, "time", lambda: now + 7.1 * 24 * 3600)
    assert listed(bot) == [(SNOW, 2)]
    monkeypatch.setattr(time, "time", lambda: now + 31 * 24 * 3600)
    assert listed(bot) == []


def test_a_button_is_only_for_admins_whoever_presses_it(slack: LocalSlack, bot: Bot) -> None:
    for number in range(11):
        Questions(bot.services.database).add(
            AskedQuestion(Origin.SEARCH, slack.channel("it-help").id, "U1", f"{number}?", (), 0.0, 0.9, answered=False)
        )
    message = kb(slack)
    slack.people["olivia"].is_admin = slack.people["olivia"].is_owner = False
    bot.services.access._remembered.clear()
    before = message.shown
    for button in ("miss_dismiss", "miss_later", "miss_more"):
        assert pressed(slack, bot, message, button) == before, button
        assert len(listed(bot)) == 11, button


def test_a_miss_closes_by_itself_when_a_row_answers_it(slack: LocalSlack, bot: Bot, put: Put) -> None:
    ask(slack, "alice", SNOW)
    ask(slack, "alice", CANTEEN)
    assert SNOW in kb(slack).shown
    put("it-help.csv", IT_HELP + f"snow,{SNOW},In the shed.,,,,\n")
    bot.services.maintenance.reload("it-help").result(60)
    shown = kb(slack).shown
    assert SNOW not in shown
    assert CANTEEN in shown
    assert "days: 1 (1 different)" in shown
    assert listed(bot) == [(CANTEEN, 1)]


def test_pages(slack: LocalSlack, bot: Bot) -> None:
    channel, alice = slack.channel("it-help").id, slack.person("alice").id
    for number in range(23):
        text = f"{number}: {'<&>' * 300}?"
        Questions(bot.services.database).add(
            AskedQuestion(Origin.SEARCH, channel, alice, text, (), 0.0, 0.9, answered=False)
        )
    message = kb(slack)
    assert message.shown.count("asked once") == 10
    assert "*22: " in message.shown
    assert "Show more (13)" in message.shown
    assert "*12: " in pressed(slack, bot, message, "miss_more")
    third = pressed(slack, bot, message, "miss_more")
    assert third.count("asked once") == 3
    assert "Show more" not in third
    last = pressed(slack, bot, message, "miss_dismiss")
    assert last.count("asked once") == 2
    assert "*12: " in pressed(slack, bot, message, "miss_back")


def test_at_home(slack: LocalSlack, bot: Bot) -> None:
    for question in (SNOW, CANTEEN, "Who waters the plants?", "Where do lost gloves go?"):
        ask(slack, "alice", question)
    view = slack.open_home("olivia")
    assert view
    assert "*Unanswered questions* of the last 30 days: 4 (4 different)" in view.shown
    assert view.shown.count("asked once") == 3
    slack.press("olivia", view, "miss_dismiss")
    settle(slack, bot)
    again = slack.home("olivia")
    assert again
    assert "*Unanswered questions* of the last 30 days: 3 (3 different)" in again.shown
    assert "Where do lost gloves go?" not in again.shown
    member = slack.open_home("alice")
    assert member
    assert SNOW not in member.shown


def test_the_digest_quotes_only_what_everybody_could_read(slack: LocalSlack, bot: Bot) -> None:
    assert misses.digest(bot.services, 7, slack.channel("dev-faq").id) is None
    slack.reply(slack.mention("alice", "it-help", SNOW))
    ask(slack, "hanako", SNOW)
    ask(slack, "hanako", CANTEEN)
    slack.reply(slack.dm("hanako", "Who earns most here?"))
    slack.invite_bot("keiri")
    slack.reply(slack.mention("ichiro", "keiri", "Who is to be laid off?"))
    message = misses.digest(bot.services, 7, slack.channel("dev-faq").id)
    assert message
    said = str(message.arguments())
    assert "*Unanswered questions* of the last 7 days: 5 (4 different)" in said
    assert SNOW in said
    assert "asked 2 times by 2 people" in said
    assert f"<#{slack.channel('it-help').id}>" in said
    assert "3 not quoted here" in said
    assert not any(secret in said for secret in (CANTEEN, "earns", "laid off", slack.channel("keiri").id, "<@"))
    for _ in range(3):
        slack.reply(slack.mention("hanako", "it-help", "スノーシャベルはどこですか"))
    ask(slack, "hanako", "昼食は何ですか")
    ask(slack, "hanako", "観葉植物の水やりは誰ですか")
    ask(slack, "hanako", "駐車場はありますか")
    japanese = misses.digest(bot.services, 7, slack.channel("dev-faq").id)
    assert japanese
    assert japanese.text == "*答えられなかった質問*（この7日間）: 11件（8種類）"

"""`/search`: the answer to the asker alone, its buttons, and questions that are none."""

import re
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from bot.app import Bot
from bot.playground import LocalSlack, Message
from bot.playground.slack.block_kit.validation import block_text
from handlers.store.questions import Questions
from tests.slack.conftest import Put, Start, ack_took, asked_so_far, fill, labels, settle

pytestmark = pytest.mark.usefixtures("lawful")

PASSWORD = "再設定ページから新しいパスワードを設定してください。"
WIFI = "Choose the network Sample-Office and sign in with your work account."
MFA = "Install the authenticator app and scan the code on your profile page."

Ask = Callable[[str, str, str], Message]


@pytest.fixture
def ask(slack: LocalSlack) -> Ask:
    """``ask("alice", "it-help", "wifi")``: type /search and wait for the private answer."""
    return lambda who, where, text: slack.reply(slack.command(who, where, f"/search {text}"))


# -- The answer ------------------------------------------------------------------------------------


def test_the_answer_is_for_the_asker_alone(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    answer = ask("hanako", "it-help", "パスワードを忘れました")
    assert PASSWORD in answer.shown
    assert slack.ephemerals("hanako", "it-help") == [answer]
    assert slack.bot_messages() == []
    assert slack.ephemerals("alice") == []
    settle(slack, bot)


@pytest.mark.usefixtures("bot")
def test_it_restates_the_question_and_says_where_the_answer_is_from(ask: Ask) -> None:
    shown = ask("hanako", "it-help", "パスワードを忘れました").shown.splitlines()
    assert shown[0] == ":mag: パスワードを忘れました"
    assert shown[1] == "パスワードを忘れました。どうすれば再設定できますか？"
    assert shown[2] == PASSWORD
    assert shown[3] == "備考: 社員番号が必要"
    source = "出典: it-help · アカウント · 更新日 2026-04-08 · <https://id.example.com/reset|リンク>"
    assert re.fullmatch(rf"確かな一致（\d+%） · 一致した語: パスワード · {re.escape(source)}", shown[4])


@pytest.mark.usefixtures("bot")
def test_two_others_are_folded_below_the_best(ask: Ask) -> None:
    answer = ask("alice", "it-help", "How do I connect to the office Wi-Fi? VPN")
    assert answer.shown.count("Show") == 2
    assert "Also close:" in answer.shown
    assert labels(answer) == ["Show", "Show", "👍 Helpful", "👎 Not helpful", "📢 Share to channel"]


@pytest.mark.usefixtures("bot")
def test_private_answers_are_in_the_language_of_the_reader(ask: Ask) -> None:
    assert "Strong match (" in ask("alice", "it-help", "パスワードを忘れました").shown
    assert "確かな一致" in ask("hanako", "it-help", "How do I connect to the office Wi-Fi?").shown


def test_the_strength_of_a_match_is_put_in_words(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    assert "Strong match" in ask("alice", "it-help", "How do I connect to the office Wi-Fi?").shown
    bot.services.channels.set(slack.channel("it-help").id, "threshold", "1.0", "U1")
    possible = ask("alice", "it-help", "How do I connect to the office Wi-Fi?")
    assert "Possible match" in possible.shown
    assert WIFI in possible.shown


@pytest.mark.usefixtures("bot")
def test_an_uncertain_answer_says_so_and_folds_everything(ask: Ask) -> None:
    answer = ask("alice", "it-help", "lunch anyone?")
    assert answer.shown.splitlines()[1] == "I found nothing certain. The closest are:"
    assert WIFI not in answer.shown
    assert "match" not in answer.shown
    assert "確かな答えは見つかりませんでした" in ask("hanako", "it-help", "lunch anyone?").shown


@pytest.mark.usefixtures("bot")
def test_a_question_with_nothing_in_common_is_answered_too(ask: Ask) -> None:
    assert "I found nothing about this" in ask("alice", "it-help", "zzz qqq").shown
    assert "該当する内容が見つかりませんでした" in ask("hanako", "it-help", "zzz qqq").shown


def test_the_question_is_stored_with_hits_and_confidence(bot: Bot, ask: Ask, slack: LocalSlack) -> None:
    ask("hanako", "it-help", "パスワードを忘れました")
    question = asked_so_far(bot)[0]
    assert (question.source, question.user) == ("search", slack.person("hanako").id)
    assert (question.text, question.channel) == ("パスワードを忘れました", slack.channel("it-help").id)
    assert (question.hits[0].knowledge_base, question.hits[0].record) == ("it-help", "pw")
    assert question.answered
    assert question.confidence == question.hits[0].confidence > question.threshold == 0.9


# -- Where -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
def test_each_channel_searches_its_own_knowledge_base_and_the_shared_one(ask: Ask) -> None:
    assert "Split the file." in ask("alice", "dev-faq", "ERR-4012").shown
    assert "Split the file." not in ask("alice", "it-help", "ERR-4012").shown
    for channel in ("it-help", "dev-faq", "general"):
        assert "東京都千代田区1-2-3です。" in ask("hanako", channel, "オフィスの住所").shown


@pytest.mark.usefixtures("bot")
def test_it_works_where_the_bot_is_no_member(slack: LocalSlack, ask: Ask) -> None:
    assert "東京都千代田区" in ask("hanako", "random", "オフィスの住所").shown
    assert "東京都千代田区" in ask("ichiro", "keiri", "オフィスの住所").shown
    assert slack.calls_of("chat.postEphemeral") == []


def test_a_channel_without_any_knowledge_base_is_told(knowledge: Path, start: Start, ask: Ask) -> None:
    (knowledge / "_shared.csv").unlink()
    start()
    assert "No knowledge base is connected to this channel yet" in ask("alice", "general", "wifi").shown
    assert "まだナレッジベースがありません" in ask("hanako", "general", "wifi").shown
    assert "まだナレッジベースがありません" in ask("hanako", "general", "").shown


@pytest.mark.usefixtures("bot")
def test_in_a_direct_message_it_searches_the_channels_of_the_asker(slack: LocalSlack) -> None:
    asked = slack.command("hanako", slack.person("hanako"), "/search ERR-4012")
    assert "Split the file." in slack.reply(asked).shown
    hint = slack.reply(slack.command("hanako", slack.person("hanako"), "/search"))
    assert "*参加チャンネルで質問できること*" in hint.shown
    asked = slack.command("guest", slack.person("guest"), "/search ERR-4012")
    assert "full members" in slack.reply(asked).shown


@pytest.mark.parametrize("commands", [("/kb-search", "/kb")])
def test_another_name_for_the_command(slack: LocalSlack, start: Start) -> None:
    start(search_command="/kb-search")
    asked = slack.command("alice", "it-help", "/kb-search How do I connect to the office Wi-Fi?")
    assert WIFI in slack.reply(asked).shown
    assert "`/kb-search how do I" in slack.reply(slack.command("alice", "it-help", "/kb-search")).shown


# -- Questions that are none -----------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
def test_what_cannot_be_searched_gets_a_hint_and_what_can_be_asked(ask: Ask) -> None:
    wordless = ["", "   ", ":smile: :+1:", "😀👨‍👩‍👧🇯🇵", "？！。、…", "```", "--- *** ___", "\u200b\u3000"]
    for text in [*wordless, "help", "HELP", "ヘルプ"]:
        shown = ask("alice", "it-help", text).shown
        assert "Ask in your own words: `/search how do I reset my password?`" in shown
        assert "*it-help*: 5 entries (アカウント, ネットワーク, プリンター, Network, Account)" in shown
        assert "*_shared*: 1 entry" in shown
        assert "dev-faq" not in shown


@pytest.mark.usefixtures("bot")
def test_the_hint_in_japanese(ask: Ask) -> None:
    shown = ask("hanako", "it-help", "").shown
    assert "ふだんの言葉で質問してください。例: `/search パスワードを忘れました`" in shown
    assert "*it-help*: 5件" in shown


@pytest.mark.usefixtures("bot")
def test_ten_thousand_characters_are_searched_and_restated_briefly(ask: Ask) -> None:
    answer = ask("alice", "it-help", "How do I connect to the office Wi-Fi? " + "ぁ" * 10_000)
    assert WIFI in answer.shown or "nothing certain" in answer.shown
    assert len(answer.shown.splitlines()[0]) < 200


ODD = [
    "<!channel> How do I connect to the office Wi-Fi?",
    "<!subteam^S0123|@helpdesk> <@U012345|bob> connect to the office Wi-Fi",
    "*How* do I _connect_ to ~the~ `office` Wi-Fi?",
    "```how do I connect to the office Wi-Fi```",
    "see https://wifi.example.com/a?b=c&d=<e> how do I connect to the office Wi-Fi?",
    "＜！channel＞ ＨＯＷ ＤＯ Ｉ ＣＯＮＮＥＣＴ to the office ｗｉ－ｆｉ？",
    ":satellite: How do I connect to the office Wi-Fi? 😀",
    "How do I connect to the office Wi-Fi?\u0000\u001b[31m",
    "How do I connect\nto the office\nWi-Fi?",
]


@pytest.mark.usefixtures("bot")
def test_what_remains_of_a_question_is_searched(ask: Ask) -> None:
    for text in ODD:
        answer = ask("alice", "it-help", text)
        assert WIFI in answer.shown, text
        assert answer.live_mentions == []
        assert "\n" not in answer.text


# -- Show ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("order", [("show_2", "show_3"), ("show_3", "show_2")])
def test_show_opens_in_place_in_either_order(slack: LocalSlack, ask: Ask, order: tuple[str, str]) -> None:
    answer = ask("alice", "it-help", "How do I connect to the office Wi-Fi? VPN")
    folded = answer.shown
    for button in order:
        slack.press("alice", answer, button)
        slack.wait_until(lambda button=button: button not in str(answer.blocks), what="the unfolding")  # type: ignore[misc]
    assert "Show" not in answer.shown
    assert answer.shown.splitlines()[0] == folded.splitlines()[0]
    assert all(text in answer.shown for text in (WIFI, MFA, "VPN クライアント"))
    assert slack.ephemerals("alice") == [answer]


@pytest.mark.usefixtures("bot")
def test_one_opened_hit_stays_open_when_the_other_is_opened(slack: LocalSlack, ask: Ask) -> None:
    answer = ask("alice", "it-help", "How do I connect to the office Wi-Fi? VPN")
    slack.press("alice", answer, "show_3")
    slack.wait_until(lambda: answer.shown.count("Show") == 1)
    assert "show_2" in str(answer.blocks)
    assert "Strong match" in answer.shown or "Possible match" in answer.shown
    slack.press("alice", answer, "👍 Helpful")


@pytest.mark.usefixtures("bot")
def test_an_uncertain_hit_can_be_opened(slack: LocalSlack, ask: Ask) -> None:
    answer = ask("alice", "it-help", "lunch anyone?")
    slack.press("alice", answer, "show_1")
    slack.wait_until(lambda: WIFI in answer.shown)
    assert "nothing certain" in answer.shown


def test_a_hit_that_a_reload_took_away_is_said_to_be_gone(
    slack: LocalSlack, bot: Bot, ask: Ask, knowledge: Path, put: Put
) -> None:
    answer = ask("alice", "it-help", "How do I connect to the office Wi-Fi? VPN")
    rows = (knowledge / "it-help.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    put("it-help.csv", "".join(rows[:2]))
    assert bot.services.maintenance.reload("it-help").result(60).records == 1
    slack.press("alice", answer, "show_2")
    slack.wait_until(lambda: answer.shown.count("has been changed or removed since") >= 2)
    assert WIFI not in answer.shown


# -- Votes -----------------------------------------------------------------------------------------


def test_a_person_has_one_vote_and_may_change_it_and_sees_it_in_place(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    answer = ask("alice", "it-help", "How do I connect to the office Wi-Fi?")
    before = answer.shown
    for button, vote in [("👍 Helpful", "helpful"), ("👍 Helpful", "helpful"), ("👎 Not helpful", "unhelpful")]:
        slack.press("alice", answer, button)
        settle(slack, bot)
        mark = "👍 Thank you. Noted as helpful." if vote == "helpful" else "👎 Thank you. Noted as not helpful."
        assert answer.shown == f"{before}\n{mark}"
        assert Questions(bot.services.database).votes(asked_so_far(bot)[0].id) == {slack.person("alice").id: vote}
    assert slack.ephemerals("alice") == [answer]


def test_votes_on_a_public_answer_are_counted_by_person_for_all_to_see(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi?"))
    before = answer.shown
    for who, button in [("alice", "👍 Helpful"), ("hanako", "👎 Not helpful"), ("ichiro", "👍 Helpful")]:
        slack.press(who, answer, button)
        settle(slack, bot)
    assert answer.shown == f"{before}\n👍 2  👎 1"
    assert slack.workspace.ephemerals == []
    people = {each: slack.person(each).id for each in ("alice", "hanako", "ichiro")}
    votes = {people["alice"]: "helpful", people["hanako"]: "unhelpful", people["ichiro"]: "helpful"}
    assert Questions(bot.services.database).votes(asked_so_far(bot)[0].id) == votes


# -- Limits ----------------------------------------------------------------------------------------


def test_over_long_cells_stay_below_the_limits(knowledge: Path, start: Start, slack: LocalSlack, ask: Ask) -> None:
    header = "question,answer,category,url,updated,owner," + ",".join(f"detail{n}{'d' * 200}" for n in range(12))
    long = [
        f"wifi question {n} {'&<>*' * 500},{'&' * 9000}{n},{'c' * 900},https://x.example/{'&' * 470},"
        f"{'9' * 300},{'o' * 300}," + ",".join("<" * 1000 for _ in range(12))
        for n in range(4)
    ]
    (knowledge / "it-help.csv").write_text("\n".join([header, *long]) + "\n", encoding="utf-8")
    start()
    answer = ask("alice", "it-help", "wifi question")
    for _ in range(3):
        if "Show" in answer.shown:
            waiting = answer.shown.count("Show")
            slack.press("alice", answer, "Show")
            slack.wait_until(lambda waiting=waiting: answer.shown.count("Show") < waiting)  # type: ignore[misc]
    assert "Show" not in answer.shown
    assert block_text(answer.blocks) <= 12_000
    assert "…" in answer.shown


# -- Many at once ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
def test_twenty_at_once_are_all_answered_rightly(slack: LocalSlack) -> None:
    questions = {
        "パスワードを忘れました": PASSWORD,
        "How do I connect to the office Wi-Fi?": WIFI,
        "How do I set up two-factor authentication?": MFA,
        "オフィスの住所": "東京都千代田区1-2-3です。",
    }
    asked = [
        (slack.command(who, "it-help", f"/search {question}", wait=False), who, answer)
        for who in ("hanako", "alice", "ichiro", "olivia", "hanako")
        for question, answer in questions.items()
    ]
    for interaction, who, answer in asked:
        message = slack.reply(interaction)
        assert answer in message.shown
        assert message.ephemeral_to == slack.person(who).id
    assert len(slack.ephemerals("hanako")) == 8


def test_a_command_that_is_delivered_twice_is_answered_once(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.duplicate("envelope")
    slack.reply(slack.command("alice", "it-help", "/search How do I connect to the office Wi-Fi?"))
    settle(slack, bot)
    assert sum(len(each.deliveries) for each in slack.envelopes) == 2
    assert len(slack.ephemerals("alice")) == 1


def test_when_the_queue_is_full_the_asker_is_told(slack: LocalSlack, bot: Bot, ask: Ask) -> None:
    release = Event()
    fill(bot, lambda: assert_released(release))
    try:
        assert "Many questions are coming in just now" in ask("alice", "it-help", "wifi").shown
        assert "質問が集中しています" in ask("hanako", "it-help", "wifi").shown
        mention = slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi?")
        slack.wait_until(lambda: len(slack.ephemerals("alice")) == 2)
        assert slack.ephemerals("alice")[-1].thread_ts is None
        slack.say("alice", "it-help", "How do I connect to the office Wi-Fi?")
        direct = slack.dm("alice", "wifi")
        assert "Many questions are coming in just now" in slack.reply(direct).shown
        slack.quiet(0.1)
        assert slack.replies(mention) == []
        assert len(slack.ephemerals("alice")) == 2
    finally:
        release.set()
    slack.wait_until(lambda: not len(bot.services.queue))
    assert WIFI in ask("alice", "it-help", "How do I connect to the office Wi-Fi?").shown


def test_acks_stay_quick_while_the_queue_is_full_and_slack_is_slow(slack: LocalSlack, bot: Bot) -> None:
    """More questions than there are threads for acks, each refusal of which takes Slack most of a second."""
    release = Event()
    fill(bot, lambda: assert_released(release))
    slack.faults.slow("users.info", seconds=0.8, times=None)
    slack.faults.slow("chat.postEphemeral", seconds=0.8, times=None)
    try:
        before = len(slack.envelopes)
        for number in range(80):
            bot.services.access._remembered.clear()
            who = ("alice", "hanako", "olivia", "ichiro")[number % 4]
            slack.command(who, "it-help", f"/search Where is room {number}?", wait=False)
        slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes[before:]), what="every ack")
        waits = [ack_took(each) for each in slack.envelopes[before:]]
        assert len(waits) == 80
        assert max(waits) < 1.5
        slack.wait_until(lambda: slack.ephemerals("alice"), what="a refusal")
        assert "Many questions are coming in just now" in slack.ephemerals("alice")[0].shown
    finally:
        release.set()
        slack.faults.clear()
    slack.wait_until(lambda: not len(bot.services.queue), 90)


def assert_released(event: Event) -> None:
    assert event.wait(60)

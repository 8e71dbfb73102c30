"""Answers nobody asked the bot for: when sure, in the thread, following the question; otherwise silence."""

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack, Message
from bot.settings import SettingsError
from handlers.channel_rules import AutoReply
from handlers.learning.store.alias_votes import AliasVotes
from handlers.learning.store.misses import Misses
from handlers.store.questions import Origin, Questions
from tests.slack.conftest import Start, admit_guests, asked_so_far, labels, settle
from tests.state import change

pytestmark = pytest.mark.usefixtures("lawful")

PASSWORD = "再設定ページから新しいパスワードを設定してください。"
WIFI = "Choose the network Sample-Office and sign in with your work account."
MFA = "Install the authenticator app and scan the code on your profile page."
VPN = "ルーターを再起動してから VPN クライアントを開き直してください。"
PRINTER = "用紙と電源を確かめ、印刷待ちの一覧を空にしてください。"
ASK_WIFI = "How do I connect to the office Wi-Fi?"
ASK_MFA = "How do I set up two-factor authentication?"
CHATTER = "Lunch at noon, anyone?"


def configured(mode: str) -> ConfigFile:
    """Far from the default threshold: what is shown here is not how well confidence is calibrated."""
    return ConfigFile.model_validate({"channels": {"it-help": {"auto_reply": mode, "threshold": 0.5}}})


@pytest.fixture
def eager(start: Start) -> Bot:
    """A bot that answers in #it-help without being asked."""
    return start(configured("on"))


def shows(slack: LocalSlack, message: Message, text: str) -> None:
    slack.wait_until(lambda: text in message.shown, what=f"{text!r} in the message")


# -- What is answered ------------------------------------------------------------------------------


def test_a_question_is_answered_in_its_thread_with_the_best_hit_alone(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("hanako", "it-help", "パスワードを忘れました")
    answer = slack.reply(asked)
    settle(slack, eager)
    assert slack.bot_messages() == [answer]
    assert (answer.thread_ts, answer.broadcast) == (asked.ts, False)
    assert answer.shown.splitlines() == [
        "パスワードを忘れました。どうすれば再設定できますか？",
        PASSWORD,
        "自動回答 · 出典: it-help · アカウント · 更新日 2026-04-08 · <https://id.example.com/reset|リンク>",
        "✅ 解決した",
        "❌ 聞きたいことと違う",
    ]
    question = asked_so_far(eager)[0]
    assert (question.source, question.answered) == ("auto_reply", True)


ASKED = [
    ("VPNにつながりません？", VPN),
    ("VPNにつながらないのですが、どうすればいいですか", VPN),
    ("プリンターで印刷できない", PRINTER),
    ("すみません、パスワードを忘れてしまいました…", PASSWORD),
    ("How do I connect to the office wifi", WIFI),
    ("I want to set up two-factor authentication.", MFA),
    ("ＶＰＮにつながりません", VPN),
    ("<!here> パスワードを忘れました :sob:", PASSWORD),
]


@pytest.mark.usefixtures("eager")
def test_questions_and_statements_alike(slack: LocalSlack) -> None:
    for text, answer in ASKED:
        assert answer in slack.reply(slack.say("hanako", "it-help", text, raw=True)).shown, text


@pytest.mark.usefixtures("eager")
def test_the_answer_is_in_the_language_of_the_question(slack: LocalSlack) -> None:
    assert "Automatic answer" in slack.reply(slack.say("hanako", "it-help", ASK_WIFI)).shown
    assert "自動回答" in slack.reply(slack.say("alice", "it-help", "VPNにつながりません")).shown


@pytest.mark.usefixtures("eager")
def test_a_thread_reply_sent_to_the_channel_too_is_considered(slack: LocalSlack) -> None:
    parent = slack.say("alice", "it-help", CHATTER)
    asked = slack.say("hanako", "it-help", ASK_WIFI, thread_ts=parent.ts, broadcast=True)
    answer = slack.reply(asked)
    assert WIFI in answer.shown
    assert answer.thread_ts == parent.ts


@pytest.mark.usefixtures("eager")
def test_a_screenshot_with_a_question_is_considered(slack: LocalSlack) -> None:
    asked = slack.upload("hanako", "it-help", "screen.png", b"png", comment=ASK_WIFI)
    assert WIFI in slack.reply(asked).shown


# -- Silence ---------------------------------------------------------------------------------------


def silent(slack: LocalSlack, bot: Bot) -> bool:
    settle(slack, bot)
    return not slack.bot_messages() and not slack.workspace.ephemerals


def test_chatter_and_unsure_questions(slack: LocalSlack, eager: Bot) -> None:
    chatter = ["おはようございます", "ありがとうございました！", "👍", ":tada:", "？", "Is the server room locked?"]
    for text in [CHATTER, *chatter]:
        slack.say("hanako", "it-help", text)
    assert silent(slack, eager)


def test_a_question_it_is_not_sure_about_is_remembered_as_a_miss(slack: LocalSlack, eager: Bot) -> None:
    slack.say("hanako", "it-help", "Is the office printer room locked?")
    assert silent(slack, eager)
    question = asked_so_far(eager)[0]
    assert (question.answered, question.source) == (False, "auto_reply")


def test_a_reply_in_a_thread(slack: LocalSlack, eager: Bot) -> None:
    parent = slack.say("alice", "it-help", CHATTER)
    slack.say("hanako", "it-help", ASK_WIFI, thread_ts=parent.ts)
    assert silent(slack, eager)


def test_other_bots_notices_and_files_without_words(slack: LocalSlack, eager: Bot) -> None:
    slack.other_bot_says("it-help", ASK_WIFI)
    slack.upload("hanako", "it-help", "screen.png", b"png")
    slack.invite("external", "it-help")
    assert silent(slack, eager)


def test_two_bots_do_not_talk_to_each_other(slack: LocalSlack, eager: Bot) -> None:
    def parrot(what: str, thing: object) -> None:
        if what == "message" and isinstance(thing, Message) and thing.user == slack.bot and len(echoes) < 5:
            echoes.append(thing.text)
            slack._backend.hub.spawn(echo(thing))

    async def echo(message: Message) -> None:
        slack._user_actions.other_bot(slack.workspace.channel("it-help"), ASK_WIFI, "Parrot", message.thread_ts)
        slack._user_actions.other_bot(slack.workspace.channel("it-help"), f"<@{slack.bot}> {ASK_WIFI}", "Parrot", None)

    echoes: list[str] = []
    stop = slack.listen(parrot)
    slack.reply(slack.say("alice", "it-help", ASK_WIFI))
    settle(slack, eager)
    stop()
    assert len(echoes) == 1
    assert len(slack.bot_messages()) == 1


def test_channels_where_it_is_off(slack: LocalSlack, start: Start) -> None:
    bot = start(configured("off"))
    slack.say("alice", "it-help", ASK_WIFI)
    slack.say("alice", "dev-faq", "What does ERR-4012 mean?")
    assert silent(slack, bot)
    assert asked_so_far(bot) == []


@pytest.mark.usefixtures("guests")
def test_guests_and_other_organisations(slack: LocalSlack, eager: Bot) -> None:
    slack.say("guest", "it-help", ASK_WIFI)
    slack.say("multi", "it-help", "VPNにつながりません")
    assert silent(slack, eager)


def test_a_question_to_the_bot_is_answered_as_one(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.mention("alice", "it-help", "lunch anyone?")
    assert "I found nothing certain" in slack.reply(asked).shown
    settle(slack, eager)
    assert len(slack.bot_messages()) == 1


def test_the_threshold_decides(slack: LocalSlack, start: Start) -> None:
    bot = start(ConfigFile.model_validate({"channels": {"it-help": {"auto_reply": "on", "threshold": 1.0}}}))
    slack.say("alice", "it-help", "VPN")
    assert silent(slack, bot)
    bot.services.channels.set(slack.channel("it-help").id, "threshold", "0.1", "U1")
    assert VPN in slack.reply(slack.say("alice", "it-help", "VPN")).shown


def test_users_info_failing_means_silence(slack: LocalSlack, eager: Bot) -> None:
    slack.faults.error("users.info", "internal_error", times=None)
    slack.say("alice", "it-help", ASK_WIFI)
    assert silent(slack, eager)


@pytest.mark.parametrize("how", ["envelope", "retry", "event"])
def test_whatever_comes_twice_is_answered_once(slack: LocalSlack, eager: Bot, how: str) -> None:
    slack.faults.duplicate(how)  # type: ignore[arg-type]
    slack.reply(slack.say("alice", "it-help", ASK_WIFI))
    settle(slack, eager)
    assert len(slack.bot_messages()) == 1


# -- Following the question ------------------------------------------------------------------------


def test_an_edit_replaces_withdraws_and_answers_anew(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    slack.edit(asked, ASK_MFA)
    shows(slack, answer, MFA)
    slack.edit(asked, CHATTER)
    slack.wait_until(lambda: answer.deleted)
    slack.edit(asked, "VPNにつながりません")
    second = slack.reply(asked)
    settle(slack, eager)
    assert VPN in second.shown
    assert slack.bot_messages() == [second]


def test_a_silence_is_broken_by_an_edit_that_makes_it_a_question(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("alice", "it-help", CHATTER)
    assert silent(slack, eager)
    slack.edit(asked, ASK_WIFI)
    assert WIFI in slack.reply(asked).shown


def test_an_edit_in_a_channel_where_it_is_off_changes_nothing(slack: LocalSlack, start: Start) -> None:
    bot = start(configured("off"))
    asked = slack.say("alice", "it-help", CHATTER)
    slack.edit(asked, ASK_WIFI)
    assert silent(slack, bot)


def test_an_edit_inside_a_thread_is_ignored_as_the_reply_was(slack: LocalSlack, eager: Bot) -> None:
    parent = slack.say("alice", "it-help", CHATTER)
    reply = slack.say("hanako", "it-help", "hm", thread_ts=parent.ts)
    slack.edit(reply, ASK_WIFI)
    assert silent(slack, eager)


def test_an_edit_that_calls_the_bot_turns_its_answer_into_a_full_one(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    slack.edit(asked, "@kotae lunch anyone?")
    shows(slack, answer, "I found nothing certain")
    settle(slack, eager)
    assert slack.bot_messages() == [answer]


def test_an_edit_that_overtakes_the_original_wins(slack: LocalSlack, eager: Bot) -> None:
    slack.faults.delay(0.4)
    asked = slack.say("alice", "it-help", ASK_WIFI)
    slack.edit(asked, ASK_MFA)
    answer = slack.reply(asked)
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes))
    settle(slack, eager)
    assert slack.bot_messages() == [answer]
    assert MFA in answer.shown


def test_edits_in_quick_succession_end_with_one_answer(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("alice", "it-help", CHATTER)
    for text in (ASK_WIFI, "VPNにつながりません", CHATTER, ASK_MFA) * 3:
        slack.edit(asked, text)
    settle(slack, eager)
    assert len(slack.bot_messages()) <= 1


def test_a_link_preview_is_no_edit(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("alice", "it-help", f"{ASK_WIFI} https://example.com/wifi")
    answer = slack.reply(asked)
    slack.unfurl(asked)
    settle(slack, eager)
    assert not answer.edited
    assert slack.calls_of("chat.update") == []


def test_a_deleted_question_takes_its_answer_with_it(slack: LocalSlack, eager: Bot) -> None:
    asked = slack.say("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    slack.delete(asked)
    slack.wait_until(lambda: answer.deleted)
    settle(slack, eager)
    assert slack.bot_messages() == []


def test_a_question_deleted_before_it_arrived_is_not_answered(slack: LocalSlack, eager: Bot) -> None:
    slack.faults.delay(0.4)
    asked = slack.say("alice", "it-help", ASK_WIFI)
    slack.delete(asked)
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes))
    assert silent(slack, eager)


# -- ✅ and ❌ ---------------------------------------------------------------------------------------


def test_right_is_counted_in_place_once_per_person(slack: LocalSlack, eager: Bot) -> None:
    answer = slack.reply(slack.say("alice", "it-help", ASK_WIFI))
    before = answer.shown
    for who in ("hanako", "hanako", "alice"):
        slack.press(who, answer, "✅ This answers it")
        settle(slack, eager)
    people = {slack.person(each).id for each in ("alice", "hanako")}
    assert answer.shown == f"{before}\n✅ This answered it: 2"
    assert Questions(eager.services.database).votes(asked_so_far(eager)[0].id) == dict.fromkeys(people, "right")
    assert {each.user for each in AliasVotes(eager.services.database).recent()} == people
    assert slack.workspace.ephemerals == []


def test_wrong_folds_the_answer_away_and_show_again_brings_it_back(slack: LocalSlack, eager: Bot) -> None:
    answer = slack.reply(slack.say("alice", "it-help", ASK_WIFI))
    slack.press("alice", answer, "❌ Not what I asked")
    shows(slack, answer, "Folded away: How do I connect to the office Wi-Fi?")
    assert WIFI not in str(answer.blocks) + answer.text
    assert slack.workspace.ephemerals == []
    assert [miss.text for miss in Misses(eager.services.database).open(0, 9, [Origin.AUTO_REPLY])] == [ASK_WIFI]
    slack.press("hanako", answer, "Show again")
    shows(slack, answer, WIFI)
    slack.press("hanako", answer, "❌ Not what I asked")
    shows(slack, answer, "Folded away")
    settle(slack, eager)
    people = {slack.person(each).id for each in ("alice", "hanako")}
    assert Questions(eager.services.database).votes(asked_so_far(eager)[0].id) == dict.fromkeys(people, "wrong")
    assert slack.bot_messages() == [answer]


def test_guests_decide_nothing(slack: LocalSlack, eager: Bot) -> None:
    answer = slack.reply(slack.say("alice", "it-help", ASK_WIFI))
    admit_guests(slack)
    for button in ("auto_wrong", "auto_right"):
        assert "full members" in slack.reply(slack.press("guest", answer, button)).shown
    settle(slack, eager)
    assert WIFI in answer.shown
    assert Questions(eager.services.database).votes(asked_so_far(eager)[0].id) == {}


# -- Shadow mode -----------------------------------------------------------------------------------


def test_shadow_mode_tells_the_admin_and_nobody_else(slack: LocalSlack, start: Start) -> None:
    bot = start(configured("shadow"), admin_users=slack.person("ichiro").id)
    asked = slack.say("alice", "it-help", ASK_WIFI)
    slack.say("alice", "it-help", CHATTER)
    slack.wait_until(slack.bot_messages)
    settle(slack, bot)
    [report] = slack.bot_messages()
    assert report.channel == slack.channel(slack.person("ichiro")).id
    shown = report.shown
    assert f"シャドーモード（<#{slack.channel('it-help').id}>）" in shown
    assert f"/archives/{asked.channel}/p{asked.ts.replace('.', '')}|このメッセージ>" in shown
    assert ASK_WIFI in shown
    assert WIFI in shown
    assert "auto_right" not in str(report.blocks)
    assert slack.workspace.ephemerals == []


def test_shadow_mode_reports_though_message_and_database_are_gone(
    slack: LocalSlack, start: Start, state_url: str
) -> None:
    bot = start(configured("shadow"), admin_users=slack.person("ichiro").id)
    change(state_url, "ALTER TABLE questions RENAME TO asked")
    slack.faults.error("chat.getPermalink", "message_not_found")
    slack.say("alice", "it-help", ASK_WIFI)
    slack.wait_until(slack.bot_messages)
    settle(slack, bot)
    [report] = slack.bot_messages()
    assert "）: このメッセージ に次のように回答する" in report.shown
    assert all(text in report.shown for text in (ASK_WIFI, WIFI, "出典: it-help"))
    assert labels(report) == []


def test_an_admin_who_can_not_be_reached_does_not_keep_others_from_being_told(slack: LocalSlack, start: Start) -> None:
    admins = [slack.person(who).id for who in ("ichiro", "olivia")]
    bot = start(configured("shadow"), admin_users=",".join(["U0NOBODY", *admins]))
    slack.faults.error("chat.postMessage", "messages_tab_disabled")
    slack.say("alice", "it-help", ASK_WIFI)
    slack.wait_until(slack.bot_messages)
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1
    assert [call.error for call in slack.calls_of("chat.postMessage")] == ["messages_tab_disabled", ""]


@pytest.mark.parametrize(
    ("config", "key"),
    [(configured("shadow"), "channels.it-help.auto_reply"), (ConfigFile(auto_reply=AutoReply.SHADOW), "auto_reply")],
)
def test_shadow_mode_that_nobody_would_be_told_of_is_refused(start: Start, config: ConfigFile, key: str) -> None:
    with pytest.raises(SettingsError, match=f"kotae.toml: {key} = 'shadow': nobody would be told.* ADMIN_USERS"):
        start(config)


def test_an_admin_who_switches_it_on_in_slack_hears_of_it(slack: LocalSlack, bot: Bot) -> None:
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply shadow"))
    slack.say("alice", "it-help", ASK_WIFI)
    report = slack.wait_until(slack.bot_messages)[0]
    assert report.channel == slack.channel(slack.person("olivia")).id
    assert "Shadow mode in" in report.shown
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply on"))
    assert WIFI in slack.reply(slack.say("alice", "it-help", f"{ASK_WIFI} Please!")).shown
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply off"))
    slack.say("alice", "it-help", f"{ASK_WIFI} Please?")
    settle(slack, bot)
    assert len(slack.bot_messages()) == 2


def test_a_reply_that_somebody_deleted_stays_deleted_when_the_question_is_edited(slack: LocalSlack, eager: Bot) -> None:
    question = slack.say("hanako", "it-help", "VPNにつながりません。")
    answer = slack.reply(question)
    eager.services.client.chat_delete(channel=answer.channel, ts=answer.ts)
    slack.edit(question, "パスワードを忘れました。どうすれば再設定できますか？")
    settle(slack, eager)
    assert slack.replies(question) == []
    slack.edit(question, "VPNにつながりません。")
    settle(slack, eager)
    assert "VPN クライアント" in slack.reply(question).shown

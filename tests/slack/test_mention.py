"""`@Kotae question`: the answer in the thread, once, following its question."""

import re

import pytest
from sqlalchemy import select

from bot.app import Bot
from bot.playground import LocalSlack, Message
from handlers.store.claims import seen
from handlers.store.inbox import inbox
from tests.slack.conftest import Start, asked_so_far, redeliver, settle, stop

pytestmark = pytest.mark.usefixtures("lawful")

PASSWORD = "再設定ページから新しいパスワードを設定してください。"
WIFI = "Choose the network Sample-Office and sign in with your work account."
MFA = "Install the authenticator app and scan the code on your profile page."
VPN = "ルーターを再起動してから VPN クライアントを開き直してください。"
ASK_WIFI = "How do I connect to the office Wi-Fi?"
ASK_MFA = "How do I set up two-factor authentication?"


def mentions(slack: LocalSlack) -> int:
    return sum(each.event.get("type") == "app_mention" for each in slack.envelopes)


# -- Where the answer goes -------------------------------------------------------------------------


def test_a_mention_is_answered_in_its_thread_for_all_to_see(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    settle(slack, bot)
    assert slack.bot_messages() == [answer]
    assert (answer.thread_ts, answer.broadcast) == (asked.ts, False)
    assert WIFI in answer.shown
    assert ":mag:" not in answer.shown
    assert slack.ephemerals("alice") == []
    [posted] = slack.calls_of("chat.postMessage")
    assert (posted.args["unfurl_links"], posted.args["unfurl_media"]) == (False, False)


def test_it_arrives_as_mention_and_as_message_and_is_answered_once(slack: LocalSlack, start: Start) -> None:
    bot = start()
    bot.services.channels.set(slack.channel("it-help").id, "auto_reply", "on", "U1")
    slack.reply(slack.mention("alice", "it-help", ASK_WIFI))
    slack.reply(slack.say("alice", "it-help", f"Please <@{slack.bot}|kotae>, how do I connect to the Wi-Fi?", raw=True))
    settle(slack, bot)
    assert mentions(slack) == 2
    assert len(slack.bot_messages()) == 2
    assert all(WIFI in each.shown for each in slack.bot_messages())


def test_in_a_thread_it_is_answered_there(slack: LocalSlack, bot: Bot) -> None:
    parent = slack.say("hanako", "it-help", "いい天気ですね")
    asked = slack.mention("alice", "it-help", ASK_WIFI, thread_ts=parent.ts)
    answer = slack.reply(asked)
    settle(slack, bot)
    assert slack.replies(parent) == [asked, answer]
    assert WIFI in answer.shown


@pytest.mark.usefixtures("bot")
def test_without_a_question_in_a_thread_it_looks_up_the_first_message(slack: LocalSlack) -> None:
    parent = slack.say("hanako", "it-help", "VPNにつながりません")
    slack.say("ichiro", "it-help", "プリンターで印刷できません", thread_ts=parent.ts)
    for text in ("", "?", ":pray:", "！"):
        answer = slack.reply(slack.mention("alice", "it-help", text, thread_ts=parent.ts))
        assert VPN in answer.shown
        assert answer.thread_ts == parent.ts
        assert "確かな一致" in answer.shown


def test_without_a_question_elsewhere_it_greets(slack: LocalSlack, bot: Bot) -> None:
    english = slack.reply(slack.mention("alice", "it-help", ""))
    japanese = slack.reply(slack.mention("hanako", "it-help", ":wave:"))
    parent = slack.say("alice", "it-help", ":coffee:")
    wordless = slack.reply(slack.mention("alice", "it-help", "", thread_ts=parent.ts))
    settle(slack, bot)
    assert "Hello! I answer from this team's knowledge bases." in english.shown
    assert "質問を添えてメンションしてください" in japanese.shown
    assert "Hello!" in wordless.shown
    assert len(slack.bot_messages()) == 3


def test_a_mention_may_stand_anywhere_in_the_message(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.say("hanako", "it-help", f"VPNにつながりません <@{slack.bot}> お願いします", raw=True)
    assert VPN in slack.reply(asked).shown
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


@pytest.mark.usefixtures("bot")
def test_the_public_answer_is_in_the_language_of_the_question(slack: LocalSlack) -> None:
    japanese = slack.reply(slack.mention("alice", "it-help", "VPNにつながりません"))
    english = slack.reply(slack.mention("hanako", "it-help", ASK_WIFI))
    assert "確かな一致" in japanese.shown
    assert "👍 役に立った" in japanese.shown
    assert "Strong match" in english.shown


@pytest.mark.usefixtures("bot")
def test_somebody_who_asked_is_never_left_in_silence(slack: LocalSlack) -> None:
    uncertain = slack.reply(slack.mention("alice", "it-help", "lunch anyone?"))
    nothing = slack.reply(slack.mention("hanako", "it-help", "ぬぬぬ"))
    shared = slack.reply(slack.mention("hanako", "hr-somu", "オフィスの住所を教えて"))
    assert "I found nothing certain" in uncertain.shown
    assert "該当する内容が見つかりませんでした" in nothing.shown
    assert "東京都千代田区1-2-3です。" in shared.shown


def test_show_opens_for_all_in_place(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi? VPN"))
    slack.press("hanako", answer, "show_2")
    slack.wait_until(lambda: "show_2" not in str(answer.blocks))
    settle(slack, bot)
    assert "Also close:" in answer.shown
    assert slack.bot_messages() == [answer]
    assert answer.edited


def test_another_bot_is_not_answered(slack: LocalSlack, bot: Bot) -> None:
    slack.other_bot_says("it-help", f"<@{slack.bot}> {ASK_WIFI}")
    settle(slack, bot)
    assert mentions(slack) == 1
    assert slack.bot_messages() == []
    assert slack.calls_of("chat.postEphemeral") == []


# -- Once ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["envelope", "retry", "event"])
def test_whatever_comes_twice_is_answered_once(slack: LocalSlack, bot: Bot, how: str) -> None:
    slack.faults.duplicate(how, times=2)  # type: ignore[arg-type]
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    slack.reply(asked)
    settle(slack, bot)
    assert sum(len(each.deliveries) for each in slack.envelopes if each.event.get("ts") == asked.ts) == 4
    assert len(slack.bot_messages()) == 1
    assert len(asked_so_far(bot)) == 1


def test_what_was_answered_is_not_answered_again_after_a_restart(slack: LocalSlack, start: Start) -> None:
    first = start()
    slack.reply(slack.mention("alice", "it-help", ASK_WIFI))
    slack.reply(slack.dm("alice", ASK_WIFI))
    settle(slack, first)
    envelopes = list(slack.envelopes)
    stop(slack, first)
    second = start()
    for envelope in envelopes:
        redeliver(slack, envelope)
        redeliver(slack, envelope, event_id="Ev0NEWNEWNEW")
    slack.reply(slack.mention("hanako", "it-help", "VPNにつながりません"))
    settle(slack, second)
    assert len(slack.bot_messages()) == 3


# -- Following the question ------------------------------------------------------------------------


def shows(slack: LocalSlack, answer: Message, text: str) -> None:
    slack.wait_until(lambda: text in answer.shown, what=f"{text!r} in the answer")


def test_an_edited_question_has_its_answer_replaced(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    slack.edit(asked, f"@kotae {ASK_MFA}")
    shows(slack, answer, MFA)
    slack.edit(asked, "@kotae VPNにつながりません")
    shows(slack, answer, VPN)
    settle(slack, bot)
    assert "確かな一致" in answer.shown
    assert slack.bot_messages() == [answer]
    assert WIFI not in answer.shown


def test_an_edit_after_a_restart_finds_its_answer(slack: LocalSlack, start: Start) -> None:
    first = start()
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    stop(slack, first)
    start()
    slack.edit(asked, f"@kotae {ASK_MFA}")
    shows(slack, answer, MFA)


def test_a_mention_that_an_edit_adds_is_answered(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.say("alice", "it-help", ASK_WIFI)
    settle(slack, bot)
    assert slack.bot_messages() == []
    slack.edit(asked, f"@kotae {ASK_WIFI}")
    assert WIFI in slack.reply(asked).shown
    # Slack sends the edited message as a mention too.
    event = {"type": "app_mention", "user": asked.user, "text": asked.text, "ts": asked.ts, "channel": asked.channel}
    slack._do(lambda: slack._backend.emit({**event, "edited": {"user": asked.user, "ts": asked.edited_ts}}))
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


def test_a_greeting_is_followed_by_an_answer_once_there_is_a_question(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("alice", "it-help", "")
    slack.reply(asked)
    slack.edit(asked, f"@kotae {ASK_WIFI}")
    slack.wait_until(lambda: len(slack.replies(asked)) == 2)
    settle(slack, bot)
    assert WIFI in slack.replies(asked)[1].shown


def test_an_edit_that_overtakes_its_question_is_answered_once_and_as_edited(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.delay(0.4, times=2)  # the message and the mention
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    slack.edit(asked, f"@kotae {ASK_MFA}")
    answer = slack.reply(asked)
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes))
    settle(slack, bot)
    assert slack.bot_messages() == [answer]
    assert MFA in answer.shown


def test_a_link_preview_is_no_edit(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("alice", "it-help", f"{ASK_WIFI} https://example.com/")
    answer = slack.reply(asked)
    slack.unfurl(asked)
    settle(slack, bot)
    assert slack.calls_of("chat.update") == []
    assert not answer.edited


def test_a_deleted_question_takes_its_answer_with_it(slack: LocalSlack, bot: Bot) -> None:
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    answer = slack.reply(asked)
    slack.delete(asked)
    slack.wait_until(lambda: answer.deleted)
    settle(slack, bot)
    assert slack.bot_messages() == []


def test_so_does_one_inside_a_thread(slack: LocalSlack, bot: Bot) -> None:
    parent = slack.say("hanako", "it-help", "いい天気ですね")
    asked = slack.mention("alice", "it-help", ASK_WIFI, thread_ts=parent.ts)
    answer = slack.reply(asked)
    slack.delete(asked)
    slack.wait_until(lambda: answer.deleted)
    settle(slack, bot)
    assert slack.replies(parent) == []


def test_a_question_deleted_before_it_arrived_is_not_answered(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.delay(0.4, times=2)
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    slack.delete(asked)
    slack.wait_until(lambda: all(each.outcome != "waiting" for each in slack.envelopes))
    settle(slack, bot)
    assert slack.bot_messages() == []


def test_slack_out_of_reach_delays_the_answer_and_does_not_double_it(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.server_error("chat.*", status=503)
    assert WIFI in slack.reply(slack.mention("alice", "it-help", ASK_WIFI)).shown
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


def test_an_answer_that_cannot_be_given_breaks_nothing(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("chat.*", "access_denied", times=2)  # the answer, and the apology
    slack.mention("alice", "it-help", ASK_WIFI)
    slack.wait_until(lambda: sum(each.error == "access_denied" for each in slack.calls) == 2)
    settle(slack, bot)
    assert slack.bot_messages() == []
    assert WIFI in slack.reply(slack.mention("alice", "it-help", ASK_WIFI)).shown


def test_an_answer_that_cannot_be_given_is_apologised_for(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("chat.postMessage", "access_denied")
    slack.mention("hanako", "it-help", ASK_WIFI)
    apology = slack.wait_until(lambda: slack.ephemerals("hanako"))[0]
    settle(slack, bot)
    assert re.search("ログの番号は `[0-9a-f]{8}` です", apology.shown)
    assert slack.bot_messages() == []


def test_a_rate_limit_delays_the_answer_and_does_not_double_it(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=1)
    asked = slack.mention("alice", "it-help", ASK_WIFI)
    assert WIFI in slack.reply(asked).shown
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


def test_a_lost_response_does_not_double_the_answer(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.drop_response("chat.postMessage")
    slack.reply(slack.mention("alice", "it-help", ASK_WIFI))
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1


def test_a_mention_is_claimed_once_though_it_comes_as_two_events(slack: LocalSlack, bot: Bot) -> None:
    message = slack.mention("alice", "it-help", "VPNにつながらない")
    slack.reply(message)
    settle(slack, bot)
    database = bot.services.database
    slack.wait_until(lambda: not database.read("be asked", select(inbox.c.key)), what="an inbox without either")
    claimed = database.read("be asked", select(seen.c.key)) or ()
    assert [key for (key,) in claimed if message.ts in key or key.startswith("event:")] == [
        f"asked:{slack.channel('it-help').id}:{message.ts}"
    ]

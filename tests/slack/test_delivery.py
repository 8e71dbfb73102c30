"""Slack's Web API has its bad minutes: an answer may come late, but it comes, and it comes once."""

import time

import pytest

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack
from handlers.channel_rules import AutoReply
from handlers.token_buckets import BURST
from tests.slack.conftest import Start, ack_took, redeliver, settle

QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"
ASKING = ("command", "mention", "dm", "auto")
METHOD = {
    "command": "response_url",
    "mention": "chat.postMessage",
    "dm": "chat.postMessage",
    "auto": "chat.postMessage",
}


@pytest.fixture
def bot(start: Start) -> Bot:
    section = ChannelSection(auto_reply=AutoReply.ON, threshold=0.5)
    return start(ConfigFile(channels={"it-help": section}))


def ask(slack: LocalSlack, how: str) -> None:
    if how == "command":
        assert slack.command("hanako", "it-help", f"/search {QUESTION}").error is None
    elif how == "mention":
        slack.mention("hanako", "it-help", QUESTION)
    elif how == "dm":
        slack.dm("hanako", QUESTION)
    else:
        slack.say("hanako", "it-help", QUESTION)


def answers(slack: LocalSlack) -> list[str]:
    everything = [*slack.bot_messages(), *slack.ephemerals("hanako")]
    return [message.shown for message in everything if ANSWER in message.shown]


def exactly_one_answer(slack: LocalSlack, timeout: float = 60, *, before: int = 0) -> None:
    """It comes, and no other, where so many were given before."""
    slack.wait_until(lambda: len(answers(slack)) > before, timeout, "the answer")
    slack.quiet(0.5, timeout)
    assert len(answers(slack)) == before + 1
    others = [each.shown for each in [*slack.bot_messages(), *slack.ephemerals("hanako")] if ANSWER not in each.shown]
    assert others == []


@pytest.mark.usefixtures("bot")
def test_a_rate_limit_delays_the_answer_as_long_as_slack_asks(slack: LocalSlack) -> None:
    for before, how in enumerate(ASKING):
        slack.faults.clear()
        slack.faults.rate_limit(METHOD[how], retry_after=1)
        started = time.monotonic()
        ask(slack, how)
        exactly_one_answer(slack, before=before)
        assert time.monotonic() - started >= (0 if how == "command" else 1), how


@pytest.mark.usefixtures("bot")
def test_several_rate_limits_in_a_row_are_waited_out(slack: LocalSlack) -> None:
    slack.faults.rate_limit("chat.postMessage", retry_after=1, times=2)
    slack.faults.rate_limit("users.info", retry_after=1, times=1)
    ask(slack, "mention")
    exactly_one_answer(slack)
    assert [call.status for call in slack.calls_of("chat.postMessage")] == [429, 429, 200]


@pytest.mark.usefixtures("bot")
def test_a_service_that_is_unavailable_for_a_moment_costs_nothing(slack: LocalSlack) -> None:
    for before, how in enumerate(ASKING):
        slack.faults.clear()
        slack.faults.server_error(METHOD[how], status=503, times=1)
        ask(slack, how)
        exactly_one_answer(slack, before=before)


@pytest.mark.usefixtures("bot")
def test_a_dropped_response_is_not_posted_again(slack: LocalSlack) -> None:
    for number, how in enumerate(ASKING, 1):
        slack.faults.clear()
        slack.faults.drop_response(METHOD[how])
        ask(slack, how)
        slack.wait_until(lambda number=number: len(answers(slack)) >= number)  # type: ignore[misc]
        slack.quiet(0.8)
        assert len(answers(slack)) == number, how


@pytest.mark.parametrize(
    ("method", "fault"),
    [("users.info", "503"), ("users.info", "dropped"), ("conversations.info", "slow"), ("users.conversations", "503")],
)
@pytest.mark.usefixtures("bot")
def test_looking_people_up_may_fail_once(slack: LocalSlack, method: str, fault: str) -> None:
    if fault == "503":
        slack.faults.server_error(method, times=1)
    elif fault == "dropped":
        slack.faults.drop_response(method, times=1)
    else:
        slack.faults.slow(method, seconds=0.5)
    ask(slack, "dm" if method == "users.conversations" else "mention")
    exactly_one_answer(slack)


@pytest.mark.usefixtures("bot")
def test_a_slow_api_delays_answers_and_not_acks(slack: LocalSlack) -> None:
    slack.faults.slow("*", seconds=1.5, times=None)
    for who in ("hanako", "alice", "ichiro", "olivia") * 5:
        slack.command(who, "it-help", f"/search {QUESTION}", wait=False)
    slack.wait_until(
        lambda: (
            sum(ANSWER in m.shown for who in ("hanako", "alice", "ichiro", "olivia") for m in slack.ephemerals(who))
            == 20
        ),
        60,
    )
    assert max(map(ack_took, slack.envelopes)) < 1.5
    slack.faults.clear()


def test_a_question_whose_answer_slack_refuses_for_good_is_apologised_for(
    slack: LocalSlack, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    slack.faults.error("chat.postMessage", "restricted_action", times=1)
    slack.mention("hanako", "it-help", QUESTION)
    slack.wait_until(lambda: slack.ephemerals("hanako"))
    [apology] = slack.ephemerals("hanako")
    assert "問題が起きました" in apology.shown
    assert "restricted_action" in caplog.text
    token = bot.services.client.token or "?"
    assert token not in caplog.text
    assert QUESTION not in caplog.text


@pytest.mark.parametrize("burst", [BURST])
def test_more_than_one_person_may_ask_is_refused_politely_and_the_rest_answered(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.slow("users.info", seconds=1.5, times=None)
    many = [slack.command("hanako", "it-help", f"/search {QUESTION}", wait=False) for _ in range(110)]
    slack.wait_until(lambda: all(each.finished for each in many), what="every ack")
    settle(slack, bot)
    said = [each.messages[0].shown for each in many if each.messages]
    assert BURST <= sum(ANSWER in each for each in said) < BURST + 10
    assert sum("短い間にたくさん届いたため" in each for each in said) == 1
    assert bot.services.process().counts["too_many"] == 110 - len(said) + 1
    assert max(map(ack_took, slack.envelopes)) < 3


@pytest.mark.usefixtures("bot")
def test_an_edit_during_trouble_is_not_lost(slack: LocalSlack) -> None:
    mentioned = slack.mention("hanako", "it-help", QUESTION)
    reply = slack.reply(mentioned)
    slack.faults.server_error("chat.update", times=1)
    slack.edit(mentioned, f"<@{slack.bot}> VPNにつながりません")
    slack.wait_until(lambda: "ルーターを再起動" in reply.shown)
    assert len(slack.replies(mentioned)) == 1


@pytest.mark.parametrize("kind", ["file_shared", "assistant_thread_started", "assistant_thread_context_changed"])
def test_an_event_that_only_earlier_manifests_ask_for_is_acked(slack: LocalSlack, bot: Bot, kind: str) -> None:
    slack.reply(slack.mention("alice", "it-help", "How do I connect to the office Wi-Fi?"))
    event = next(each for each in slack.envelopes if each.event.get("type") == "app_mention")
    redeliver(slack, event, event={"type": kind, "user": slack.person("alice").id}, event_id=f"Ev0{kind}")
    settle(slack, bot)
    assert len(slack.bot_messages()) == 1
    assert all(each.outcome == "acked" for each in slack.envelopes)

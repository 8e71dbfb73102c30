"""Several replicas are one bot: whichever of them Slack hands a payload to, there is the same answer, and one."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.digest import WeeklyDigest
from bot.playground import LocalSlack
from handlers.channel_rules import AutoReply
from handlers.outbox import Outbox
from handlers.slack.blocks import notice
from handlers.store.installation import Installation
from indexes.encoder import ModelManager
from tests.replicas import replicas
from tests.slack.conftest import reject, settle
from tests.slack.test_digest import MONDAY, asked_in_vain, sent

pytestmark = pytest.mark.usefixtures("knowledge")

QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"
ANSWERING = ConfigFile(promise=0.0, channels={"it-help": ChannelSection(auto_reply=AutoReply.ON, threshold=0.5)})


@pytest.fixture
def both(slack: LocalSlack, tmp_path: Path, postgresql: str, manager: ModelManager, burst: int) -> Iterator[list[Bot]]:
    """Two replicas with the sample files."""
    with replicas(slack, tmp_path, postgresql) as several:
        several.import_files()
        yield [several.start(name, manager, ANSWERING, burst) for name in ("a", "b")]


def settled(slack: LocalSlack, both: list[Bot]) -> None:
    for each in both:
        settle(slack, each)


def left_alone(slack: LocalSlack, gone: Bot) -> None:
    """Stop one of two replicas, and wait until Slack has seen it go."""
    assert gone.stop()
    slack.wait_until(lambda: slack.connections == 1, what="the end of the connection")


def test_slack_hands_payloads_to_one_replica_each_and_all_are_answered_once(slack: LocalSlack, both: list[Bot]) -> None:
    asked = [slack.mention(who, "it-help", QUESTION) for who in ("hanako", "alice", "ichiro", "olivia")]
    slack.wait_until(lambda: all(slack.replies(each) for each in asked), what="the answers")
    settled(slack, both)
    assert [len(slack.replies(each)) for each in asked] == [1, 1, 1, 1]
    delivered = {delivery.connection for each in slack.envelopes for delivery in each.deliveries}
    assert len(delivered) == 2


@pytest.mark.parametrize("how", ["envelope", "retry", "event"])
def test_what_slack_sends_twice_reaches_both_and_is_answered_once(slack: LocalSlack, both: list[Bot], how: str) -> None:
    slack.faults.duplicate(how, times=None)  # type: ignore[arg-type]
    mentioned = slack.mention("hanako", "it-help", QUESTION)
    said = slack.say("alice", "it-help", QUESTION)
    slack.wait_until(lambda: slack.replies(mentioned) and slack.replies(said), what="the answers")
    settled(slack, both)
    assert (len(slack.replies(mentioned)), len(slack.replies(said))) == (1, 1)


def test_buttons_and_forms_of_one_replica_are_served_by_another(slack: LocalSlack, both: list[Bot]) -> None:
    answer = slack.reply(slack.command("hanako", "it-help", f"/search {QUESTION}"))
    opened = slack.command("olivia", "it-help", "/kb add")
    slack.wait_until(lambda: opened.views, what="the form")
    settled(slack, both)
    left_alone(slack, both[0])
    reject(slack, "hanako", answer)
    before = len(slack.bot_messages("it-help"))
    slack.press("hanako", answer, "share")
    slack.wait_until(lambda: len(slack.bot_messages("it-help")) > before, what="the shared answer")
    typed = {"question": "Which number do I dial?", "answer": "0120-000-000"}
    slack.submit("olivia", opened.views[0], typed)
    slack.wait_until(lambda: "it-help" in str(slack.views("olivia")[-1].content), what="the saving")
    found = slack.reply(slack.command("hanako", "it-help", "/search Which number do I dial?"))
    assert "0120-000-000" in found.shown
    assert len(slack.bot_messages("it-help")) == before + 1


def test_quiet_holds_for_all_at_once(slack: LocalSlack, both: list[Bot]) -> None:
    slack.reply(slack.command("olivia", "it-help", "/kb quiet"))
    said = [slack.say(who, "it-help", QUESTION) for who in ("hanako", "alice", "ichiro", "olivia")]
    settled(slack, both)
    assert [slack.replies(each) for each in said] == [[]] * 4
    slack.reply(slack.command("olivia", "it-help", "/kb quiet off"))
    assert ANSWER in slack.reply(slack.say("hanako", "it-help", QUESTION)).shown


@pytest.mark.parametrize("burst", [6])
def test_one_person_may_send_as_much_as_to_one_replica(slack: LocalSlack, both: list[Bot], burst: int) -> None:
    asked = [slack.command("hanako", "it-help", f"/search {QUESTION}", wait=False) for _ in range(burst * 2)]
    slack.wait_until(lambda: sum(bool(each.messages) for each in asked) > burst, what="the answers and the refusal")
    settled(slack, both)
    answered = [each for each in asked if any(ANSWER in message.shown for message in each.messages)]
    assert burst <= len(answered) <= burst + 2  # a token comes back each second
    assert sum(bool(each.messages) for each in asked) == len(answered) + 1  # told once


def test_an_edit_waits_for_the_answer_that_another_replica_is_giving(slack: LocalSlack, both: list[Bot]) -> None:
    slack.faults.slow("chat.postMessage", seconds=1.5)
    mentioned = slack.mention("hanako", "it-help", QUESTION)
    slack.wait_until(lambda: slack.calls_of("chat.postMessage"), what="the call that is slow")
    slack.edit(mentioned, f"<@{slack.bot}> VPNにつながりません")
    slack.wait_until(lambda: any("VPN クライアント" in each.shown for each in slack.replies(mentioned)), what="it")
    settled(slack, both)
    assert len(slack.replies(mentioned)) == 1


def test_of_two_edits_the_newest_one_counts_whichever_replica_is_slower(slack: LocalSlack, both: list[Bot]) -> None:
    mentioned = slack.mention("hanako", "it-help", QUESTION)
    slack.reply(mentioned)
    settled(slack, both)
    slack.faults.slow("conversations.members", seconds=1.0, times=1)
    slack.faults.slow("chat.update", seconds=1.0, times=1)
    slack.edit(mentioned, f"<@{slack.bot}> プリンターで印刷できません")
    slack.edit(mentioned, f"<@{slack.bot}> VPNにつながりません")
    time.sleep(0.5)
    settled(slack, both)
    assert ["VPN クライアント" in each.shown for each in slack.replies(mentioned)] == [True]


def test_whoever_joins_a_channel_is_noticed_by_all(slack: LocalSlack, both: list[Bot]) -> None:
    channel, guest = slack.channel("it-help").id, slack.person("guest").id
    assert [each.services.access.readers(channel).has_outsiders for each in both] == [False, False]
    slack.invite(guest, "it-help")
    slack.wait_until(
        lambda: all(each.services.access.readers(channel).has_outsiders for each in both), timeout=10, what="both"
    )


def test_status_lists_the_replicas_and_what_they_do(slack: LocalSlack, both: list[Bot]) -> None:

    def done() -> list[object]:
        return [each.doing.get("knowledge_bases") for each in both[0].services.membership.all()]

    slack.wait_until(lambda: done() == [3, 3], what="what both do")
    told = slack.reply(slack.command("olivia", "it-help", "/kb status"))
    assert "Replicas* (2)" in told.shown
    assert told.shown.count("knowledge bases 3") == 2
    assert told.shown.count("answered you") == 1
    left_alone(slack, both[0])
    told = slack.reply(slack.command("olivia", "it-help", "/kb status"))
    assert "Replicas* (1)" in told.shown


def test_one_replica_posts_the_digest(slack: LocalSlack, both: list[Bot]) -> None:
    asked_in_vain(slack, both[0])
    settled(slack, both)
    digests = [WeeklyDigest(each.services, slack.channel("dev-faq").id, lambda: MONDAY) for each in both]
    threads = [threading.Thread(target=each.send_if_due) for each in digests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent(slack) == 1


def test_a_digest_is_not_posted_again_if_who_posted_it_died_before_saying_so(
    slack: LocalSlack, both: list[Bot]
) -> None:
    asked_in_vain(slack, both[0])
    settled(slack, both)
    channel = slack.channel("dev-faq").id
    WeeklyDigest(both[0].services, channel, lambda: MONDAY).send_if_due()
    week_before = str((MONDAY - timedelta(days=7)).timestamp())
    Installation(both[1].services.database).set(f"digest:{channel}", week_before)
    WeeklyDigest(both[1].services, channel, lambda: MONDAY + timedelta(hours=1)).send_if_due()
    assert sent(slack) == 1


def test_of_a_message_that_two_posted_the_later_one_is_withdrawn(slack: LocalSlack, both: list[Bot]) -> None:
    """The first hung in the middle of the call, and went on after the second had taken its work over."""
    channel, content = slack.channel("it-help").id, notice("Once").arguments()
    boxes = [Outbox(each.services.client, each.services.database) for each in both]
    posted = []

    def hang_and_go_on() -> None:
        posted.append(boxes[1].post(channel, content, key="Ev1"))

    late = boxes[0].post(channel, content, key="Ev1", ensure_mine=hang_and_go_on)
    assert [each.text for each in slack.bot_messages("it-help")] == ["Once"]
    assert late.ts == posted[0].ts == slack.bot_messages("it-help")[0].ts


@pytest.mark.parametrize("fails", ["when it is tried", "once it is posted"])
def test_of_two_messages_one_stays_although_the_database_fails(slack: LocalSlack, both: list[Bot], fails: str) -> None:
    channel, content = slack.channel("it-help").id, notice("Once").arguments()
    first, other = (Outbox(each.services.client, each.services.database) for each in both)

    def post_and_break() -> None:
        first.post(channel, content, key="Ev1")
        rename_outbox(both[0], "outbox", "gone")

    try:
        if fails == "once it is posted":
            late = other.post(channel, content, key="Ev1", ensure_mine=post_and_break)
        else:
            post_and_break()
            late = other.post(channel, content, key="Ev1")
    finally:
        rename_outbox(both[0], "gone", "outbox")
    assert [(each.text, each.ts) for each in slack.bot_messages("it-help")] == [("Once", late.ts)]


def rename_outbox(bot: Bot, name: str, other: str) -> None:
    """Let what is done with the table fail, or work again."""
    with bot.services.database.own_connection() as connection, connection.begin():
        connection.execute(text(f"ALTER TABLE {name} RENAME TO {other}"))

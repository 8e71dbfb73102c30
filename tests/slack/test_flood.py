"""More than the bot can take in: nobody else notices, everybody who asked is answered or told, and admins see it."""

import time
from collections.abc import Callable
from itertools import count
from threading import Event, Thread

import pytest

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import Interaction, LocalSlack, Person
from bot.status import format_status, read_status, write_status
from handlers.channel_rules import AutoReply
from handlers.fair_turns import Source
from handlers.inbox import WAIT_SECONDS
from handlers.queue import LIMITS, WORKERS, Admission, Kind
from handlers.token_buckets import BURST, PRESS
from tests.slack.conftest import Start, ack_took, settle
from tests.stalls import stalls
from tests.state import change, rows_of

pytestmark = pytest.mark.usefixtures("lawful")
WIFI = "How do I connect to the office Wi-Fi?"
ANSWER, TOO_MANY, BUSY = "Choose the network", "That was a lot at once", "Many questions are coming in"


@pytest.fixture
def burst() -> int:
    """As much as people may ask out of the box."""
    return BURST


def crowd(slack: LocalSlack, number: int, where: str = "it-help") -> list[Person]:
    """Add people to a channel."""
    people = slack._do(lambda: [slack.workspace.add_person(f"p{each}", f"Person {each}") for each in range(number)])
    slack.channel(where).members += [person.id for person in people]
    return people


def flood(slack: LocalSlack, people: list[Person], number: int, where: str = "it-help") -> list[Interaction]:
    """Let people send so many commands, one after the other, within about a second."""
    started, sent = time.monotonic(), list[Interaction]()
    for each in range(number):
        time.sleep(max(started + each / number - time.monotonic(), 0))
        sent.append(slack.command(people[each % len(people)], where, f"/search {WIFI}", wait=False))
    return sent


def watched(slack: LocalSlack, act: Callable[[], None]) -> list[float]:
    """How long two bystanders in another channel wait for their answers while something happens, in seconds.

    Time that the machine gave to other processes does not count.
    """
    over, waits = Event(), list[float]()

    def ask(who: str) -> None:
        while not over.is_set():
            since = time.monotonic()
            answer = slack.reply(slack.command(who, "dev-faq", "/search ERR-4012", wait=False))
            took = time.monotonic() - since
            waits.append(took - stalls().during(since, took) if "larger than 50 MB" in answer.shown else 99.0)
            over.wait(0.5)

    asking = [Thread(target=ask, args=(who,)) for who in ("olivia", "ichiro")]
    for each in asking:
        each.start()
    act()
    over.set()
    for each in asking:
        each.join()
    return waits


def everybody_acked(slack: LocalSlack, sent: list[Interaction]) -> float:
    """The longest wait for an ack."""
    slack.wait_until(lambda: all(each.finished for each in sent), what="every ack")
    return max(ack_took(each.envelope) for each in sent if each.envelope)


def test_one_person_who_floods_is_told_once_and_nobody_else_waits(slack: LocalSlack, bot: Bot) -> None:
    sent = list[Interaction]()

    def act() -> None:
        sent.extend(flood(slack, [slack.person("alice")], 100))
        settle(slack, bot)

    waits = watched(slack, act)
    assert everybody_acked(slack, sent) < 1
    told = [message.shown for message in slack.ephemerals("alice")]
    notices = [text for text in told if TOO_MANY in text]
    assert notices == ["That was a lot at once, so I left out what came in last. Please ask again in 15 s."]
    assert BURST <= len(told) - 1 <= BURST + 5
    assert all(ANSWER in text for text in told if text not in notices)
    assert bot.services.process().counts["too_many"] == 100 - len(told) + 1
    assert sorted(waits)[int(len(waits) * 0.95)] < 2


def test_a_flood_of_mentions_is_told_about_in_the_persons_language(slack: LocalSlack, bot: Bot) -> None:
    for _ in range(BURST + 10):
        slack.mention("hanako", "it-help", "こんにちは")
    settle(slack, bot)
    [told] = slack.ephemerals("hanako")
    assert told.shown == (
        "短い間にたくさん届いたため、最後のほうにはお答えしていません。15秒ほど待ってから、もう一度お試しください。"
    )


def press_until(over: Event, bot: Bot, user: str) -> None:
    """Press as fast as may be: what comes back with time is used up at once."""
    while not over.wait(0.01):
        while bot.services.queue.may_ask(user, PRESS) is Admission.ACCEPTED:
            pass


def test_a_form_of_a_person_who_floods_stays_as_it_was_typed(slack: LocalSlack, bot: Bot) -> None:
    opened = slack.command("olivia", "it-help", "/kb add")
    slack.wait_until(lambda: opened.views, what="the form")
    over = Event()
    flooding = Thread(target=press_until, args=(over, bot, slack.person("olivia").id))
    flooding.start()
    typed = {"question": "How do I scan?", "answer": "Use the scanner on floor 2."}
    slack.wait_until(lambda: bot.services.process().counts["too_many"], what="the end of what one person may ask")
    sent = slack.submit("olivia", opened.views[0], typed)
    over.set()
    flooding.join()
    assert list(sent.errors.values()) == [
        "That was a lot at once, so I left out what came in last. Please ask again in 15 s."
    ]


def test_an_admin_who_presses_one_button_after_the_other_is_not_stopped(slack: LocalSlack, bot: Bot) -> None:
    answer = slack.reply(slack.command("olivia", "it-help", f"/search {WIFI}"))
    for _ in range(BURST * 2):
        slack.press("olivia", answer, "kb_edit_record")
    settle(slack, bot)
    assert bot.services.process().counts["too_many"] == 0


@pytest.mark.long("asks hundreds of questions")
def test_a_burst_of_many_people_is_acked_and_everybody_is_answered_or_told(slack: LocalSlack, bot: Bot) -> None:
    people, sent = crowd(slack, 250), list[Interaction]()

    def act() -> None:
        sent.extend(flood(slack, people, 500))
        settle(slack, bot)

    waits = watched(slack, act)
    assert everybody_acked(slack, sent) < 1
    answered = [each for each in sent if each.messages and ANSWER in each.messages[0].shown]
    told = {each.person.id for each in sent if each.messages and BUSY in each.messages[0].shown}
    assert {each.person.id for each in sent if each not in answered} <= told
    assert len(answered) >= LIMITS[Kind.ASKED].waiting_in_place
    counts = bot.services.process().counts
    assert counts == dict.fromkeys(counts, 0) | {"busy": 500 - len(answered), "unkept": counts["unkept"]}
    slow = [each for each in sent if (each.acked_after or 0.0) >= WAIT_SECONDS]
    assert counts["unkept"] <= len(slow), "only what waited for the inbox as long as it may is acked without it"
    assert sorted(waits)[int(len(waits) * 0.95)] < 2


def test_messages_that_nobody_addressed_wait_and_are_counted_when_there_is_no_room(
    slack: LocalSlack, start: Start
) -> None:
    bot, release = start(ConfigFile(auto_reply=AutoReply.ON, threshold=0.5)), Event()
    settle(slack, bot)  # what the bot does by itself at its start takes no place any more
    place = slack.channel("it-help").id
    limits, strangers = LIMITS[Kind.MESSAGE], (Source(f"U-{number}", place) for number in count())
    while len(bot.services.queue) < limits.waiting_in_place + limits.running_in_place:
        bot.services.queue.put(Kind.MESSAGE, next(strangers), lambda: assert_released(release))
    before = bot.services.process().counts["dropped_messages"]
    try:
        for _ in range(3):
            slack.say("alice", "it-help", WIFI)
        slack.quiet(0.1)
        asked = slack.command("alice", "it-help", f"/search {WIFI}")
        assert ANSWER in slack.reply(asked).shown
        english = slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
        japanese = slack.reply(slack.command("ichiro", "it-help", "/kb status")).shown
    finally:
        release.set()
    assert "Waiting: requests 0 · channel messages 256 · other events 0" in english
    assert f"Since the start: channel messages skipped because too many came at once: {before + 3}" in english
    assert "待ちの内訳: 質問や操作 0件 · チャンネルの投稿 256件 · その他 0件" in japanese
    assert f"起動してから: 投稿が集中し、確認しなかったチャンネルの投稿 {before + 3}件" in japanese
    settle(slack, bot)
    data = bot.services.config.uploads_dir.parent
    write_status(data, bot.services)
    status = read_status(data)
    assert status is not None
    text = format_status(status)
    waiting = "0 requests, 0 requests of programs, 0 other events, 0 channel messages"
    assert f"Waiting: 0 to be told that there was no room, {waiting}" in text
    assert (
        "Since the start: 0 acks after more than 3 s, 0 events sent again by Slack,"
        f" {before + 3} channel messages skipped for want of room\n" in text
    )


def test_events_that_slack_sends_again_are_counted(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.duplicate("retry")
    slack.mention("alice", "it-help", WIFI)
    settle(slack, bot)
    text = slack.reply(slack.command("olivia", "it-help", "/kb status")).shown
    assert "confirmed to Slack after more than 3 s: 0 · sent again by Slack: 1" in text


@pytest.mark.postgresql
def test_whoever_waits_longer_than_a_request_is_kept_is_answered(slack: LocalSlack, bot: Bot, state_url: str) -> None:
    """While Slack has trouble, all workers may be busy for minutes."""
    release, kept = Event(), "SELECT key FROM inbox"
    for number in range(WORKERS):
        bot.services.queue.put(Kind.ASKED, Source(f"U-{number}", f"C-{number}"), lambda: assert_released(release))
    asked = slack.command("alice", "it-help", f"/search {WIFI}")
    slack.wait_until(lambda: rows_of(state_url, kept), what="the request")
    change(state_url, "DELETE FROM inbox")
    release.set()
    assert ANSWER in slack.reply(asked).shown


def assert_released(event: Event) -> None:
    assert event.wait(60)

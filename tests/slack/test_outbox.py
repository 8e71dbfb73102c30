"""A call of Slack may fail before it is performed or after: what is posted is there once, and never twice."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from bot.app import Bot
from bot.config_file import ChannelSection, ConfigFile
from bot.playground import LocalSlack, Message
from handlers.channel_rules import AutoReply
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.store.outbox import KEEP_SECONDS, Posts, outbox
from tests.slack.conftest import Start, settle, stop

QUESTION, ANSWER = "パスワードを忘れました", "再設定ページから"
POST = "chat.postMessage"


def server_error(slack: LocalSlack, **details: Any) -> None:
    slack.faults.server_error(POST, **details)


ASKING: dict[str, Callable[[LocalSlack], object]] = {
    "mention": lambda slack: slack.mention("hanako", "it-help", QUESTION),
    "dm": lambda slack: slack.dm("hanako", QUESTION),
    "auto": lambda slack: slack.say("hanako", "it-help", QUESTION),
}
FAILURES: dict[str, Callable[[LocalSlack], None]] = {
    **{
        f"{status} {'after' if applied else 'before'}": partial(server_error, status=status, applied=applied)
        for status in (500, 502, 503)
        for applied in (False, True)
    },
    "dropped after": lambda slack: slack.faults.drop_response(POST),
    "dropped before": lambda slack: slack.faults.drop_response(POST, applied=False),
    "internal_error": lambda slack: slack.faults.error(POST, "internal_error"),
    "twice": partial(server_error, status=500, times=2),
}


@pytest.fixture
def bot(start: Start) -> Bot:
    return start(ConfigFile(channels={"it-help": ChannelSection(auto_reply=AutoReply.ON, threshold=0.5)}))


def messages(slack: LocalSlack) -> list[Message]:
    return [*slack.bot_messages(), *slack.ephemerals("hanako")]


def said(slack: LocalSlack, before: Sequence[Message] = ()) -> list[str]:
    """What hanako has read since."""
    return [each.shown for each in messages(slack) if each not in before]


def answered_once(slack: LocalSlack, bot: Bot, before: Sequence[Message] = (), why: str = "") -> None:
    slack.wait_until(lambda: said(slack, before), what=f"the answer {why}")
    settle(slack, bot)
    assert [ANSWER in each for each in said(slack, before)] == [True], why


@pytest.mark.parametrize("how", ASKING)
@pytest.mark.usefixtures("lawful")
def test_an_answer_is_there_once_however_its_call_failed(slack: LocalSlack, bot: Bot, how: str) -> None:
    for failure, inject in FAILURES.items():
        before = messages(slack)
        inject(slack)
        ASKING[how](slack)
        answered_once(slack, bot, before, failure)
        slack.faults.clear()


@pytest.mark.long("waits until a call is given up")
@pytest.mark.usefixtures("lawful")
def test_a_call_that_slack_performs_after_it_was_given_up_is_found(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.slow(POST, seconds=12)
    ASKING["mention"](slack)
    answered_once(slack, bot)
    assert len(slack.calls_of(POST)) == 1


@pytest.mark.usefixtures("lawful")
def test_a_copy_that_appears_after_the_message_was_posted_again_is_deleted(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.drop_response(POST)
    slack.faults.stale_read("conversations.replies")
    ASKING["mention"](slack)
    answered_once(slack, bot)
    assert len(slack.calls_of(POST)) == 2


@pytest.mark.parametrize("reading", ["503", "dropped", "429"])
@pytest.mark.usefixtures("lawful")
def test_nothing_is_posted_again_before_it_is_known_that_it_is_not_there(
    slack: LocalSlack, bot: Bot, reading: str
) -> None:
    if reading == "429":
        slack.faults.rate_limit("conversations.replies", retry_after=1, times=2)
    elif reading == "503":
        slack.faults.server_error("conversations.replies", times=2)
    else:
        slack.faults.drop_response("conversations.replies", times=2)
    slack.faults.server_error(POST, status=500, applied=True)
    ASKING["mention"](slack)
    answered_once(slack, bot)
    assert len(slack.calls_of(POST)) == 1


@pytest.mark.usefixtures("lawful")
def test_where_messages_cannot_be_read_back_an_error_is_worth_one_more_try(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.error("conversations.replies", "missing_scope", times=None)
    slack.faults.server_error(POST, status=502)
    ASKING["mention"](slack)
    answered_once(slack, bot)
    assert len(slack.calls_of(POST)) == 2


def test_an_answer_whose_thread_is_gone_is_taken_back_although_the_response_was_lost(
    slack: LocalSlack, bot: Bot
) -> None:
    slack.faults.slow("conversations.members", seconds=1.5)
    slack.faults.drop_response(POST)
    question = slack.mention("hanako", "it-help", QUESTION)
    slack.wait_until(lambda: slack.calls_of("conversations.members"), what="the look at the readers")
    slack.delete(question)
    slack.wait_until(lambda: slack.calls_of(POST), what="the post")
    settle(slack, bot)
    slack.wait_until(lambda: not said(slack), what="the deletion")


@pytest.mark.long("waits for Slack for a minute")
def test_while_slack_takes_no_messages_the_asker_is_told(slack: LocalSlack, bot: Bot, longest: float) -> None:
    slack.faults.server_error(POST, status=500, times=None)
    ASKING["mention"](slack)
    slack.wait_until(lambda: slack.ephemerals("hanako"), longest)
    settle(slack, bot)
    assert ["Slack の調子が悪く" in each for each in said(slack)] == [True]


@pytest.fixture
def longest() -> float:
    """Seconds after which a post is given up, with room for the last try."""
    return 90.0


def send_once(services: Services, place: str) -> None:
    services.messenger.send(place, notice("once"), key="k")


@pytest.mark.parametrize("where", ["it-help", "hanako"])
def test_what_has_a_key_is_posted_once_across_a_restart(slack: LocalSlack, start: Start, where: str) -> None:
    """The first process ends before it hears that the message was posted."""
    first = start()
    place = slack.channel(where).id if where == "it-help" else slack.person(where).id
    slack.faults.drop_response(POST)
    slack.faults.error("conversations.history", "token_revoked")
    slack.faults.error("users.conversations", "token_revoked")
    with pytest.raises(OSError, match="closed"):
        send_once(first.services, place)
    stop(slack, first)
    slack.faults.clear()
    again = start()
    assert again.services.messenger.outbox.was_posted("k")
    assert not again.services.messenger.outbox.was_posted("another")
    send_once(again.services, place)
    assert [each.shown for each in slack.bot_messages()] == ["once"]
    stop(slack, again)
    last = start()
    slack.faults.error("*", "fatal_error", times=None)
    assert last.services.messenger.outbox.was_posted("k")
    slack.faults.clear()


def test_what_slack_refused_may_be_posted_under_the_same_key(slack: LocalSlack, start: Start) -> None:
    messenger = start().services.messenger
    place = slack.channel("it-help").id
    slack.faults.error(POST, "restricted_action")
    assert messenger.inform(place, notice("once")) is None
    assert not messenger.outbox.was_posted("k")
    assert messenger.send(place, notice("once"), key="k")
    assert messenger.outbox.was_posted("k")


def test_nobody_reads_more_in_the_metadata_than_an_id(slack: LocalSlack, bot: Bot) -> None:
    ASKING["dm"](slack)
    slack.wait_until(slack.bot_messages, what="the answer")
    settle(slack, bot)
    [message] = slack.bot_messages()
    assert message.metadata
    assert message.metadata["event_type"] == "kotae_message"
    assert set(message.metadata["event_payload"]) == {"id"}
    assert len(message.metadata["event_payload"]["id"]) == 32


def test_what_was_posted_is_forgotten_after_a_day(slack: LocalSlack, start: Start) -> None:
    services = start().services
    send_once(services, slack.channel("it-help").id)
    posts = Posts(services.database)
    posts.purge(time.time() - KEEP_SECONDS)
    assert services.messenger.outbox.was_posted("k")
    assert "once" not in str(services.database.read("look", select(outbox)))
    posts.purge(time.time())
    assert services.database.read("look", select(outbox)) == []


READS = ("users.info", "conversations.info", "conversations.members", "users.conversations")


@pytest.mark.parametrize("method", READS)
@pytest.mark.parametrize("status", [500, 502, 504])
@pytest.mark.usefixtures("lawful")
def test_what_is_only_read_is_asked_again(slack: LocalSlack, bot: Bot, method: str, status: int) -> None:
    slack.faults.server_error(method, status=status, times=2)
    ASKING["dm" if method == "users.conversations" else "mention"](slack)
    answered_once(slack, bot)


@pytest.mark.parametrize("method", READS)
@pytest.mark.usefixtures("lawful")
def test_a_read_whose_connection_breaks_twice_is_asked_again(slack: LocalSlack, bot: Bot, method: str) -> None:
    slack.faults.drop_response(method, times=2)
    ASKING["dm" if method == "users.conversations" else "mention"](slack)
    answered_once(slack, bot)


def test_a_pause_that_is_too_long_is_not_begun(slack: LocalSlack, bot: Bot) -> None:
    slack.faults.rate_limit("users.info", retry_after=3600, times=None)
    started = time.monotonic()
    ASKING["mention"](slack)
    slack.wait_until(lambda: slack.ephemerals("hanako"), 30)
    assert time.monotonic() - started < 10
    settle(slack, bot)
    assert ["couldn't check with Slack who you are" in each for each in said(slack)] == [True]


@pytest.mark.parametrize("failure", ["500 before", "500 after", "dropped after"])
def test_what_one_person_sees_is_tried_twice_at_most(slack: LocalSlack, bot: Bot, failure: str) -> None:
    method = "chat.postEphemeral"
    if failure == "dropped after":
        slack.faults.drop_response(method)
    else:
        slack.faults.server_error(method, status=500, applied=failure == "500 after")
    place = slack.channel("it-help").id
    bot.services.messenger.post_ephemeral(place, slack.person("hanako").id, notice("once"))
    assert len(slack.calls_of(method)) == (1 if failure == "dropped after" else 2)
    assert 1 <= len(slack.ephemerals("hanako")) <= 2


@pytest.mark.parametrize("failure", ["500 before", "500 after", "dropped after"])
@pytest.mark.usefixtures("lawful")
def test_a_form_whose_response_is_lost_is_open_and_nothing_is_said(slack: LocalSlack, bot: Bot, failure: str) -> None:
    if failure == "dropped after":
        slack.faults.drop_response("views.open")
    else:
        slack.faults.server_error("views.open", status=500, applied=failure == "500 after")
    slack.command("olivia", "it-help", "/kb add")
    slack.wait_until(lambda: slack.views("olivia"), what="the form")
    settle(slack, bot)
    assert len(slack.views("olivia")) == 1
    assert slack.ephemerals("olivia") == []


COMPLETE = "files.completeUploadExternal"
UPLOAD_FAILURES: dict[str, Callable[[LocalSlack], None]] = {
    **{
        f"{status} {'after' if applied else 'before'}": partial(
            lambda slack, **details: slack.faults.server_error(COMPLETE, **details), status=status, applied=applied
        )
        for status in (500, 503)
        for applied in (False, True)
    },
    "dropped after": lambda slack: slack.faults.drop_response(COMPLETE),
    "dropped before": lambda slack: slack.faults.drop_response(COMPLETE, applied=False),
    "internal_error": lambda slack: slack.faults.error(COMPLETE, "internal_error", times=3),
    "bytes refused": lambda slack: slack.faults.server_error("upload", status=503, times=3),
}


def files_and_losses(slack: LocalSlack) -> tuple[int, int]:
    """How many files olivia has, and of how many losses she was told."""
    files = [file for each in slack.bot_messages(slack.person("olivia")) for file in each.files]
    return len(files), len([each for each in slack.ephemerals("olivia") if "Slack" in each.shown])


def test_a_file_is_there_once_or_its_loss_is_told(slack: LocalSlack, bot: Bot) -> None:
    for failure, inject in UPLOAD_FAILURES.items():
        files, losses = files_and_losses(slack)
        inject(slack)
        slack.command("olivia", "it-help", "/kb export it-help")
        slack.quiet(0.3)
        settle(slack, bot)
        lost = failure in {"internal_error", "bytes refused"}
        assert files_and_losses(slack) == ((files, losses + 1) if lost else (files + 1, losses)), failure
        slack.faults.clear()


@pytest.mark.parametrize("failure", ["500 after", "500 before", "dropped after"])
def test_a_picture_is_uploaded_once(slack: LocalSlack, bot: Bot, failure: str) -> None:
    UPLOAD_FAILURES[failure](slack)
    told = slack.reply(slack.command("olivia", "it-help", "/kb stats 7"))
    assert [block["type"] for block in told.blocks or []].count("image") == 1
    settle(slack, bot)
    assert [file.complete for file in slack.workspace.files.values()] == [True]

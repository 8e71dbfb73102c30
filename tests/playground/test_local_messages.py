from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient

from bot.playground import DEFAULT_SCOPES, LocalSlack, NotPossibleError
from tests.playground.helpers import Refusal, buttons, client_of, section


def test_posting(slack: LocalSlack, client: WebClient) -> None:
    channel = slack.channel("it-help")
    answer = client.chat_postMessage(channel=channel.id, text="fallback", blocks=[section("Hello *you*")])
    (message,) = slack.history("it-help")
    assert (answer["channel"], answer["ts"]) == (channel.id, message.ts)
    assert (message.user, message.text, message.shown) == (slack.bot, "fallback", "Hello *you*")
    assert answer["message"]["bot_profile"]["app_id"] == slack.workspace.app_id
    assert answer["message"]["blocks"][0]["block_id"]
    assert not message.edited
    assert message.thread_ts is None
    assert message.ephemeral_to is None


def test_timestamps_are_unique_and_increase(client: WebClient) -> None:
    stamps = [client.chat_postMessage(channel="it-help", text=str(number))["ts"] for number in range(20)]
    assert stamps == sorted(set(stamps))


def test_where_the_bot_may_post(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    post = client.chat_postMessage
    assert refused(post, channel=slack.channel("random").id, text="x")["error"] == "not_in_channel"
    assert refused(post, channel=slack.channel("keiri").id, text="x")["error"] == "channel_not_found"
    assert refused(post, channel="C0NOWHERE", text="x")["error"] == "channel_not_found"
    slack.archive("dev-faq")
    assert refused(post, channel=slack.channel("dev-faq").id, text="x")["error"] == "is_archived"
    assert post(channel="#it-help", text="by name")["ok"]
    hanako = slack.people["hanako"]
    assert post(channel=hanako.id, text="to a person")["channel"] == slack.channel(hanako).id


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"blocks": []}, "no_text"),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": '{"type": "divider"}'}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("y" * 2500)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "y" * 12001}, "msg_too_long"),
        ({"text": "x", "attachments": "none"}, "invalid_attachments"),
        ({"text": "x", "attachments": ["none"]}, "invalid_attachments"),
        ({"text": "x", "metadata": "{"}, "invalid_metadata_format"),
        ({"text": "x", "metadata": ["made"]}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "made"}}, "invalid_metadata_schema"),
        ({"text": "x", "metadata": {"event_type": 1, "event_payload": {}}}, "invalid_metadata_schema"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "attachments": [{"blocks": [section("")]}]}, "invalid_blocks"),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
    ],
)
def test_what_may_not_be_posted(
    slack: LocalSlack, client: WebClient, refused: Refusal, content: dict[str, object], error: str
) -> None:
    answer = refused(client.api_call, "chat.postMessage", json={"channel": slack.channel("it-help").id, **content})
    assert answer["error"] == error
    assert slack.history("it-help") == []


def test_the_offence_is_named_as_slack_does(client: WebClient, refused: Refusal) -> None:
    answer = refused(client.chat_postMessage, channel="it-help", text="x", blocks=[section("y" * 3001)])
    complaint = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {complaint}"]


def test_very_long_texts_are_cut_and_long_ones_noted(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postMessage(channel="it-help", text="x" * 40_001)
    (message,) = slack.history("it-help")
    assert len(message.text) == 40_000
    assert slack.warnings == ["a text of 40001 characters: Slack advises at most 4000"]


# -- Metadata --------------------------------------------------------------------------------------------

MADE = {"event_type": "made", "event_payload": {"id": "1"}}
STRIPPED = {"event_type": "made", "event_payload": {}}


def test_metadata_is_read_back_with_the_scopes_of_the_history_when_asked_for(
    slack: LocalSlack, client: WebClient
) -> None:
    channel = slack.channel("it-help").id
    posted = client.chat_postMessage(channel=channel, text="x", metadata=MADE)
    client.chat_postMessage(channel=channel, text="y", thread_ts=posted["ts"], metadata=MADE)
    assert posted["message"]["metadata"] == STRIPPED
    assert client.conversations_history(channel=channel)["messages"][0]["metadata"] == STRIPPED
    assert client.conversations_history(channel=channel, include_all_metadata=True)["messages"][0]["metadata"] == MADE
    thread = client.conversations_replies(channel=channel, ts=posted["ts"], include_all_metadata=True)["messages"]
    assert [each["metadata"] for each in thread] == [MADE, MADE]


def test_an_update_keeps_metadata_unless_it_brings_others(slack: LocalSlack, client: WebClient) -> None:
    channel = slack.channel("it-help").id
    ts = str(client.chat_postMessage(channel=channel, text="x", metadata=MADE)["ts"])
    (message,) = slack.history("it-help")
    client.chat_update(channel=channel, ts=ts, text="y")
    assert message.metadata == MADE
    client.chat_update(channel=channel, ts=ts, text="y", metadata={})
    assert message.metadata is None


# -- Threads ---------------------------------------------------------------------------------------------


def test_threads(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    reply = client.chat_postMessage(channel=question.channel, text="Yes", thread_ts=question.ts)
    assert reply["message"]["parent_user_id"] == slack.people["alice"].id
    assert [message.text for message in slack.history("it-help")] == ["Hi?"]
    assert [message.text for message in slack.replies(question)] == ["Yes"]
    history = client.conversations_history(channel=question.channel)["messages"]
    assert [(message["text"], message["reply_count"]) for message in history] == [("Hi?", 1)]
    thread = client.conversations_replies(channel=question.channel, ts=question.ts)["messages"]
    assert [message["text"] for message in thread] == ["Hi?", "Yes"]


def test_a_thread_can_be_asked_for_by_any_of_its_messages(
    slack: LocalSlack, client: WebClient, refused: Refusal
) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    first = slack.say("hanako", "it-help", "One", thread_ts=question.ts)
    slack.say("hanako", "it-help", "Two", thread_ts=first.ts)
    thread = client.conversations_replies(channel=question.channel, ts=first.ts)["messages"]
    assert [message["text"] for message in thread] == ["Hi?", "One", "Two"]
    missing = refused(client.conversations_replies, channel=question.channel, ts="1.000000")
    assert missing["error"] == "thread_not_found"


def test_answers_to_a_deleted_question_land_in_the_channel(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    slack.delete(question)
    answer = client.chat_postMessage(channel=question.channel, text="Yes", thread_ts=question.ts)
    assert "thread_ts" not in answer["message"]
    assert [message.text for message in slack.history("it-help")] == ["Yes"]
    assert "is of no message" in slack.warnings[0]


def test_a_tombstone_keeps_its_thread(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    for _ in range(2):
        answer = client.chat_postMessage(channel=question.channel, text="Yes", thread_ts=question.ts)
        assert answer["message"]["thread_ts"] == question.ts
        slack.delete(question)


def test_answering_a_reply_goes_to_its_thread_and_is_noted(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    reply = slack.say("alice", "it-help", "Anyone?", thread_ts=question.ts)
    answer = client.chat_postMessage(channel=question.channel, text="Yes", thread_ts=reply.ts)
    assert answer["message"]["thread_ts"] == question.ts
    assert len(slack.warnings) == 1


def test_broadcast_replies_stand_in_the_channel_too(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    client.chat_postMessage(channel=question.channel, text="All!", thread_ts=question.ts, reply_broadcast=True)
    shown, told = slack.history("it-help")[1], client.conversations_history(channel=question.channel)["messages"][0]
    assert (shown.text, told["subtype"], told["thread_ts"]) == ("All!", "thread_broadcast", question.ts)


def test_history_is_newest_first_within_bounds(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    one, two, three = (slack.say("alice", "it-help", text) for text in ("1", "2", "3"))

    def texts(**bounds: object) -> str:
        answer = client.api_call("conversations.history", params={"channel": one.channel, **bounds})
        return "".join(message["text"] for message in answer["messages"])

    assert texts() == "321"
    assert texts(oldest=one.ts) == "32"
    assert texts(oldest=one.ts, inclusive=True) == "321"
    assert texts(latest=two.ts, oldest=two.ts, inclusive=True) == "2"
    assert texts(latest=three.ts, limit=1) == "2"
    random = slack.channel("random").id
    assert refused(client.conversations_history, channel=random)["error"] == "not_in_channel"


# -- Changing --------------------------------------------------------------------------------------------


def test_updating_keeps_what_is_not_given(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    posted = client.chat_postMessage(channel="it-help", text="one", blocks=[section("block")])
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    (message,) = slack.history("it-help")
    assert client.chat_update(**where, text="two")["message"]["edited"]["user"] == slack.bot
    assert (message.text, message.shown, message.edited) == ("two", "block", True)
    client.chat_update(**where, text="three", blocks=[])
    assert message.shown == "three"
    assert refused(client.chat_update, **where, text="x" * 4001)["error"] == "msg_too_long"
    assert refused(client.api_call, "chat.update", json={**where, "text": ""})["error"] == "no_text"
    assert refused(client.chat_update, **where, text="x", blocks=[{"type": "?"}])["error"] == "invalid_blocks"
    assert message.text == "three"


def test_what_may_not_be_changed(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    theirs = slack.say("alice", "it-help", "mine")
    where = {"channel": theirs.channel, "ts": theirs.ts}
    assert refused(client.chat_update, **where, text="x")["error"] == "cant_update_message"
    assert refused(client.chat_delete, **where)["error"] == "cant_delete_message"
    hanako = slack.people["hanako"].id
    ephemeral = client.chat_postEphemeral(channel=theirs.channel, user=hanako, text="psst")["message_ts"]
    nowhere = {"channel": theirs.channel, "ts": ephemeral}
    assert refused(client.chat_update, **nowhere, text="x")["error"] == "cant_update_message"
    assert refused(client.chat_delete, **nowhere)["error"] == "cant_delete_message"
    missing = {"channel": theirs.channel, "ts": "1.000000"}
    assert refused(client.chat_update, **missing, text="x")["error"] == "message_not_found"
    assert refused(client.chat_delete, **missing)["error"] == "message_not_found"


def test_deleting(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    posted = client.chat_postMessage(channel="it-help", text="one")
    (message,) = slack.history("it-help")
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    client.chat_delete(**where)
    assert message.deleted
    assert slack.history("it-help") == []
    assert refused(client.chat_update, **where, text="x")["error"] == "message_not_found"


def test_a_deleted_question_with_answers_leaves_a_tombstone(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    client.chat_postMessage(channel=question.channel, text="Yes", thread_ts=question.ts)
    slack.delete(question)
    (told,) = client.conversations_history(channel=question.channel)["messages"]
    assert (told["subtype"], told["user"], told["text"]) == ("tombstone", "USLACKBOT", "This message was deleted.")
    assert len(slack.replies(question)) == 1


# -- Ephemerals, links, reactions ------------------------------------------------------------------------


def test_ephemerals_are_for_one_person_and_enter_no_history(
    slack: LocalSlack, client: WebClient, refused: Refusal
) -> None:
    channel = slack.channel("it-help").id
    hanako = slack.people["hanako"].id
    client.chat_postEphemeral(channel=channel, user=hanako, text="psst", blocks=[buttons("OK")])
    (message,) = slack.ephemerals("hanako")
    assert (message.text, message.ephemeral_to) == ("psst", hanako)
    assert slack.ephemerals("alice") == []
    assert slack.ephemerals("hanako", "general") == []
    assert slack.history("it-help") == []
    assert client.conversations_history(channel=channel)["messages"] == []
    stranger = slack.people["stranger"].id
    answer = refused(client.chat_postEphemeral, channel=channel, user=stranger, text="x")
    assert answer["error"] == "user_not_in_channel"


def test_permalinks(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    reply = slack.say("alice", "it-help", "Anyone?", thread_ts=question.ts)
    link = client.chat_getPermalink(channel=question.channel, message_ts=question.ts)["permalink"]
    assert link == f"https://kotae-try.slack.com/archives/{question.channel}/p{question.ts.replace('.', '')}"
    in_thread = client.chat_getPermalink(channel=reply.channel, message_ts=reply.ts)["permalink"]
    assert in_thread.endswith(f"?thread_ts={question.ts}&cid={reply.channel}")
    missing = refused(client.chat_getPermalink, channel=question.channel, message_ts="1.000000")
    assert missing["error"] == "message_not_found"


def test_reactions(refused: Refusal) -> None:
    with LocalSlack(scopes=[*DEFAULT_SCOPES, "reactions:write"]) as slack:
        _react(slack, client_of(slack), refused)


def _react(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    question = slack.say("alice", "it-help", "Hi?")
    where = {"channel": question.channel, "timestamp": question.ts}
    client.reactions_add(**where, name="eyes")
    assert question.reactions == {"eyes": [slack.bot]}
    assert refused(client.reactions_add, **where, name="eyes")["error"] == "already_reacted"
    assert refused(client.reactions_add, **where, name="not an emoji")["error"] == "invalid_name"
    client.reactions_remove(**where, name="eyes")
    assert question.reactions == {}
    assert refused(client.reactions_remove, **where, name="eyes")["error"] == "no_reaction"
    gone = {**where, "timestamp": "1.000000"}
    assert refused(client.reactions_add, **gone, name="eyes")["error"] == "message_not_found"


# -- People ----------------------------------------------------------------------------------------------


def test_people_can_only_do_what_slack_lets_them(slack: LocalSlack) -> None:
    for person, channel in [("alice", "keiri"), ("guest", "it-help"), ("external", "it-help")]:
        with pytest.raises(NotPossibleError, match="not a member"):
            slack.say(person, channel, "x")
    with pytest.raises(NotPossibleError, match="deactivated"):
        slack.dm("gone", "x")
    slack.archive("dev-faq")
    with pytest.raises(NotPossibleError, match="archived"):
        slack.say("alice", "dev-faq", "x")
    with pytest.raises(NotPossibleError, match="no such message to reply to"):
        slack.say("alice", "it-help", "x", thread_ts="1.000000")
    with pytest.raises(LookupError, match="nobody called bob"):
        slack.say("bob", "it-help", "x")
    with pytest.raises(LookupError, match="no channel called nowhere"):
        slack.say("alice", "nowhere", "x")


def test_only_pictures_that_slack_has_are_shown(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    file = slack.upload("alice", "it-help", "a.png", b"png").files[0]
    hidden = slack.upload("ichiro", "keiri", "b.png", b"png").files[0]
    place = {"channel": slack.channel("it-help").id, "text": "x"}

    def picture(id_: str) -> dict[str, Any]:
        block = {"type": "image", "alt_text": "x", "slack_file": {"id": id_}}
        return {**place, "blocks": [section("See:"), block]}

    ts = client.chat_postMessage(**picture(file.id))["ts"]
    file.deleted = True
    complaint = ["invalid slack file [json-pointer:/blocks/1/slack_file]"]
    for id_ in (file.id, hidden.id, "F0123456789"):
        body = refused(client.chat_postMessage, **picture(id_))
        assert (body["error"], body["errors"]) == ("invalid_blocks", complaint)
        assert refused(client.chat_update, ts=ts, **picture(id_))["error"] == "invalid_blocks"
    view = {"type": "home", "blocks": picture(file.id)["blocks"]}
    body = refused(client.views_publish, user_id=slack.person("alice").id, view=view)
    assert (body["error"], body["errors"]) == (
        "invalid_arguments",
        ["invalid slack file [json-pointer:/view/blocks/1/slack_file]"],
    )


def test_long_texts_are_advised_against_and_refused_in_updates(
    slack: LocalSlack, client: WebClient, refused: Refusal
) -> None:
    place: dict[str, Any] = {"channel": slack.channel("it-help").id}
    ts = client.chat_postMessage(**place, text="x" * 4000)["ts"]
    assert slack.warnings == []
    assert refused(client.chat_update, **place, ts=ts, text="x" * 4001)["error"] == "msg_too_long"
    client.chat_postMessage(**place, text="x" * 4001)
    assert slack.warnings == ["a text of 4001 characters: Slack advises at most 4000"]

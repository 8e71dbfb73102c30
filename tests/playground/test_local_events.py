from __future__ import annotations

from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.playground import DEFAULT_EVENTS, DEFAULT_SCOPES, LocalSlack, NotPossibleError
from tests.playground.helpers import Connect, client_of

JSON = dict[str, Any]


def events(slack: LocalSlack) -> list[JSON]:
    """What the app was told, in order."""
    return [envelope.event for envelope in slack.envelopes if envelope.kind == "events_api"]


def kinds(slack: LocalSlack) -> list[str]:
    return [event.get("subtype") or event["type"] for event in events(slack)]


def test_a_message_reaches_a_bolt_app(lively: LocalSlack, app: App, connect: Connect) -> None:
    slack = lively
    bodies: list[JSON] = []
    app.event("app_mention")(lambda body: bodies.append(body | {}))
    connect(slack, app)
    message = slack.mention("alice", "it-help", "1 < 2 & #it-help")
    slack.wait_until(lambda: bodies)
    (body,) = bodies
    channel = slack.channel("it-help").id
    assert body["event"] | {"client_msg_id": ""} == {
        "type": "app_mention",
        "channel": channel,
        "user": slack.people["alice"].id,
        "text": f"<@{slack.bot}> 1 &lt; 2 &amp; <#{channel}|it-help>",
        "ts": message.ts,
        "event_ts": message.ts,
        "team": slack.workspace.team_id,
        "client_msg_id": "",
    }
    assert (body["team_id"], body["api_app_id"]) == (slack.workspace.team_id, slack.workspace.app_id)
    assert body["authorizations"][0]["user_id"] == slack.bot
    assert body["event_id"].startswith("Ev")
    assert body["is_ext_shared_channel"] is False


def test_a_mention_is_two_events_with_different_ids(slack: LocalSlack) -> None:
    message = slack.mention("alice", "it-help", "Hi")
    assert kinds(slack) == ["message", "app_mention"]
    assert {event["ts"] for event in events(slack)} == {message.ts}
    assert len({envelope.payload["event_id"] for envelope in slack.envelopes}) == 2


def test_a_direct_message_is_one_event_even_with_a_mention(slack: LocalSlack) -> None:
    slack.dm("alice", "@Kotae hi")
    assert [(event["type"], event["channel_type"]) for event in events(slack)] == [("message", "im")]
    assert events(slack)[0]["channel"].startswith("D")


def test_only_channels_of_the_bot_are_heard(slack: LocalSlack) -> None:
    slack.say("alice", "random", "x")
    slack.mention("alice", "random", "x")
    slack.say("ichiro", "keiri", "x")
    assert events(slack) == []
    slack.invite_bot("keiri", by="ichiro")
    slack.say("ichiro", "keiri", "x")
    assert kinds(slack) == ["channel_join", "member_joined_channel", "message"]
    joined, message = events(slack)[1:]
    assert (joined["user"], joined["inviter"], joined["channel_type"]) == (slack.bot, slack.people["ichiro"].id, "G")
    assert message["channel_type"] == "group"
    slack.remove("bot", "keiri")
    slack.say("ichiro", "keiri", "x")
    assert len(events(slack)) == 3


@pytest.mark.parametrize(
    ("subscriptions", "scopes", "expected"),
    [
        (DEFAULT_EVENTS, DEFAULT_SCOPES, ["message", "app_mention"]),
        (["app_mention"], DEFAULT_SCOPES, ["app_mention"]),
        (["message.channels"], DEFAULT_SCOPES, ["message"]),
        (["message.groups", "message.im"], DEFAULT_SCOPES, []),
        (DEFAULT_EVENTS, ["app_mentions:read"], ["app_mention"]),
        (DEFAULT_EVENTS, ["channels:history"], ["message"]),
    ],
)
def test_events_need_subscription_and_scope(subscriptions: list[str], scopes: list[str], expected: list[str]) -> None:
    with LocalSlack(events=subscriptions, scopes=scopes) as slack:
        slack.mention("alice", "it-help", "x")
        assert kinds(slack) == expected


def test_the_bot_hears_itself(slack: LocalSlack, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="it-help", text="I am <@" + slack.bot + ">")
    (event,) = events(slack)
    assert (event["type"], event["bot_id"], event["app_id"], event["user"], event["ts"]) == (
        "message",
        slack.workspace.bot_id,
        slack.workspace.app_id,
        slack.bot,
        posted["ts"],
    )
    assert "subtype" not in event


def test_ephemerals_cause_no_event(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postEphemeral(channel=slack.channel("it-help").id, user=slack.people["alice"].id, text="x")
    assert events(slack) == []


def test_other_bots_are_heard(slack: LocalSlack) -> None:
    slack.other_bot_says("it-help", "build broken?")
    (event,) = events(slack)
    assert (event["subtype"], event["username"], event["bot_id"]) == ("bot_message", "Jenkins", "B0OTHERBOT")


def test_edits(slack: LocalSlack) -> None:
    message = slack.say("alice", "it-help", "one")
    slack.edit(message, "two & three")
    event = events(slack)[-1]
    assert (event["subtype"], event["hidden"]) == ("message_changed", True)
    assert (event["previous_message"]["text"], event["message"]["text"]) == ("one", "two &amp; three")
    assert event["message"]["ts"] == message.ts != event["ts"]
    assert event["message"]["edited"]["user"] == slack.people["alice"].id
    assert message.edited


def test_unfurls_change_a_message_but_not_its_text(slack: LocalSlack) -> None:
    message = slack.say("alice", "it-help", "see https://example.com/")
    slack.unfurl(message)
    event = events(slack)[-1]
    assert event["subtype"] == "message_changed"
    assert event["message"]["text"] == event["previous_message"]["text"]
    assert event["message"]["attachments"]
    assert "edited" not in event["message"]
    assert not message.edited


def test_the_bots_own_edits_and_deletions_are_heard(slack: LocalSlack, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="it-help", text="one")
    client.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")
    client.chat_delete(channel=posted["channel"], ts=posted["ts"])
    assert kinds(slack) == ["message", "message_changed", "message_deleted"]
    assert events(slack)[1]["message"]["bot_id"] == slack.workspace.bot_id


def test_deletions(slack: LocalSlack) -> None:
    message = slack.say("alice", "it-help", "one")
    slack.delete(message)
    event = events(slack)[-1]
    assert (event["subtype"], event["hidden"], event["deleted_ts"]) == ("message_deleted", True, message.ts)
    assert event["previous_message"]["text"] == "one"
    with pytest.raises(NotPossibleError, match="was deleted"):
        slack.edit(message, "two")


def test_the_deletion_of_an_answered_question_is_a_change_to_a_tombstone(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "one")
    client.chat_postMessage(channel=question.channel, text="x", thread_ts=question.ts)
    slack.delete(question)
    event = events(slack)[-1]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    assert (event["message"]["ts"], event["previous_message"]["text"]) == (question.ts, "one")


def test_a_tombstone_goes_with_its_last_reply(slack: LocalSlack, client: WebClient) -> None:
    question = slack.say("alice", "it-help", "one")
    reply = client.chat_postMessage(channel=question.channel, text="x", thread_ts=question.ts)
    slack.delete(question)
    client.chat_delete(channel=question.channel, ts=reply["ts"])
    ours, theirs = events(slack)[-2:]
    assert (ours["subtype"], ours["deleted_ts"]) == ("message_deleted", reply["ts"])
    assert (theirs["deleted_ts"], theirs["previous_message"]["subtype"]) == (question.ts, "tombstone")
    assert slack.history("it-help") == []


def test_thread_replies_and_broadcasts(slack: LocalSlack) -> None:
    question = slack.say("alice", "it-help", "one")
    slack.say("hanako", "it-help", "two", thread_ts=question.ts)
    slack.say("hanako", "it-help", "three", thread_ts=question.ts, broadcast=True)
    reply, broadcast = events(slack)[1:]
    assert (reply["thread_ts"], reply["parent_user_id"], "subtype" in reply) == (question.ts, question.user, False)
    assert (broadcast["subtype"], broadcast["root"]["ts"]) == ("thread_broadcast", question.ts)


def test_people_of_other_organisations_are_marked(slack: LocalSlack) -> None:
    slack.mention("external", "partner-it", "x")
    slack.say("alice", "partner-it", "x")
    team = slack.people["external"].team_id
    theirs, mention, ours = events(slack)
    assert (theirs["user_team"], theirs["source_team"], mention["user_team"]) == (team, team, team)
    assert "user_team" not in ours
    shared = {envelope.payload["is_ext_shared_channel"] for envelope in slack.envelopes}
    assert shared == {True}
    assert {envelope.payload["team_id"] for envelope in slack.envelopes} == {slack.workspace.team_id}


def test_joining_is_heard(slack: LocalSlack) -> None:
    slack.invite("guest", "it-help")
    message, joined = events(slack)
    assert message["subtype"] == "channel_join"
    assert (joined["type"], joined["user"]) == ("member_joined_channel", slack.people["guest"].id)
    slack.invite("guest", "it-help")
    assert len(events(slack)) == 2


def test_opening_the_home_tab(slack: LocalSlack, client: WebClient) -> None:
    alice = slack.people["alice"]
    assert slack.open_home("alice", timeout=0.05) is None
    view = client.views_publish(user_id=alice.id, view={"type": "home", "blocks": []})["view"]
    slack.open_home("alice", timeout=0.05)
    slack.open_home("alice", tab="messages")
    first, second, third = events(slack)
    assert (first["tab"], first["channel"], "view" in first) == ("home", slack.channel(alice).id, False)
    assert second["view"]["id"] == view["id"]
    assert (third["tab"], "view" in third) == ("messages", False)


def test_reactions_renames_and_archiving_for_those_who_subscribe() -> None:
    wanted = ["reaction_added", "channel_rename", "channel_archive"]
    with LocalSlack(events=wanted, scopes=[*DEFAULT_SCOPES, "reactions:read"]) as slack:
        message = slack.say("alice", "it-help", "x")
        slack.react("hanako", message, "eyes")
        slack.rename("it-help", "it-desk")
        slack.archive("it-desk")
        reaction, rename, archive = events(slack)
        assert (reaction["reaction"], reaction["item"]["ts"]) == ("eyes", message.ts)
        assert (rename["channel"]["id"], rename["channel"]["name"]) == (message.channel, "it-desk")
        assert archive["channel"] == message.channel
        assert client_of(slack).conversations_info(channel=message.channel)["channel"]["name"] == "it-desk"

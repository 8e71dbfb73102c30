from __future__ import annotations

import time
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot.playground import LocalSlack, NotPossibleError
from tests.playground.helpers import JSON, Connect, RawSocket, Refusal, buttons, client_of, section

# -- Commands --------------------------------------------------------------------------------------------


def test_a_command_tells_the_app_who_where_and_what(lively: LocalSlack, app: App, connect: Connect) -> None:
    bodies: list[JSON] = []

    def search(ack: Ack, body: JSON) -> None:
        ack()
        bodies.append(body)

    app.command("/search")(search)
    connect(lively, app)
    interaction = lively.command("hanako", "it-help", "/search  VPN & <x> @alice ")
    hanako, channel = lively.people["hanako"], lively.channel("it-help")
    assert interaction.error is None
    assert interaction.acked_after is not None
    assert interaction.acked_after < 3
    (body,) = lively.wait_until(lambda: bodies)
    expected = {
        "command": "/search",
        "text": "VPN &amp; &lt;x&gt; @alice",
        "user_id": hanako.id,
        "channel_id": channel.id,
        "channel_name": "it-help",
        "team_id": lively.workspace.team_id,
    }
    assert {key: body[key] for key in expected} == expected


@pytest.mark.parametrize(("where", "name"), [("keiri", "privategroup"), ("dm", "directmessage")])
def test_commands_work_where_the_bot_is_not(
    lively: LocalSlack, app: App, connect: Connect, where: str, name: str
) -> None:
    app.command("/kb")(lambda ack, command: ack(f"in {command['channel_name']}"))
    connect(lively, app)
    interaction = lively.command("olivia", lively.people["olivia"] if where == "dm" else where, "/kb status")
    assert lively.reply(interaction).text == f"in {name}"


def test_an_ack_can_answer(lively: LocalSlack, app: App, connect: Connect) -> None:
    app.command("/search")(lambda ack: ack(text="only you", blocks=[section("*only you*")]))
    app.command("/kb")(lambda ack: ack(text="everybody", response_type="in_channel"))
    connect(lively, app)
    private = lively.command("alice", "it-help", "/search x")
    assert [message.shown for message in private.messages] == ["*only you*"]
    assert lively.ephemerals("alice", "it-help") == private.messages
    public = lively.command("alice", "it-help", "/kb x")
    assert [message.text for message in lively.history("it-help")] == ["everybody"]
    assert lively.history("it-help") == public.messages
    assert public.messages[0].ephemeral_to is None


def test_an_illegal_answer_in_an_ack_is_noted(lively: LocalSlack, app: App, connect: Connect) -> None:
    app.command("/search")(lambda ack: ack(text="x", blocks=[{"type": "nonsense"}]))
    connect(lively, app)
    interaction = lively.command("alice", "it-help", "/search x")
    assert interaction.error == "invalid_blocks"
    assert "unsupported type: nonsense" in lively.warnings[0]


def test_a_command_that_is_not_acked_times_out(connect: Connect) -> None:
    with LocalSlack(ack_seconds=0.2, ping_seconds=0.05) as slack:
        app = App(client=client_of(slack))

        def too_slow(ack: Ack) -> None:
            time.sleep(0.4)
            ack()

        app.command("/search")(too_slow)
        connect(slack, app)
        interaction = slack.command("alice", "it-help", "/search x")
        assert (interaction.error, interaction.messages) == ("operation_timeout", [])
        assert slack.wait_until(lambda: interaction.acked_after or 0) > 0.2


def test_slack_itself_refuses_unknown_commands_and_those_in_threads(slack: LocalSlack) -> None:
    question = slack.say("alice", "it-help", "x")
    assert slack.command("alice", "it-help", "/weather").error == "invalid_command"
    in_thread = slack.command("alice", "it-help", "/search x", thread_ts=question.ts)
    assert in_thread.error == "not_supported_in_threads"
    assert [envelope.kind for envelope in slack.envelopes] == ["events_api"]


@pytest.mark.parametrize("name", ["/remind", "/topic", "search", "/Search", "/a b", "/", "/" + "x" * 33])
def test_reserved_and_malformed_command_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        LocalSlack(commands=(name,))


def test_search_is_reserved_but_only_warned_of() -> None:
    assert "/search" in LocalSlack(commands=("/search", "/kb")).registration_warnings[0]
    assert LocalSlack(commands=("/kb-search",)).registration_warnings == []
    assert LocalSlack(commands=("/remind",), reserved=()).registration_warnings == []


# -- response_url ----------------------------------------------------------------------------------------


def answer_to(slack: LocalSlack, line: str = "/search x") -> WebhookClient:
    return WebhookClient(slack.command("alice", "it-help", line, wait=False).response_url)


def test_a_response_url_posts_for_the_asker_or_for_all(slack: LocalSlack) -> None:
    hook = answer_to(slack)
    assert hook.send(text="one").status_code == 200
    assert hook.send(text="two", response_type="in_channel").body == "ok"
    assert [message.text for message in slack.ephemerals("alice")] == ["one"]
    assert [message.text for message in slack.history("it-help")] == ["two"]
    assert [call.method for call in slack.calls] == ["response_url", "response_url"]


def test_a_response_url_can_answer_in_a_thread(slack: LocalSlack) -> None:
    question = slack.say("alice", "it-help", "x")
    hook = answer_to(slack)
    hook.send_dict({"text": "in thread", "response_type": "in_channel", "thread_ts": question.ts})
    assert [message.text for message in slack.replies(question)] == ["in thread"]


def test_a_response_url_takes_five_answers(slack: LocalSlack) -> None:
    hook = answer_to(slack)
    assert [hook.send(text=str(number)).status_code for number in range(6)] == [200, 200, 200, 200, 200, 404]
    assert len(slack.ephemerals("alice")) == 5
    assert slack.calls[-1].error == "used_url"


def test_a_response_url_expires() -> None:
    with LocalSlack(response_url_seconds=0.05) as brief:
        hook = answer_to(brief)
        time.sleep(0.1)
        answer = hook.send(text="late")
        assert (answer.status_code, brief.calls[-1].error) == (404, "expired_url")
        assert brief.ephemerals("alice") == []


def test_a_response_url_must_exist(slack: LocalSlack) -> None:
    assert WebhookClient(f"{slack.base_url}/commands/T0/1/forged").send(text="x").status_code == 404
    assert slack.calls[-1].error == "no_such_hook"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "x" * 40_001}, "msg_too_long"),
    ],
)
def test_a_response_url_refuses_what_is_illegal(slack: LocalSlack, body: JSON, error: str) -> None:
    answer = answer_to(slack).send_dict(body)
    assert (answer.status_code, slack.calls[-1].error) == (400, error)
    assert slack.ephemerals("alice") == []


# -- Buttons ---------------------------------------------------------------------------------------------


def test_pressing_a_button_on_a_message(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postMessage(channel="it-help", text="x", blocks=[section("?"), buttons("Yes", "No")])
    (message,) = slack.history("it-help")
    interaction = slack.press("hanako", message, "yes", wait=False)
    payload = interaction.payload
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == slack.people["hanako"].id
    assert payload["container"]["message_ts"] == payload["message"]["ts"] == message.ts
    assert payload["container"]["is_ephemeral"] is False
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"], action["type"]) == (
        "yes",
        "buttons",
        "v-Yes",
        "button",
    )
    for name in ("v-No", "No", 1):
        assert slack.press("hanako", message, name, wait=False).payload["actions"][0]["action_id"] == "no"
    with pytest.raises(LookupError, match=r"no 'maybe' to press; there is: yes \(Yes\), no \(No\)"):
        slack.press("hanako", message, "maybe")
    with pytest.raises(LookupError, match="none has the number 2"):
        slack.press("hanako", message, 2)


def test_ephemerals_are_pressed_by_their_reader_and_come_without_message(slack: LocalSlack, client: WebClient) -> None:
    alice = slack.people["alice"]
    client.chat_postEphemeral(channel=slack.channel("it-help").id, user=alice.id, text="x", blocks=[buttons("Yes")])
    (message,) = slack.ephemerals("alice")
    payload = slack.press("alice", message, "yes", wait=False).payload
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload
    with pytest.raises(NotPossibleError, match="doesn't see"):
        slack.press("hanako", message, "yes")


def test_messages_elsewhere_or_deleted_cannot_be_pressed(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postMessage(channel="hr-somu", text="x", blocks=[buttons("Yes")])
    (message,) = slack.history("hr-somu")
    with pytest.raises(NotPossibleError, match="doesn't see"):
        slack.press("guest", message, "yes")
    slack.delete(message)
    with pytest.raises(NotPossibleError, match="deleted"):
        slack.press("alice", message, "yes")


def test_answers_replace_or_delete_what_was_pressed(lively: LocalSlack, app: App, connect: Connect) -> None:
    def fold(ack: Ack, respond: Respond) -> None:
        ack()
        respond(text="folded", blocks=[section("folded")], replace_original=True)

    def withdraw(ack: Ack, respond: Respond) -> None:
        ack()
        respond(delete_original=True)

    def more(ack: Ack, respond: Respond) -> None:
        ack()
        respond("more")

    for name, listener in {"fold": fold, "withdraw": withdraw, "more": more}.items():
        app.action(name)(listener)
    connect(lively, app)
    alice = lively.people["alice"].id
    client_of(lively).chat_postEphemeral(
        channel=lively.channel("it-help").id, user=alice, text="x", blocks=[buttons("Fold", "Withdraw", "More")]
    )
    (message,) = lively.ephemerals("alice")
    lively.reply(lively.press("alice", message, "more"))
    assert [each.shown for each in lively.ephemerals("alice")] == ["Fold\nWithdraw\nMore", "more"]
    kept = message.blocks
    lively.reply(lively.press("alice", message, "fold"))
    assert (message.shown, message.edited, len(lively.ephemerals("alice"))) == ("folded", True, 2)
    message.blocks = kept
    lively.press("alice", message, "withdraw")
    lively.wait_until(lambda: message.deleted)
    assert [each.shown for each in lively.ephemerals("alice")] == ["more"]


def test_replacing_a_public_message_is_heard_as_an_edit(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postMessage(channel="it-help", text="x", blocks=[buttons("Yes")])
    (message,) = slack.history("it-help")
    hook = WebhookClient(slack.press("alice", message, "yes", wait=False).response_url)
    hook.send(text="replaced", replace_original=True)
    assert message.text == "replaced"
    assert slack.envelopes[-1].event["subtype"] == "message_changed"


def test_a_payload_stays_as_it_was_sent(slack: LocalSlack, client: WebClient) -> None:
    menu = {"type": "users_select", "action_id": "who"}
    client.chat_postMessage(channel="it-help", text="x", blocks=[{"type": "actions", "elements": [menu]}])
    (message,) = slack.history("it-help")
    first, second = (slack.press("alice", message, "who", user, wait=False) for user in ("U0A", "U0B"))
    sent = [next(iter(each.payload["state"]["values"].values()))["who"] for each in (first, second)]
    assert [each["selected_user"] for each in sent] == ["U0A", "U0B"]


ELEMENTS: list[tuple[JSON, Any, JSON]] = [
    (
        {"type": "static_select", "options": [{"text": {"type": "plain_text", "text": "One"}, "value": "1"}]},
        "One",
        {"selected_option": {"text": {"type": "plain_text", "text": "One"}, "value": "1"}},
    ),
    (
        {"type": "overflow", "options": [{"text": {"type": "plain_text", "text": "One"}, "value": "1"}]},
        0,
        {"selected_option": {"text": {"type": "plain_text", "text": "One"}, "value": "1"}},
    ),
    (
        {"type": "checkboxes", "options": [{"text": {"type": "mrkdwn", "text": "One"}, "value": "1"}]},
        ["1"],
        {"selected_options": [{"text": {"type": "mrkdwn", "text": "One"}, "value": "1"}]},
    ),
    ({"type": "users_select"}, "U0AB", {"selected_user": "U0AB"}),
    ({"type": "datepicker"}, "2026-01-31", {"selected_date": "2026-01-31"}),
]


@pytest.mark.parametrize(("element", "value", "told"), ELEMENTS)
def test_menus_tell_what_was_chosen(
    slack: LocalSlack, client: WebClient, element: JSON, value: Any, told: JSON
) -> None:
    blocks = [{"type": "actions", "elements": [{**element, "action_id": "choose"}]}]
    client.chat_postMessage(channel="it-help", text="x", blocks=blocks)
    (message,) = slack.history("it-help")
    (action,) = slack.press("alice", message, "choose", value, wait=False).payload["actions"]
    assert action["type"] == element["type"]
    assert {key: action[key] for key in told} == told


def test_feedback_buttons_tell_which_thumb(slack: LocalSlack, client: WebClient) -> None:
    thumbs = {
        name: {"text": {"type": "plain_text", "text": text}, "value": value}
        for name, text, value in (("positive_button", "👍", "up"), ("negative_button", "👎", "down"))
    }
    element = {"type": "feedback_buttons", "action_id": "feedback", **thumbs}
    client.chat_postMessage(channel="it-help", text="x", blocks=[{"type": "context_actions", "elements": [element]}])
    (message,) = slack.history("it-help")
    for pressed in (("down", None), ("👎", None), ("feedback", 1), ("feedback", "down")):
        (action,) = slack.press("alice", message, *pressed, wait=False).payload["actions"]
        assert (action["type"], action["value"]) == ("feedback_buttons", "down")


# -- trigger_ids and shortcuts ---------------------------------------------------------------------------

MODAL: JSON = {
    "type": "modal",
    "callback_id": "add",
    "title": {"type": "plain_text", "text": "Add"},
    "blocks": [section("Hi")],
}


def test_a_trigger_opens_one_modal_within_its_time(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    interaction = slack.shortcut("alice", "add", wait=False)
    view = client.views_open(trigger_id=interaction.trigger_id, view=MODAL)["view"]
    assert [each.id for each in slack.views("alice")] == [view["id"]] == [each.id for each in interaction.views]
    again = refused(client.views_open, trigger_id=interaction.trigger_id, view=MODAL)
    assert again["error"] == "exchanged_trigger_id"
    assert refused(client.views_open, trigger_id="1.2.forged", view=MODAL)["error"] == "invalid_trigger_id"


def test_a_trigger_expires(refused: Refusal) -> None:
    with LocalSlack(trigger_seconds=0.05) as slack:
        interaction = slack.command("alice", "it-help", "/kb add", wait=False)
        time.sleep(0.1)
        answer = refused(client_of(slack).views_open, trigger_id=interaction.trigger_id, view=MODAL)
        assert answer["error"] == "expired_trigger_id"
        assert slack.views("alice") == []


def test_an_illegal_view_does_not_use_up_the_trigger(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    interaction = slack.shortcut("alice", "add", wait=False)
    long_title = {**MODAL, "title": {"type": "plain_text", "text": "x" * 25}}
    answer = refused(client.views_open, trigger_id=interaction.trigger_id, view=long_title)
    complaint = "must be less than 25 characters [json-pointer:/view/title/text]"
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {complaint}"]
    assert client.views_open(trigger_id=interaction.trigger_id, view=MODAL)["ok"]


def test_message_shortcuts_carry_the_message(slack: LocalSlack) -> None:
    message = slack.say("alice", "it-help", "Reboot it.")
    interaction = slack.shortcut("hanako", "save", message, wait=False)
    payload = interaction.payload
    assert (payload["type"], payload["callback_id"], payload["message"]["text"]) == (
        "message_action",
        "save",
        "Reboot it.",
    )
    WebhookClient(interaction.response_url).send(text="saved")
    assert [each.text for each in slack.ephemerals("hanako")] == ["saved"]
    with pytest.raises(NotPossibleError):
        slack.shortcut("external", "save", message)


def test_an_interaction_reaches_a_raw_socket_as_interactive(slack: LocalSlack) -> None:
    with RawSocket(slack) as raw:
        raw.message()
        slack.shortcut("alice", "add", wait=False)
        envelope = raw.message()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
        assert "retry_attempt" not in envelope

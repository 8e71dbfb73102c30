from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.playground import DEFAULT_SCOPES, Interaction, LocalSlack, NotPossibleError, View
from tests.playground.helpers import JSON, Connect, Refusal, buttons, client_of, section


def field(name: str, **more: Any) -> JSON:
    element = {"type": "plain_text_input", "action_id": f"{name}-input", **more.pop("element", {})}
    return {
        "type": "input",
        "block_id": name,
        "label": {"type": "plain_text", "text": name.title()},
        "element": element,
        **more,
    }


def modal(*blocks: JSON, title: str = "Add", **more: Any) -> JSON:
    text = {"type": "plain_text", "text": title}
    submit = {"type": "plain_text", "text": "Save"}
    return {"type": "modal", "callback_id": "add", "title": text, "submit": submit, "blocks": list(blocks), **more}


FORM = modal(
    field("question", element={"max_length": 20}),
    field("answer", element={"initial_value": "Reboot", "multiline": True}),
    field("link", optional=True),
    private_metadata="it-help",
)


def opened(slack: LocalSlack, content: JSON = FORM, who: str = "alice") -> View:
    interaction = slack.shortcut(who, "add", wait=False)
    client_of(slack).views_open(trigger_id=interaction.trigger_id, view=content)
    return interaction.views[0]


# -- views.* ---------------------------------------------------------------------------------------------


def test_an_open_modal(slack: LocalSlack, refused: Refusal) -> None:
    view = opened(slack, {**FORM, "external_id": "one"})
    assert (view.type, view.title, view.callback_id, view.user) == ("modal", "Add", "add", slack.people["alice"].id)
    assert view.state["answer"]["answer-input"] == {"type": "plain_text_input", "value": "Reboot"}
    second = slack.shortcut("alice", "add", wait=False)
    answer = refused(client_of(slack).views_open, trigger_id=second.trigger_id, view={**FORM, "external_id": "one"})
    assert answer["error"] == "duplicate_external_id"


def test_updating_a_view(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    view = opened(slack, {**FORM, "external_id": "one"})
    first_hash = view.hash
    slack.press("alice", view, "question-input", "typed")
    client.views_update(external_id="one", view=modal(field("question"), section("near-duplicate!"), title="Sure?"))
    assert (view.title, view.shown) == ("Sure?", "Question\nnear-duplicate!")
    assert view.state["question"]["question-input"]["value"] == "typed"
    conflict = refused(client.views_update, view_id=view.id, view=FORM, hash=first_hash)
    assert conflict["error"] == "hash_conflict"
    assert client.views_update(view_id=view.id, view=FORM, hash=view.hash)["ok"]
    assert refused(client.views_update, view_id="V0", view=FORM)["error"] == "not_found"
    home = {"type": "home", "blocks": []}
    assert refused(client.views_update, view_id=view.id, view=home)["error"] == "invalid_arguments"


def test_pushing_at_most_three(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    view = opened(slack, modal(buttons("Next")))

    def push(onto: View) -> JSON:
        trigger = slack.press("alice", onto, "next", wait=False).trigger_id
        answer: JSON = client.views_push(trigger_id=trigger, view=modal(buttons("Next")))["view"]
        return answer

    second = push(view)
    assert (second["previous_view_id"], second["root_view_id"]) == (view.id, view.id)
    push(slack.views("alice")[-1])
    trigger = slack.press("alice", slack.views("alice")[-1], "next", wait=False).trigger_id
    assert refused(client.views_push, trigger_id=trigger, view=modal())["error"] == "push_limit_reached"
    assert len(slack.views("alice")) == 3


def test_pushing_needs_something_to_push_onto(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    trigger = slack.shortcut("alice", "add", wait=False).trigger_id
    assert refused(client.views_push, trigger_id=trigger, view=modal())["error"] == "not_found"


def test_publishing_a_home_tab(slack: LocalSlack, client: WebClient, refused: Refusal) -> None:
    alice = slack.people["alice"].id
    home = {"type": "home", "blocks": [section("Welcome"), buttons("Reload")]}
    first = client.views_publish(user_id=alice, view=home)["view"]
    second = client.views_publish(user_id=alice, view={**home, "blocks": [section("Again")]})["view"]
    assert first["id"] == second["id"]
    view = slack.home("alice")
    assert view is not None
    assert (view.shown, slack.home("hanako")) == ("Again", None)
    conflict = refused(client.views_publish, user_id=alice, view=home, hash=first["hash"])
    assert conflict["error"] == "hash_conflict"
    assert refused(client.views_publish, user_id="U0", view=home)["error"] == "user_not_found"
    assert refused(client.views_publish, user_id=alice, view=FORM)["error"] == "invalid_arguments"


def test_pressing_in_a_home_tab_tells_the_view(slack: LocalSlack, client: WebClient) -> None:
    client.views_publish(user_id=slack.people["alice"].id, view={"type": "home", "blocks": [buttons("Reload")]})
    view = slack.home("alice")
    assert view is not None
    interaction = slack.press("alice", view, "Reload", wait=False)
    assert interaction.payload["container"] == {"type": "view", "view_id": view.id}
    assert interaction.payload["view"]["type"] == "home"
    assert interaction.response_url == ""
    with pytest.raises(NotPossibleError, match="not 佐藤 花子's"):
        slack.press("hanako", view, "Reload")


# -- Submitting ------------------------------------------------------------------------------------------

Answering = Callable[..., Interaction]


@pytest.fixture
def submit(lively: LocalSlack, app: App, connect: Connect) -> Answering:
    """Open the form, submit it, and ack the submission with these arguments."""
    answers: list[JSON] = []
    app.view("add")(lambda ack: ack(**answers[-1]))
    app.shortcut("add")(lambda ack: ack())
    connect(lively, app)

    def submit(values: JSON | None = None, **answer: Any) -> Interaction:
        answers.append(answer)
        return lively.submit("alice", opened(lively), values or {"question": "Q"})

    return submit


def test_a_submission_carries_what_was_typed_and_closes(lively: LocalSlack, submit: Answering) -> None:
    interaction = submit({"question": "Q", "answer-input": "A", "Link": "https://x/"})
    assert (interaction.error, interaction.errors, lively.views("alice")) == (None, {}, [])
    told = interaction.payload["view"]
    values = {name: state[f"{name}-input"]["value"] for name, state in told["state"]["values"].items()}
    assert values == {"question": "Q", "answer": "A", "link": "https://x/"}
    assert (told["private_metadata"], told["callback_id"]) == ("it-help", "add")


def test_slacks_own_form_checks_come_first(submit: Answering) -> None:
    empty = submit({"question": ""})
    assert empty.errors == {"question": "Please complete this required field."}
    assert empty.envelope is None
    long = submit({"question": "x" * 21})
    assert long.errors == {"question": "Must be less than 21 characters."}
    with pytest.raises(LookupError, match="no input 'nonsense'"):
        submit({"nonsense": "x"})


def test_errors_stand_on_the_form(lively: LocalSlack, submit: Answering) -> None:
    interaction = submit(response_action="errors", errors={"question": "Already there"})
    (view,) = lively.views("alice")
    assert interaction.errors == view.errors == {"question": "Already there"}


@pytest.mark.parametrize("errors", [{"nowhere": "x"}, {"question": "x", "nowhere": "y"}])
def test_errors_must_name_inputs(lively: LocalSlack, submit: Answering, errors: JSON) -> None:
    assert submit(response_action="errors", errors=errors).error == "invalid_errors"
    assert "must name input blocks" in lively.warnings[0]


def test_an_answer_can_update_push_or_clear(lively: LocalSlack, submit: Answering) -> None:
    updated = submit(response_action="update", view=modal(section("Saved"), title="Done"))
    assert [view.title for view in updated.views] == ["Done"]
    assert [view.title for view in lively.views("alice")] == ["Done"]
    pushed = submit(response_action="push", view=modal(title="More"))
    assert [view.title for view in lively.views("alice")] == ["Done", "Add", "More"]
    assert pushed.views[0].previous_id == lively.views("alice")[1].id
    lively.close_view("alice", lively.views("alice")[-1])
    submit(response_action="clear")
    assert lively.views("alice") == []


def test_illegal_views_in_answers_are_noted(lively: LocalSlack, submit: Answering) -> None:
    interaction = submit(response_action="update", view=modal({"type": "nonsense"}))
    assert interaction.error == "invalid_arguments"
    assert "unsupported type: nonsense" in lively.warnings[0]
    assert submit(response_action="dance").error == "invalid_response_action"


def test_a_submission_without_ack_leaves_the_form_open() -> None:
    with LocalSlack(ack_seconds=0.1) as slack:
        interaction = slack.submit("alice", opened(slack), {"question": "Q"})
        assert interaction.error == "dispatch_failed"
        assert len(slack.views("alice")) == 1


def test_closing_tells_the_app_only_if_it_asked(lively: LocalSlack, app: App, connect: Connect) -> None:
    closed: list[JSON] = []

    def listen(ack: Ack, body: JSON) -> None:
        ack()
        closed.append(body)

    app.view_closed("add")(listen)
    app.shortcut("add")(lambda ack: ack())
    connect(lively, app)
    lively.close_view("alice", opened(lively))
    asked = opened(lively, {**FORM, "notify_on_close": True})
    lively.close_view("alice", asked)
    (body,) = lively.wait_until(lambda: closed)
    assert (body["type"], body["view"]["id"]) == ("view_closed", asked.id)
    with pytest.raises(NotPossibleError, match="closed"):
        lively.submit("alice", asked)


def test_an_agents_prompts_are_set_without_a_thread(refused: Refusal) -> None:
    with LocalSlack(scopes=[*DEFAULT_SCOPES, "assistant:write"]) as slack:
        client, place = client_of(slack), slack.channel(slack.person("alice")).id
        prompts = [{"title": "Printer?", "message": "Where is the printer?"}]
        client.assistant_threads_setSuggestedPrompts(channel_id=place, thread_ts="1.000000", prompts=prompts)
        assert slack.workspace.suggested_prompts == {}
        assert slack.warnings == ["thread_ts in setSuggestedPrompts: for an agent app the call silently fails"]
        client.assistant_threads_setSuggestedPrompts(channel_id=place, prompts=prompts)
        assert slack.workspace.suggested_prompts == {place: prompts}
        for wrong in ([], prompts * 5, [{"title": "Printer?"}]):
            call = client.assistant_threads_setSuggestedPrompts
            assert refused(call, channel_id=place, prompts=wrong)["error"] == "invalid_arguments"


def test_the_events_of_the_earlier_assistants_can_not_be_had() -> None:
    with pytest.raises(ValueError, match="assistant_thread_started: no event of an app with agent_view"):
        LocalSlack(events=["assistant_thread_started"])

"""The Home tab: an ask box, the answer, what can be asked about, what was asked most."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import (
    Block,
    DividerBlock,
    HeaderBlock,
    InputBlock,
    PlainTextInputElement,
    PlainTextObject,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig
from slack_sdk.models.views import View

from handlers.answers.views import guide
from handlers.home.views.dashboard import Dashboard, dashboard
from handlers.slack.blocks import Message, actions, button, context, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts
from indexes.records import Record

TITLE = 200
ASKED_LENGTH = 500


@dataclass(frozen=True)
class Often:
    """A record that answered often lately."""

    knowledge_base: str
    record: Record
    times: int


def home(
    topics: Sequence[guide.Topic],
    often: Sequence[Often],
    said: Message | None,
    command: str,
    bot: str,
    texts: Texts,
    admins: Dashboard | None = None,
    *,
    completes: bool = False,
    words_only: bool = False,
) -> View:
    """Build the tab; `said` is the answer to a question that was just asked there, `admins` the part for admins.

    `completes` if there is a form that completes questions; `words_only` if only words are searched for now.
    """
    blocks: list[Block] = [HeaderBlock(text=PlainTextObject(text=texts("home.title"))), _ask_box(texts)]
    if completes:
        blocks.append(actions(button(texts("typeahead.title"), "home_typeahead", "ask")))
    if words_only:
        blocks.append(context(texts("lexical.home")))
    if said:
        blocks += [*said.blocks, DividerBlock()]
    blocks.append(section(guide.knows(topics, texts, of_person=True)))
    if often:
        lines = [f"• {one_line(one.record.title, TITLE)}  ({one.times})" for one in often]
        blocks.append(section("\n".join([texts("home.most_asked"), *lines])))
    blocks.append(context(texts("home.hint", command=command, bot=bot)))
    if admins:
        blocks += dashboard(admins, texts)
    return View(type="home", blocks=blocks)


def _ask_box(texts: Texts) -> InputBlock:
    return InputBlock(
        label=PlainTextObject(text=texts("home.ask")),
        dispatch_action=True,
        element=PlainTextInputElement(
            action_id="home_ask",
            placeholder=PlainTextObject(text=texts("home.placeholder")),
            max_length=ASKED_LENGTH,
            dispatch_action_config=DispatchActionConfig(trigger_actions_on=["on_enter_pressed"]),
        ),
    )

"""What admins are told of an answer that shadow mode held back."""

from slack_sdk.models.blocks import Block

from handlers.answers.views.answers import unasked
from handlers.result import Result
from handlers.slack.blocks import Message, actions, button, context, section
from handlers.slack.mrkdwn import link, one_line
from handlers.texts import Texts

QUESTION = 300
"""Characters of the message that are quoted."""


def report(result: Result, channel: str, address: str, texts: Texts) -> Message:
    """Show what would have been answered to a message, with buttons to judge it; `address` is blank if it is gone."""
    percent = f"{result.entries[0].confidence * 100:.0f}"
    message = link(address, texts("shadow.message")) if address else texts("shadow.message")
    text = texts("shadow.report", channel=f"<#{channel}>", message=message, percent=percent)
    asked = texts("answer.asked", question=one_line(result.question, QUESTION))
    blocks: list[Block] = [section(text), context(asked), *unasked(result, texts)]
    if result.question_id is not None:
        value = str(result.question_id)
        right = button(texts("button.looks_right"), "shadow_right", value)
        wrong = button(texts("button.looks_wrong"), "shadow_wrong", value)
        blocks.append(actions(right, wrong))
    return Message(text, blocks)

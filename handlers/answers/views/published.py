"""Messages that the bot posts for somebody: a shared answer, and a question to people."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, DividerBlock

from handlers.answers.views.answers import FIRST, headline, read_all, source, start
from handlers.images.blocks import blocks as images
from handlers.result import Result, sharable
from handlers.slack.blocks import Message, actions, button, context, section
from handlers.slack.mrkdwn import one_line
from handlers.slack.rich_text import rich
from handlers.texts import Texts

NAME = 80
QUESTION = 1000
TITLE = 100


def shared(result: Result, shown: frozenset[int], by: str, texts: Texts) -> Message:
    """Show the hits that the person who shares saw in full."""
    headline_ = texts("share.by", name=one_line(by, NAME), question=one_line(result.question, QUESTION))
    blocks: list[Block] = [section(headline_)]
    for rank, entry in sharable(result, shown):
        if entry.record is not None:
            buttons = read_all(result, rank, entry.record, FIRST, texts)
            blocks += [
                *([DividerBlock()] if len(blocks) > 1 else []),
                rich(headline(entry.record.question), start(entry.record, FIRST), result.question),
                *images(entry.pictures),
                context(source(entry, texts)),
                *([actions(*buttons)] if buttons else []),
            ]
    return Message(headline_, blocks)


def call(number: int, question: str, by: str, helpers: Sequence[str], tried: Sequence[str], texts: Texts) -> Message:
    """Mention people by their ids: the only live mentions in the bot's messages."""
    mentions = " ".join(f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>" for id_ in helpers)
    text = texts("ask.call", mentions=mentions, name=one_line(by, NAME))
    titles = [one_line(title, TITLE) for title in tried]
    blocks: list[Block] = [section(text), section(f"> {one_line(question, QUESTION)}")]
    if titles:
        blocks.append(context(texts("ask.tried", titles=" / ".join(titles))))
    blocks.append(actions(button(texts("button.resolved"), "ask_resolved", str(number))))
    return Message(texts("ask.notice", name=one_line(by, NAME), question=one_line(question, QUESTION)), blocks)


def closed(number: int, question: str, by: str, texts: Texts) -> Message:
    """Show that a question is closed, and offer to save the answer."""
    text = texts("ask.resolved", name=one_line(by, NAME))
    blocks = [
        section(f"{text}\n> {one_line(question, QUESTION)}"),
        actions(button(texts("button.save"), "ask_save", str(number))),
    ]
    return Message(text, blocks)

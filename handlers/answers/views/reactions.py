"""The buttons below a reply, and what was voted, shared and asked so far."""

from collections import Counter

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ConfirmObject,
    ContextActionsBlock,
    FeedbackButtonObject,
    FeedbackButtonsElement,
    PlainTextObject,
)

from handlers.result import ButtonValue, Entry, ReplyOptions, Result, is_choosing, sharable
from handlers.slack.blocks import actions, button, context
from handlers.slack.mrkdwn import length, link
from handlers.texts import Texts

BUTTON_VALUE = 2000
VOTES = ("helpful", "unhelpful")


def below(result: Result, shown: frozenset[int], options: ReplyOptions, texts: Texts) -> list[Block]:
    """Return the buttons for the whole reply, and a line with what was done so far."""
    if result.question_id is None:
        return []
    key = ButtonValue(result.question_id, shown)
    buttons = [
        *_none_of_these(result, key, options, texts),
        *_share(result, key, options, texts),
        *_ask(key, options, texts),
    ]
    blocks: list[Block] = _feedback(key, options, texts) if result.shown_first else []
    if buttons:
        blocks.append(actions(*buttons))
    said = [_votes(result, options, texts), _shared(options, texts), asked_note(options.asked, texts)]
    if any(said):
        blocks.append(context(*said))
    return blocks


def _feedback(key: ButtonValue, options: ReplyOptions, texts: Texts) -> list[Block]:
    if options.in_view:
        return [actions(*(button(texts(f"button.{vote}"), f"vote_{vote}", f"{key}:{vote}") for vote in VOTES))]
    good, bad = (FeedbackButtonObject(text=texts(f"button.{vote}"), value=f"{key}:{vote}") for vote in VOTES)
    element = FeedbackButtonsElement(action_id="vote", positive_button=good, negative_button=bad)
    return [ContextActionsBlock(elements=[element])]


def _none_of_these(result: Result, key: ButtonValue, options: ReplyOptions, texts: Texts) -> list[ButtonElement]:
    said = options.votes.get(options.reader) == "none"
    if result.shown_first or not result.entries or said or is_choosing(result, options):
        return []
    return [button(texts("button.none"), "vote_none", f"{key}:none")]


def _share(result: Result, key: ButtonValue, options: ReplyOptions, texts: Texts) -> list[ButtonElement]:
    if not options.channel or options.shared is not None or not sharable(result, key.shown):
        return []
    return [button(texts("button.share"), "share", str(key))]


def _ask(key: ButtonValue, options: ReplyOptions, texts: Texts) -> list[ButtonElement]:
    if not options.ask or options.asked is not None:
        return []
    chosen = button(texts("button.ask"), "ask_person", str(key))
    if options.reader:  # a private question becomes a public one
        chosen.confirm = ConfirmObject(
            title=texts("ask.confirm.title"),
            text=PlainTextObject(text=texts("ask.confirm.text")),
            confirm=texts("ask.confirm.yes"),
            deny=texts("ask.confirm.no"),
        )
    return [chosen]


def this_one(
    result: Result, rank: int, shown: frozenset[int], options: ReplyOptions, texts: Texts
) -> list[ButtonElement]:
    """Return the button "this one" of a hit that was folded at first."""
    taken = options.reader and options.votes.get(options.reader) == f"hit_{rank}"
    if result.question_id is None or rank in result.shown_first or taken:
        return []
    return [button(texts("button.this_one"), f"this_one_{rank}", f"{ButtonValue(result.question_id, shown)}:{rank}")]


def chosen(rank: int, options: ReplyOptions, texts: Texts) -> str:
    """Return a note that this hit was chosen: by the reader or, in an open reply, by how many."""
    times = Counter(options.votes.values())[f"hit_{rank}"]
    if not times:
        return ""
    if options.reader:
        return texts("vote.mine") if options.votes.get(options.reader) == f"hit_{rank}" else ""
    return texts("vote.this_one", count=times)


def edit(entry: Entry, options: ReplyOptions, texts: Texts) -> list[ButtonElement]:
    """Return the button for editing the record, for an admin in a private reply."""
    value = f"{entry.knowledge_base}\n{entry.record.id if entry.record else ''}"
    if not options.edit or length(value) > BUTTON_VALUE:
        return []
    return [button(texts("button.edit"), "kb_edit_record", value)]


def _votes(result: Result, options: ReplyOptions, texts: Texts) -> str:
    """Return the reader's vote or, in an open reply, the counts."""
    if options.reader:
        vote = options.votes.get(options.reader, "")
        return texts(f"vote.{vote}") if vote in {*VOTES, "none"} else ""
    counted = Counter(options.votes.values())
    marks = {"helpful": "👍", "unhelpful": "👎"} if result.shown_first else {"none": texts("button.none")}
    return "  ".join(f"{mark} {counted[vote]}" for vote, mark in marks.items() if counted[vote])


def _shared(options: ReplyOptions, texts: Texts) -> str:
    if options.shared is None:
        return ""
    return texts("share.done", link=link(options.shared, texts("share.link")) if options.shared else "").strip()


def asked_note(asked: str | None, texts: Texts) -> str:
    """Return a note that people were asked, with a link."""
    if asked is None:
        return ""
    return texts("ask.done", link=link(asked, texts("share.link")) if asked else "").strip()

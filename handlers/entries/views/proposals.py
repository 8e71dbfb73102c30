"""Messages about proposals, to admins and to proposers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    DividerBlock,
    InputBlock,
    PlainTextInputElement,
    PlainTextObject,
)
from slack_sdk.models.views import View

from handlers.slack.blocks import Message, actions, button, context, notice, section
from handlers.slack.mrkdwn import bold, mrkdwn, one_line, person
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.entries.store.proposals import Proposal

APPROVE, EDIT, DECLINE = "kb_proposal_approve", "kb_proposal_edit", "kb_proposal_decline"
DECLINE_CALLBACK, REASON = "kb_proposal_declined", "reason"
REASON_LENGTH = 500
QUESTION, ANSWER, DETAIL = 200, 2000, 150
SHORT = 400
LISTED = 7
"""Proposals in the list, of five blocks each: below Slack's 50 blocks and 12,000 characters."""
IN_LIST = "list"
"""What follows the number in the value of a button that stands in the list: ``17:list``."""


def asked(proposal: "Proposal", closest: str, texts: Texts) -> Message:
    """Ask an admin to decide; `closest` is the question of the most similar entry."""
    title = _title(proposal, texts)
    blocks = [section(title), *_entry(proposal, ANSWER)]
    if closest:
        blocks.append(context(texts("proposal.similar", title=one_line(closest, QUESTION))))
    return Message(title, [*blocks, _buttons(str(proposal.id), texts)])


def decided(proposal: "Proposal", texts: Texts) -> Message:
    """Show the decision and who made it."""
    title = _title(proposal, texts)
    return Message(title, [section(title), *_entry(proposal, SHORT), context(*_outcome(proposal, texts))])


def listing(waiting: Sequence["Proposal"], texts: Texts) -> Message:
    """List waiting proposals."""
    if not waiting:
        return notice(texts("proposal.none"))
    title = texts("proposal.list")
    blocks: list[Block] = [section(title)]
    for proposal in waiting[:LISTED]:
        blocks += [DividerBlock(), section(_title(proposal, texts)), *_entry(proposal, SHORT)]
        blocks.append(_buttons(f"{proposal.id}:{IN_LIST}", texts))
    if len(waiting) > LISTED:
        blocks.append(context(texts("kb.more_problems", count=len(waiting) - LISTED)))
    return Message(title, blocks)


def outcome(proposal: "Proposal", texts: Texts) -> Message:
    """Tell the proposer what was decided."""
    known = {
        "title": _short_title(proposal),
        "name": one_line(proposal.knowledge_base, DETAIL),
        "user": person(proposal.by, texts),
    }
    lines = [texts(f"proposal.told.{proposal.state}", **known)]
    if proposal.reason:
        lines.append(_reason(proposal, texts))
    return notice("\n".join(lines))


def decline_form(proposal: "Proposal", texts: Texts) -> View:
    """Ask for a reason, which may be left out."""
    reason = InputBlock(
        block_id=REASON,
        label=PlainTextObject(text=texts("proposal.decline_reason")),
        element=PlainTextInputElement(action_id=REASON, multiline=True, max_length=REASON_LENGTH),
        optional=True,
    )
    said = texts("proposal.declining", title=_short_title(proposal), user=person(proposal.user, texts))
    return View(
        type="modal",
        callback_id=DECLINE_CALLBACK,
        private_metadata=str(proposal.id),
        title=PlainTextObject(text=texts("proposal.decline_title")),
        submit=PlainTextObject(text=texts("proposal.decline")),
        close=PlainTextObject(text=texts("modal.cancel")),
        blocks=[section(said), reason],
    )


def _title(proposal: "Proposal", texts: Texts) -> str:
    name = one_line(proposal.knowledge_base, DETAIL)
    return texts("proposal.asked", user=person(proposal.user, texts), name=name)


def _short_title(proposal: "Proposal") -> str:
    return one_line(proposal.cells.get("question") or proposal.cells.get("answer", ""), QUESTION)


def _entry(proposal: "Proposal", room: int) -> list[Block]:
    cells = proposal.cells
    text = "\n".join(filter(None, [bold(cells.get("question", ""), QUESTION), mrkdwn(cells.get("answer", ""), room)]))
    about = [one_line(cells.get(role, ""), DETAIL) for role in ("category", "aliases", "url")]
    return [section(text), *([context(*about)] if any(about) else [])]


def _outcome(proposal: "Proposal", texts: Texts) -> list[str]:
    said = texts(f"proposal.{proposal.state}", user=person(proposal.by, texts))
    return [said, _reason(proposal, texts) if proposal.reason else ""]


def _reason(proposal: "Proposal", texts: Texts) -> str:
    return texts("proposal.reason", reason=one_line(proposal.reason, REASON_LENGTH))


def _buttons(value: str, texts: Texts) -> ActionsBlock:
    approve = button(texts("proposal.approve"), APPROVE, value)
    approve.style = "primary"
    return actions(
        approve,
        button(texts("proposal.edit"), EDIT, value),
        button(texts("proposal.decline"), DECLINE, value),
    )

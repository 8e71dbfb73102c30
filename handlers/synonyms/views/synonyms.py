"""The list of proposed synonyms, each with the questions that speak for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block

from handlers.slack.blocks import Message, actions, button, context, section
from handlers.slack.mrkdwn import one_line
from handlers.texts import Texts

TERM, QUESTION, TITLE, NAME = 80, 200, 120, 60
"""Characters of each; five proposals of that size stay below Slack's 12,000 together."""
FORMS = 3
QUOTED = 3
SHOWN = 5


@dataclass(frozen=True)
class Evidence:
    """A question, and the title of the record that people confirmed; blank if that is gone."""

    question: str
    title: str
    knowledge_base: str


@dataclass(frozen=True)
class Proposed:
    """A pair, and how many questions of how many people speak for it, of which some would be answered better."""

    id: str
    said: tuple[str, ...]
    known: str
    questions: int
    people: int
    improved: int
    quoted: Sequence[Evidence]


@dataclass(frozen=True)
class Page:
    """The first proposals of all, and the number of those `elsewhere`; `done` says what was just done, if anything."""

    proposed: Sequence[Proposed]
    total: int
    elsewhere: int
    file: str
    done: str = ""


def page(shown: Page, command: str, texts: Texts) -> Message:
    """List proposals with their buttons."""
    title = texts("synonyms.title", count=shown.total) if shown.total else texts("synonyms.none")
    blocks: list[Block] = [section(shown.done)] if shown.done else []
    blocks.append(section(title))
    for one in shown.proposed:
        blocks += _proposed(one, texts)
    after = shown.total - len(shown.proposed)
    notes = [
        texts("synonyms.more", count=after) if after else "",
        texts("synonyms.elsewhere", count=shown.elsewhere) if shown.elsewhere else "",
        texts("synonyms.hint", file=one_line(shown.file, NAME), command=command),
    ]
    return Message(shown.done or title, [*blocks, *map(context, filter(None, notes))])


def found(count: int, command: str, texts: Texts) -> Message:
    """Tell an admin of new proposals; it quotes nothing."""
    text = texts("synonyms.found", count=count, command=command)
    return Message(text, [section(text), actions(button(texts("button.show_synonyms"), "synonyms_show", "all"))])


def added(forms: Sequence[str], known: str, texts: Texts) -> str:
    """Say which pair was added."""
    return texts("synonyms.added", said=_said(forms, texts), known=one_line(known, TERM))


def _said(forms: Sequence[str], texts: Texts) -> str:
    """Return the forms of a term, joined."""
    return texts("synonyms.or").join(one_line(form, TERM) for form in forms[:FORMS])


def _proposed(one: Proposed, texts: Texts) -> list[Block]:
    pair = texts("synonyms.one", said=_said(one.said, texts), known=one_line(one.known, TERM))
    count = texts("synonyms.count", questions=one.questions, people=one.people, improved=one.improved)
    quoted = [_quoted(each, texts) for each in one.quoted]
    return [
        section("\n".join([pair, count, *quoted])),
        actions(
            button(texts("button.add_synonym"), "synonym_add", one.id),
            button(texts("button.not_a_synonym"), "synonym_dismiss", one.id),
        ),
    ]


def _quoted(each: Evidence, texts: Texts) -> str:
    title = one_line(each.title, TITLE) or texts("learned.gone")
    name = one_line(each.knowledge_base, NAME)
    return texts("synonyms.quote", question=one_line(each.question, QUESTION), title=title, name=name)

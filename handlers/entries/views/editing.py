"""The form for adding, proposing or editing an entry, and what it shows after it was sent."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    StaticSelectElement,
)
from slack_sdk.models.blocks.basic_components import DispatchActionConfig
from slack_sdk.models.views import View

from handlers import texts as words
from handlers.result import Entry
from handlers.slack.blocks import Message, context, menu_key, section
from handlers.slack.mrkdwn import bold, length, link, mrkdwn, one_line
from handlers.texts import Language, Texts
from indexes.messages import Translatable
from indexes.records import Difference, KnowledgeBase, Record
from indexes.records.stored import categories

CALLBACK = "kb_entry"
TYPED, CHOSEN = "kb_entry_typed", "kb_entry_chosen"
"""Action ids: a question is being typed; a knowledge base or the wish for a new category was chosen."""

ROLES = ("question", "answer", "category", "aliases", "url")
"""The columns that the form has fields for, where the file has them; a field's block id begins with its role."""
BASE, NEW_CATEGORY = "knowledge_base", "new_category"
FIELD = 3000
"""Characters that Slack's inputs hold."""
ONE_LINE = 1000
CHOICES = 99
"""As many options as a menu shows, but for the one that asks for a new category."""
CHOICE, VALUE = 75, 149
NEW = "new"
"""The option that asks for a new category; those of the file's own begin with an equals sign."""
SIMILAR, PREVIEW, ERROR = 120, 300, 1500
DIFFERING = 5
RECORD_ID = 500
"""Characters of an id that fit into the form's metadata beside the rest."""


@dataclass(frozen=True)
class Draft:
    """What is being written: texts by role. `record` is the id of the row that is edited, blank for a new one.

    `seen` tells by role, as a short digest, what the row held when the form was filled: so it shows what somebody else
    changed since, and what the writer did. `channel` is where it was opened, `question_id` the question it answers,
    `proposal` the one that is being approved.
    """

    knowledge_base: str
    texts: Mapping[str, str]
    record: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    question_id: int | None = None
    proposal: int | None = None
    channel: str = ""
    language: Language = "en"
    invents_category: bool = False

    @property
    def words(self) -> Texts:
        """The writer's language, known without asking Slack."""
        return words.JAPANESE if self.language == "ja" else words.ENGLISH


def digest(text: str) -> str:
    """Return a short digest of a text, for the form's metadata."""
    return sha256(text.strip().encode()).hexdigest()[:8]


def cells_of(record: Record) -> dict[str, str]:
    """Return a record's texts for the fields, by role."""
    return {
        "question": record.question,
        "answer": record.answer,
        "category": record.category,
        "aliases": "\n".join(record.aliases),
        "url": record.url,
    }


def read(view: Mapping[str, Any]) -> Draft:
    """Read the form as it stands."""
    told = json.loads(view["private_metadata"])
    values = {block: next(iter(actions.values())) for block, actions in view["state"]["values"].items()}
    typed = {block.partition(":")[0]: _value(given) for block, given in values.items()}
    chosen_category = typed.get("category", NEW)
    wants_new = chosen_category == NEW
    typed["category"] = typed.get(NEW_CATEGORY, "") if wants_new else chosen_category.removeprefix("=")
    shown = {block["block_id"].partition(":")[0] for block in view["blocks"]}
    chosen = next((base for base in told.pop("names") if menu_key(base) == typed.get(BASE)), told["knowledge_base"])
    there = {role: typed[role] for role in ROLES if role in shown or (role == "category" and NEW_CATEGORY in shown)}
    return Draft(
        **{**told, "knowledge_base": chosen, "texts": there, "invents_category": wants_new and "category" in shown}
    )


def block_id(view: Mapping[str, Any], role: str) -> str:
    """Return the id of the block that has a role's field, or else of the first field: where an error can be shown."""
    inputs = [str(block["block_id"]) for block in view["blocks"] if block["type"] == "input"]
    wanted = NEW_CATEGORY if role == "category" and NEW_CATEGORY in inputs else role
    return next((each for each in inputs if each.partition(":")[0] == wanted), inputs[0])


def form(
    draft: Draft,
    base: KnowledgeBase,
    *,
    names: Sequence[str] = (),
    similar: Sequence[Entry] = (),
    trouble: str = "",
    difference: Difference | None = None,
    proposing: bool = False,
) -> View:
    """Build the form with the text typed so far; it has a field for each known column of the file.

    `names` are the knowledge bases to choose from, `similar` the closest entries there are, `trouble` says why it could
    not be saved, `difference` what changed in the file meanwhile.
    """
    texts, names = draft.words, _choosable(draft, names)
    kind = "edit" if draft.record else "propose" if proposing else "add"
    blocks: list[Block] = [section(f":warning: {mrkdwn(trouble, ERROR)}")] if trouble else []
    blocks += _difference(difference, texts) if difference else []
    if len(names) > 1:
        blocks.append(_choice_of_base(draft.knowledge_base, names, texts))
    elif not draft.record:
        blocks.append(context(texts("edit.into", name=one_line(draft.knowledge_base, CHOICE))))
    for role in ROLES:
        if role in base.columns:
            blocks += _field(role, draft, base, texts)
        if role == "question":
            blocks += _similar(similar, texts)
    return View(
        type="modal",
        callback_id=CALLBACK,
        private_metadata=_metadata(draft, names),
        title=PlainTextObject(text=texts(f"edit.title.{kind}")),
        submit=PlainTextObject(text=texts("edit.propose" if kind == "propose" else "modal.save")),
        close=PlainTextObject(text=texts("modal.cancel")),
        blocks=blocks,
    )


def saving(draft: Draft, external_id: str) -> View:
    """Return the view "saving"; the next view replaces it by its `external_id`."""
    return _note(draft, draft.words("edit.saving"), external_id=external_id)


def saved(draft: Draft, record: Record, trouble: Translatable | None = None) -> View:
    """Return the view after saving: the entry is in the file and can be found, or why it can't."""
    name = one_line(draft.knowledge_base, CHOICE)
    key = "edit.changed" if draft.record else "edit.added"
    said = (
        draft.words("edit.saved_but", name=name, error=mrkdwn(draft.words.say(trouble), ERROR))
        if trouble
        else draft.words(key, name=name)
    )
    return _note(draft, said, *_entry(record, draft.words))


def told(draft: Draft, text: str, *, typed: bool = False, proposing: bool = False) -> View:
    """Return a final view with another message, and the typed text if wanted."""
    return _note(draft, mrkdwn(text, ERROR), *(_typed(draft) if typed else []), proposing=proposing)


def typed_so_far(draft: Draft, trouble: str) -> Message:
    """Return the typed text as a message, for somebody who has closed the form."""
    said = f":warning: {mrkdwn(trouble, ERROR)}"
    return Message(said, [section(said), *_typed(draft)])


def as_message(view: View) -> Message:
    """Return a view's text as a message, for somebody who has closed the form."""
    blocks: list[Block] = list(view.blocks or [])
    return Message(str(blocks[0].to_dict()["text"]["text"]), blocks)


def shape(view: Mapping[str, Any]) -> list[str]:
    """List the parts of a form that change while it is open: its fields and its warning."""
    ids = [str(block.get("block_id") or "") for block in view["blocks"]]
    return [id_ for id_ in ids if id_.partition(":")[0] in {*ROLES, BASE, NEW_CATEGORY, "similar"}]


def _typed(draft: Draft) -> list[Block]:
    return [section(mrkdwn(text, FIELD)) for text in draft.texts.values() if text.strip()]


def _note(draft: Draft, text: str, *more: Block, external_id: str | None = None, proposing: bool = False) -> View:
    kind = "edit" if draft.record else "propose" if proposing else "add"
    return View(
        type="modal",
        callback_id=f"{CALLBACK}_done",
        external_id=external_id,
        title=PlainTextObject(text=draft.words(f"edit.title.{kind}")),
        close=PlainTextObject(text=draft.words("modal.close")),
        blocks=[section(text), *more],
    )


def _entry(record: Record, texts: Texts) -> list[Block]:
    address = link(record.url, texts("answer.link")) if record.url else ""
    about = [one_line(record.category, CHOICE), address if length(address) <= PREVIEW else ""]
    shown = "\n".join(filter(None, [bold(record.question, SIMILAR), mrkdwn(record.answer, PREVIEW)]))
    return [section(shown), *([context(*about)] if any(about) else [])]


def _choosable(draft: Draft, names: Sequence[str]) -> list[str]:
    """Return the knowledge bases that a menu shows and that the form can remember beside the rest."""
    choices = list(names[:CHOICES])
    while choices and length(_metadata(draft, choices)) > FIELD:
        choices.pop()
    return choices


def _metadata(draft: Draft, names: Sequence[str]) -> str:
    kept = {key: value for key, value in asdict(draft).items() if key not in {"texts", "invents_category"}}
    return json.dumps({**kept, "names": list(names)}, ensure_ascii=False)


def _field(role: str, draft: Draft, base: KnowledgeBase, texts: Texts) -> list[Block]:
    value = draft.texts.get(role, "")
    if role not in draft.texts and draft.record:
        return [context(texts("edit.too_long_here", field=texts(f"edit.field.{role}")))]
    if role == "category":
        return _categories(value, draft, base, texts)
    lines = role in {"answer", "aliases"} or "\n" in value
    most = FIELD if lines else ONE_LINE
    element = PlainTextInputElement(
        action_id=TYPED if role == "question" else role,
        initial_value=value or None,
        multiline=lines,
        max_length=max(most, len(value)) if value else most,
        dispatch_action_config=DispatchActionConfig(trigger_actions_on=["on_character_entered"])
        if role == "question"
        else None,
        focus_on_load=(role == "answer" and bool(draft.texts.get("question"))) or None,
    )
    needed = role in {"question", "answer"} and (not draft.record or bool(value))
    return [
        InputBlock(
            block_id=role,
            label=PlainTextObject(text=texts(f"edit.field.{role}")),
            element=element,
            hint=PlainTextObject(text=texts(f"edit.hint.{role}")) if role in {"aliases", "url"} else None,
            optional=not needed,
            dispatch_action=role == "question" or None,
        )
    ]


def _categories(value: str, draft: Draft, base: KnowledgeBase, texts: Texts) -> list[Block]:
    """Return the menu of categories, or the field for a new one."""
    counts = Counter({name: count for name, count in categories(base.records).items() if length(name) <= VALUE})
    known = [category for category, _ in counts.most_common(CHOICES)]
    label = PlainTextObject(text=texts("edit.field.category"))
    invents = draft.invents_category or bool(value and value not in known)
    blocks: list[Block] = []
    if known:
        options = {category: _option(category, f"={category}") for category in known}
        new = _option(texts("edit.new_category"), NEW)
        menu = StaticSelectElement(
            action_id=CHOSEN,
            options=[*options.values(), new],
            initial_option=new if invents else options.get(value),
            placeholder=PlainTextObject(text=texts("edit.choose_category")),
        )
        of_base = f"category:{menu_key(draft.knowledge_base)}"
        blocks.append(InputBlock(block_id=of_base, label=label, element=menu, optional=True, dispatch_action=True))
    if invents or not known:
        element = PlainTextInputElement(action_id=NEW_CATEGORY, initial_value=value or None, max_length=FIELD)
        new_label = PlainTextObject(text=texts("edit.field.new_category")) if known else label
        blocks.append(InputBlock(block_id=NEW_CATEGORY, label=new_label, element=element, optional=True))
    return blocks


def _choice_of_base(chosen: str, names: Sequence[str], texts: Texts) -> Block:
    options = {name: _option(name, menu_key(name)) for name in names}
    menu = StaticSelectElement(action_id=CHOSEN, options=list(options.values()), initial_option=options.get(chosen))
    label = PlainTextObject(text=texts("edit.field.knowledge_base"))
    return InputBlock(block_id=BASE, label=label, element=menu, dispatch_action=True)


def _option(label: str, value: str) -> Option:
    shown = label if length(label) <= CHOICE else f"{label[: CHOICE // 2]}…"
    return Option(value=value, text=PlainTextObject(text=shown, emoji=False))


def _similar(similar: Sequence[Entry], texts: Texts) -> list[Block]:
    """Return a warning of similar entries."""
    shown = [
        f"• {bold(entry.record.title, SIMILAR)} {one_line(entry.record.answer, SIMILAR)}"
        for entry in similar
        if entry.record
    ]
    if not shown:
        return []
    warning = context("\n".join([texts("edit.similar"), *shown]))
    warning.block_id = f"similar:{digest(''.join(shown))}"
    return [warning]


def _difference(found: Difference, texts: Texts) -> list[Block]:
    """Show what changed in the file, the first few of each kind."""
    kinds = {
        "added": [record.title for record in found.added],
        "changed": [new.title for _, new in found.changed],
        "removed": [record.title for record in found.removed],
    }
    lines = [texts("edit.difference")]
    for kind, titles in kinds.items():
        lines += [
            f"• {texts(f'edit.difference.{kind}', title=one_line(title, CHOICE))}" for title in titles[:DIFFERING]
        ]
        if len(titles) > DIFFERING:
            lines.append(texts("kb.more_problems", count=len(titles) - DIFFERING))
    return [section("\n".join(lines))]


def _value(given: Mapping[str, Any]) -> str:
    if "selected_option" in given:
        return str((given["selected_option"] or {}).get("value", ""))
    return str(given.get("value") or "")

"""One message, form or tab of every kind that the bot sends, made of fixed texts, never of a team's data.

`kotae doctor` has Slack look at them; tests have the local Slack look at them in both languages.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from slack_sdk.models.blocks import Option
from slack_sdk.models.views import View

from handlers.admin.store.statistics import Overview, Rehearsal, Tally
from handlers.admin.views import admin, recovery, reports, settings, waiting
from handlers.answers.views import answers, full_answer, guide, published, reasons, shadow
from handlers.channel_rules import AutoReply, Channel, ChannelProof, Waiting
from handlers.counters import Count
from handlers.entries.store.proposals import Proposal
from handlers.entries.views import editing, proposals
from handlers.files.pending import Upload
from handlers.files.views import removal, uploads, versions
from handlers.freshness.views import reviews
from handlers.home.views import home
from handlers.home.views.dashboard import Dashboard
from handlers.images import blocks as images
from handlers.learning.views import learned_aliases, misses, proof
from handlers.queue import Kind
from handlers.result import ButtonValue, Entry, ReplyOptions, Result
from handlers.services import Process
from handlers.slack import blocks
from handlers.slack.blocks import Message
from handlers.store.audit import AuditEntry
from handlers.store.knowledge_files import FileState, KnowledgeFile
from handlers.store.recovery import Recovery
from handlers.store.server import ServerState
from handlers.synonyms.views import synonyms
from handlers.texts import Texts
from handlers.typeahead.views import form
from handlers.typeahead.views.form import Form
from indexes.confidence.proof import Proof
from indexes.messages import Translatable
from indexes.records import Difference, KnowledgeBase, Problem, Record, Source
from indexes.registry import EncodingProgress
from indexes.reload_report import ReloadReport
from indexes.storage.export import Export
from indexes.storage.import_preview import Change, ImportPreview
from indexes.storage.versions import Version

Sample = Callable[[Texts], Message | View]

NAME, COMMAND, ADMIN_COMMAND, BOT = "sample", "/search", "/kb", "<@U0123456789>"
PERSON, PLACE, DIGEST, AT = "U0123456789", "C0123456789", "0" * 64, 1_700_000_000.0
PATH = Path(f"{NAME}.csv")
QUESTION, ANSWER = (
    "How is a sample made?",
    "1. Write it.\n2. Look at it: https://example.com/sample\n\n```kotae doctor```",
)
RECORD = Record(
    "r1",
    QUESTION,
    ANSWER,
    "Samples",
    "https://example.com/",
    updated="2026-01-01",
    owner="Desk",
    details={"Floor": "2"},
    image="http://sample.internal/sample.png",
)
ENTRIES = [Entry(RECORD, NAME, 0.95, images.shown(RECORD)), Entry(RECORD, NAME, 0.3), Entry(None, NAME, 0.2)]
RESULT = Result(QUESTION, ENTRIES, 0.9, 17)
CHOICE = replace(RESULT, entries=[replace(entry, label=f"{NAME} {place}") for place, entry in enumerate(ENTRIES)])
KEY = ButtonValue(17, frozenset({1}))
CHANNEL = Channel(PLACE, NAME, (NAME,), AutoReply.SHADOW, 0.9, (PERSON,), {"auto_reply": PERSON})
REHEARSING = ChannelProof(CHANNEL, {NAME: Proof(2, 0)})
UNPROVED = ChannelProof(replace(CHANNEL, auto_reply=AutoReply.ON), {NAME: Proof(2, 0)})
WAITING_CHANNEL = Waiting(NAME, PLACE, (NAME,), (NAME,))
RECOVERY = Recovery(AT, "state.db.damaged-20260101-000000", "database disk image is malformed", AT)
LOST_FILE = KnowledgeFile(NAME, PATH, FileState.LOST)
REMOVABLE = removal.Shown(NAME, PATH.name, 3, [PLACE])
COLUMNS = {"question": "question", "answer": "answer", "category": "category", "aliases": "aliases", "url": "url"}
BASE = KnowledgeBase(NAME, PATH, (RECORD,), (), "utf-8", ",", COLUMNS, DIGEST)
DRAFT = editing.Draft(NAME, {"question": QUESTION, "answer": ANSWER, "category": "Samples", "aliases": "", "url": ""})
DIFFERENCE = Difference(added=(RECORD,), changed=((RECORD, RECORD),), removed=(RECORD,))
TROUBLE = Translatable("os.no_space")
PROBLEM = Problem(2, TROUBLE, skipped=True)
PROPOSAL = Proposal(PERSON, NAME, {"question": QUESTION, "answer": ANSWER}, id=3)
DECLINED = Proposal(PERSON, NAME, {"question": QUESTION, "answer": ANSWER}, None, 3, "declined", PERSON, "Not yet.")
UPLOAD = Upload("0" * 16, f"{NAME}.csv", PERSON, PLACE, NAME, is_certain=False, version=0, at=AT)
REPLACEMENT = ImportPreview(
    Source(NAME, PATH),
    b"new",
    b"old",
    3,
    3,
    "utf-8",
    ",",
    (PROBLEM,),
    (QUESTION,),
    (Change(QUESTION, ("answer",)),),
    (QUESTION, "Another?"),
    headers=("Item", "Text"),
    columns={"question": "Item"},
    open_roles=("question", "answer"),
)
VERSION = Version(2, AT, DIGEST, 3, "upload", PERSON)
REPORT = ReloadReport(NAME, added=1, changed=1, removed=1, records=3, problems=(PROBLEM,), warnings=(TROUBLE,))
FAILED = ReloadReport(NAME, error=TROUBLE)
DONE = Translatable("audit.export", name=NAME, rows=3)
OVERVIEW = Overview({NAME: Tally(8, 2, 3, 1)}, {date(2026, 1, day): Tally(day % 3, 1) for day in range(1, 31)})
IN_QUEUE = {kind.value: 3 for kind in Kind}
COUNTS = {what.value: 3 for what in Count}
PROCESS = Process(1.0, 300.0, 3600.0, 0, IN_QUEUE, COUNTS, NAME, model_loaded=False, model_trouble=TROUBLE)
COMPILED = replace(PROCESS, model_loaded=True, model_form=TROUBLE, http="127.0.0.1:8321")
TOPICS = [guide.Topic(NAME, 3, ("Samples",))]
ASKED = misses.Asked(
    17, QUESTION, 3, 2, PERSON, PLACE, AT, misses.Closest(QUESTION, NAME, 0.3), ("none",), reported=True
)
BY_PROGRAM = replace(ASKED, door="http", user="website", where="")
IN_FORCE = learned_aliases.InForce("p1", QUESTION, QUESTION, NAME, (PERSON,), PERSON, AT)
PROPOSED = synonyms.Page(
    [synonyms.Proposed("s1", ("wlan",), "Wi-Fi", 3, 2, 2, [synonyms.Evidence(QUESTION, QUESTION, NAME)])], 7, 1, NAME
)
DUE = reviews.Row(NAME, RECORD, date(2026, 6, 30), ("Sam Sample",))
DUE_PAGE = reviews.Page(reviews.MINE, [DUE, replace(DUE, is_editable=False)], 10, 30, 2, undated=[(NAME, 3)])
WAITING = learned_aliases.Waiting(5, QUESTION, QUESTION, NAME, (PERSON,), disputed=True)


def _reader(texts: Texts) -> Message:
    """A private answer, with everything that can follow it."""
    return answers.answer(
        RESULT, texts, ReplyOptions(PERSON, restate=True, channel=PLACE, ask=True, edit=True, words_only=True)
    )


def _form_for_asking(texts: Texts) -> View:
    """The form with an answer in it."""
    said = answers.answer(RESULT, texts, ReplyOptions(PERSON, in_view=True, edit=True))
    return form.ask(Form.of([NAME]).answered(), texts, said)


def _home(texts: Texts) -> View:
    """The tab of an admin who has just asked something; its picture is left out, being a file of the workspace."""
    dashboard = Dashboard(
        OVERVIEW,
        None,
        [],
        [UNPROVED],
        ("add", "misses"),
        ("reload", "export"),
        misses.at_home(misses.Page([ASKED], 0, 1, 30, 3, 1), texts),
        texts("quiet.open", command=ADMIN_COMMAND),
    )
    said = answers.answer(RESULT, texts, ReplyOptions(PERSON, restate=True, in_view=True))
    return home.home(TOPICS, [home.Often(NAME, RECORD, 3)], said, COMMAND, BOT, texts, dashboard, words_only=True)


def _form(texts: Texts) -> View:
    draft = editing.Draft(DRAFT.knowledge_base, DRAFT.texts, language=texts.language)
    return editing.form(
        draft,
        BASE,
        names=(NAME, "another"),
        similar=ENTRIES,
        trouble=texts("edit.trouble"),
        difference=DIFFERENCE,
        proposing=True,
    )


def _draft(texts: Texts) -> editing.Draft:
    return editing.Draft(DRAFT.knowledge_base, DRAFT.texts, language=texts.language)


def _choices(texts: Texts) -> list[Option]:
    return uploads.options([NAME, "another"], "new", texts)


SERVER = ServerState(18, "18.0", "UTF8", is_standby=False, may_create=True, pgvector=None, available_pgvector=None)

SAMPLES: Mapping[str, Sample] = MappingProxyType(
    {
        "admin/channels": lambda texts: admin.channels([CHANNEL], [NAME], {PLACE: [NAME]}, texts),
        "admin/reloaded": lambda texts: admin.reloaded([REPORT, FAILED], (), texts),
        "admin/status": lambda texts: admin.status(
            {}, frozenset(), {NAME: TROUBLE}, [UNPROVED], [NAME], PROCESS, TROUBLE, SERVER, [LOST_FILE], AT, {}, texts
        ),
        "recovery/asked": lambda texts: recovery.asked(RECOVERY, [CHANNEL], [NAME], texts),
        "recovery/damaged_now": recovery.damaged_now,
        "answers/answer": _reader,
        "answers/asked_back": lambda texts: answers.asked_back(
            CHOICE, texts, ReplyOptions(PERSON, restate=True, channel=PLACE, ask=True), frozenset({1})
        ),
        "answers/folded": lambda texts: answers.folded(RESULT, texts, ask=True),
        "answers/volunteered": lambda texts: answers.volunteered(RESULT, texts, {PERSON: "right"}),
        "editing/as_message": lambda texts: editing.as_message(editing.saved(_draft(texts), RECORD)),
        "editing/form": _form,
        "editing/saved": lambda texts: editing.saved(_draft(texts), RECORD, TROUBLE),
        "editing/saving": lambda texts: editing.saving(_draft(texts), "saving-1"),
        "editing/told": lambda texts: editing.told(_draft(texts), texts("edit.trouble"), typed=True),
        "editing/typed_so_far": lambda texts: editing.typed_so_far(_draft(texts), texts("edit.trouble")),
        "form/ask": _form_for_asking,
        "guide/introduction": lambda texts: guide.introduction(COMMAND, BOT, TOPICS, texts),
        "guide/suggestions": lambda texts: guide.suggestions([(NAME, RECORD)], texts),
        "guide/usage": lambda texts: guide.usage(COMMAND, BOT, TOPICS, texts),
        "home/home": _home,
        "learned_aliases/offer": lambda texts: learned_aliases.offer(QUESTION, QUESTION, 5, texts),
        "learned_aliases/page": lambda texts: learned_aliases.page([IN_FORCE], 0, 20, [WAITING], texts),
        "blocks/notice": lambda texts: blocks.notice(texts("search.empty")),
        "misses/digest": lambda texts: misses.digest(misses.Digest([ASKED], 5, 2, 2), 7, ADMIN_COMMAND, texts),
        "misses/page": lambda texts: misses.page(
            misses.Page([ASKED, BY_PROGRAM], 0, 20, 30, 42, 20), ADMIN_COMMAND, texts
        ),
        "proposals/asked": lambda texts: proposals.asked(PROPOSAL, QUESTION, texts),
        "proposals/decided": lambda texts: proposals.decided(DECLINED, texts),
        "proposals/decline_form": lambda texts: proposals.decline_form(PROPOSAL, texts),
        "proposals/listing": lambda texts: proposals.listing([PROPOSAL], texts),
        "proposals/outcome": lambda texts: proposals.outcome(DECLINED, texts),
        "proof/changed": lambda texts: proof.changed(UNPROVED, NAME, texts),
        "proof/kept": lambda texts: proof.kept([UNPROVED], texts),
        "proof/told": lambda texts: proof.told(texts("kb.auto_reply.on", percent=90), UNPROVED, texts),
        "synonyms/found": lambda texts: synonyms.found(2, ADMIN_COMMAND, texts),
        "synonyms/page": lambda texts: synonyms.page(PROPOSED, ADMIN_COMMAND, texts),
        "published/call": lambda texts: published.call(17, QUESTION, NAME, [PERSON], [QUESTION], texts),
        "published/closed": lambda texts: published.closed(17, QUESTION, NAME, texts),
        "published/shared": lambda texts: published.shared(RESULT, KEY.shown, NAME, texts),
        "full_answer/whole": lambda texts: full_answer.whole(ENTRIES[0], texts),
        "reasons/form": lambda texts: reasons.form(
            reasons.RatedReply(KEY, None, "https://hooks.slack.com/actions/1"), texts, ask=True
        ),
        "reviews/asked": lambda texts: reviews.asked(DUE_PAGE, [DUE], 12, texts),
        "reviews/mine": lambda texts: reviews.mine(replace(DUE_PAGE, done=texts("review.checked", title=NAME)), texts),
        "reviews/stale": lambda texts: reviews.stale(replace(DUE_PAGE, listing=reviews.ALL), ADMIN_COMMAND, texts),
        "reports/audit": lambda texts: reports.audit([AuditEntry(AT, PERSON, PLACE, DONE)], texts),
        "reports/statistics": lambda texts: reports.statistics(
            OVERVIEW, None, [(REHEARSING, Rehearsal(9, 3, 2.5, 2, 1))], 0, texts
        ),
        "removal/asked": lambda texts: removal.asked(REMOVABLE, ADMIN_COMMAND, texts),
        "removal/fault": lambda texts: removal.fault([NAME], ADMIN_COMMAND, texts),
        "removal/gone": lambda texts: removal.gone(REMOVABLE, texts),
        "shadow/report": lambda texts: shadow.report(
            RESULT, PLACE, "https://example.slack.com/archives/C012AB3CD/p1", texts
        ),
        "settings/stale": lambda texts: settings.stale(CHANNEL, settings.KEYS, texts),
        "settings/modal": lambda texts: settings.modal(UNPROVED, [NAME, "another"], ["another"], texts),
        "uploads/applied": lambda texts: uploads.applied(UPLOAD, NAME, admin.reloaded([REPORT], (), texts), texts),
        "uploads/applying": lambda texts: uploads.applying(
            UPLOAD, NAME, texts, admin.prepared(None, EncodingProgress(1, 3), texts)
        ),
        "uploads/identical": lambda texts: uploads.identical(UPLOAD.file, REPLACEMENT, texts),
        "uploads/proposal": lambda texts: uploads.proposal(
            UPLOAD, REPLACEMENT, None, _choices(texts), ADMIN_COMMAND, texts, stale=True
        ),
        "uploads/question": lambda texts: uploads.question(UPLOAD, _choices(texts), texts),
        "versions/export": lambda texts: versions.export(NAME, Export(b"", 3, 1, 1), texts),
        "versions/versions": lambda texts: versions.versions(NAME, [VERSION], "", texts),
        "waiting/asked": lambda texts: waiting.asked(WAITING_CHANNEL, texts),
        "waiting/channels": lambda texts: waiting.channels([WAITING_CHANNEL], [CHANNEL], [NAME], {PLACE: []}, texts),
        "waiting/decided": lambda texts: waiting.decided(WAITING_CHANNEL, texts, served=True),
    }
)
"""Samples by the view that makes them, as module/function."""


def payload(sample: Message | View) -> dict[str, Any]:
    """Return the arguments of `blocks.validate` for a sample."""
    return {"view": sample.to_dict()} if isinstance(sample, View) else {"blocks": sample.payload()}

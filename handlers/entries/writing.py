"""Writing entries into knowledge bases: where a person may, similar entries, and the writing itself."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from handlers.access import Standing
from handlers.audience import closed_to
from handlers.entries.views import editing as views
from handlers.entries.views.editing import Draft
from handlers.learning.store.misses import Misses
from handlers.owners import is_owner
from handlers.request import Request
from handlers.result import POSSIBLE, Entry
from handlers.services import Services
from handlers.slack.mrkdwn import has_words
from handlers.store.audit import AuditLog
from handlers.store.errors import StoreError
from handlers.texts import HandlerError
from indexes.completion.completion import complete
from indexes.loaded import LoadedKnowledgeBase
from indexes.messages import Translatable
from indexes.records import KnowledgeBase, Record, read_bytes
from indexes.records.editing import (
    StaleFileError,
    WriteResult,
    add,
    change,
    confirm,
    ensure_edited_here,
    is_edited_here,
)

log = logging.getLogger(__name__)

SEPARATOR = "|"
"""Between aliases in a cell."""
TRIES = 3
"""How often what other replicas have just written is read before the person is asked to try again."""
ALIKE = 3
"""Entries that begin as what was typed, up to which one of them may be meant."""
SPELLED_ALIKE = 0.75
"""How nearly they do: one typo in ten letters."""
SHOWN = 300
"""Characters of an entry that somebody else has changed."""


@dataclass(frozen=True)
class Stored:
    """The entry that was written; `trouble` is what failed after that, such as reloading the file."""

    record: Record
    trouble: Translatable | None


class NotThereError(HandlerError):
    """The knowledge base or the entry is gone."""


class NotDueError(HandlerError):
    """The row is not due for a check any more: somebody has checked it."""


class OtherNowError(HandlerError):
    """The row is not what somebody says to be right."""


class ChangedMeanwhileError(HandlerError):
    """Somebody else has changed the same cells of the row; the message says what it is now."""


def writable(services: Services, request: Request) -> tuple[str, ...]:
    """List the knowledge bases of `seen` that are edited here: not workbooks, nor what is fetched from elsewhere."""
    return tuple(name for name in seen(services, request) if is_edited_here(services.registry.source(name)))


def may_change(services: Services, request: Request, name: str, record_id: str) -> bool:
    """Tell whether this person may change a row: an admin or its owner, who may see it. A workbook is never written."""
    loaded, record = services.registry.loaded.get(name), services.registry.record(name, record_id)
    if loaded is None or record is None or not is_edited_here(services.registry.source(name)):
        return False
    may = request.person.is_admin or is_owner(services, request.user, record.owner)
    return may and request.person.standing is Standing.MEMBER and name not in closed_to(services, request.user)


def may_write(services: Services, request: Request, draft: Draft) -> bool:
    """Tell whether this person may write an entry where the draft says, or change the row that it is about."""
    if draft.record:
        return may_change(services, request, draft.knowledge_base, draft.record)
    return draft.knowledge_base in writable(services, request)


def refuse_edited_elsewhere(services: Services, request: Request, wanted: str) -> None:
    """Raise WorkbookError or FetchedFileError if somebody means a knowledge base that is not edited here.

    They mean the `wanted` one, else the channel's own, or any where they see nothing else.
    """
    names, all_seen = writable(services, request), seen(services, request)
    own = [name for name in _own(services, request, all_seen) if name not in services.channels.shared]
    meant = [wanted] if wanted in all_seen else (own or all_seen)
    if meant and not set(meant) & set(names):
        ensure_edited_here(services.registry.source(meant[0]))


def seen(services: Services, request: Request) -> tuple[str, ...]:
    """List the loaded knowledge bases that this person sees in their own channels, this channel's first."""
    if request.person.standing is not Standing.MEMBER:
        return ()
    everywhere = services.channels.names(services.access.channels_of(request.user))
    ordered = dict.fromkeys([*_own(services, request, everywhere), *everywhere])
    return tuple(name for name in ordered if name in services.registry.loaded)


def _own(services: Services, request: Request, among: Collection[str]) -> list[str]:
    here = services.channels.of(request.channel).knowledge_bases if request.channel and not request.is_direct else ()
    return [name for name in here if name in among]


def similar(services: Services, draft: Draft) -> list[Entry]:
    """Find the entries of the same knowledge base that may answer the question already."""
    question = draft.texts.get("question", "")
    if not has_words(question):
        return []
    hits = services.registry.search(question, [draft.knowledge_base]).hits
    likely = [Entry(hit.record, hit.knowledge_base, hit.confidence) for hit in hits if hit.confidence >= POSSIBLE]
    entries = {entry.record.id: entry for entry in [*_spelled_alike(services, draft), *likely] if entry.record}
    return [entry for id_, entry in entries.items() if id_ != draft.record]


def _spelled_alike(services: Services, draft: Draft) -> list[Entry]:
    """Find the entries whose question begins as what was typed so far; none while many do, as with "How do I"."""
    completions = complete(services.registry.loaded, [draft.knowledge_base], draft.texts.get("question", ""), ALIKE + 1)
    alike = [Entry(each.record, each.knowledge_base, 0.0) for each in completions if each.near >= SPELLED_ALIKE]
    return alike if len(alike) <= ALIKE else []


def store(services: Services, request: Request, draft: Draft) -> Stored:
    """Write the entry into its file and reload that. Raises KnowledgeBaseError; nothing is written then."""
    name = draft.knowledge_base

    def done(record: Record) -> Translatable:
        entry = {"name": name, "id": record.id, "title": record.title}
        return Translatable("audit.edit", **entry) if draft.record else Translatable("audit.add", **entry)

    stored = _store(services, request, name, partial(_write, services, request, draft), done)
    if draft.question_id is not None:
        Misses(services.database).close(draft.question_id, "answered", request.user)
    return stored


def confirm_row(
    services: Services, request: Request, name: str, record_id: str, is_as_shown: Callable[[Record], bool]
) -> Stored:
    """Write into its file that a row is right as of today, and reload that.

    Raises as `store` does, NotDueError if somebody has checked it meanwhile, OtherNowError if it isn't what was shown.
    """

    def write() -> WriteResult:
        loaded, now = _loaded(services, name), services.config.now()
        record = loaded.record(record_id)
        if record is None:
            raise NotThereError("edit.gone")
        if not is_as_shown(record):
            raise OtherNowError("review.changed", title=record.title)
        if not loaded.is_due(record, now.date()):
            raise NotDueError("review.already", title=record.title)
        writer = services.maintenance.writer("edit", request.user)
        return confirm(loaded.knowledge_base, record_id, now, loaded.source.review_after, writer)

    def done(written: Record) -> Translatable:
        return Translatable("audit.checked", name=name, id=written.id, title=written.title)

    return _store(services, request, name, write, done)


def _store(
    services: Services,
    request: Request,
    name: str,
    write: Callable[[], WriteResult],
    done: Callable[[Record], Translatable],
) -> Stored:
    """Write into a file, keep the version, reload it and log what was done.

    Nobody is refused because of what Kotae itself wrote: writers within this process wait for each other, and what
    other replicas wrote is read first.
    """
    with services.locks("knowledge base", name):
        written = _write_up_to_date(services, name, write)
        _keep_versions(services, request, name, written)
        report = services.maintenance.reload(name).result()
    unlogged = _log(services, request, done(written.record))
    return Stored(written.record, report.error or unlogged)


def _keep_versions(services: Services, request: Request, name: str, written: WriteResult) -> None:
    """Record the file as it was, if nobody has done so since it was read, and as it is now."""
    maintenance, source = services.maintenance, services.registry.source(name)
    if written.replaced:
        maintenance.record_version(source, *written.replaced, "file")
    maintenance.record_version(source, written.data, len(written.knowledge_base.records), "edit", request.user)


def _write_up_to_date(services: Services, name: str, write: Callable[[], WriteResult]) -> WriteResult:
    """Write into a file that Kotae alone changes as it is now; raises StaleFileError for any other that has changed."""
    for _ in range(TRIES if services.database.is_shared else 0):
        try:
            return write()
        except StaleFileError:
            services.maintenance.reload(name).result()
    return write()


def _loaded(services: Services, name: str) -> LoadedKnowledgeBase:
    loaded = services.registry.loaded.get(name)
    if loaded is None:
        raise NotThereError("edit.no_such", name=name)
    return loaded


def _write(services: Services, request: Request, draft: Draft) -> WriteResult:
    loaded, now = _loaded(services, draft.knowledge_base), services.config.now()
    read, writer = loaded.knowledge_base, services.maintenance.writer("edit", request.user)
    if draft.record:
        return change(read, draft.record, _changes(services, draft), now, writer, loaded.source.review_after)
    if request.is_repeat and (added := _added_before(read, draft)):
        return WriteResult(read, added, read_bytes(read.path))
    return add(read, _cells(draft.texts, read), now, writer)


def _added_before(read: KnowledgeBase, draft: Draft) -> Record | None:
    """Return the entry that an earlier process added from the same form before it ended."""
    texts = {role: text.strip() for role, text in draft.texts.items() if role in read.columns and text.strip()}
    return next((each for each in reversed(read.records) if _has(views.cells_of(each), texts)), None)


def _has(cells: Mapping[str, str], texts: Mapping[str, str]) -> bool:
    return all(cells[role].strip() == text for role, text in texts.items())


def _log(services: Services, request: Request, done: Translatable) -> Translatable | None:
    """Write to the audit log, and return why that failed: the entry is in the file, and must not be written again."""
    try:
        AuditLog(services.database).record(request.user, request.channel, done)
    except StoreError as error:
        log.error("%s", error)  # noqa: TRY400 - the message is the whole story
        return error.message
    return None


def _cells(texts: Mapping[str, str], read: KnowledgeBase) -> dict[str, str]:
    """Return the cells for the columns that the file has."""
    cells = {role: text.strip() for role, text in texts.items() if role in read.columns}
    if "aliases" in cells:
        cells["aliases"] = SEPARATOR.join(line.strip() for line in cells["aliases"].splitlines() if line.strip())
    return cells


def _changes(services: Services, draft: Draft) -> dict[str, str]:
    """Return the cells that the writer changed; raises if somebody else changed one of them meanwhile."""
    record = services.registry.record(draft.knowledge_base, draft.record)
    if record is None:
        raise NotThereError("edit.gone")
    now = views.cells_of(record)
    touched = {role: text for role, text in draft.texts.items() if is_touched(draft, role)}
    if any(views.digest(now[role]) not in {draft.seen[role], views.digest(text)} for role, text in touched.items()):
        written = " ".join(f"{record.question}\n{record.answer}".split())
        raise ChangedMeanwhileError("edit.changed_meanwhile", now=written[:SHOWN])
    return _cells(touched, services.registry.loaded[draft.knowledge_base].knowledge_base)


def is_touched(draft: Draft, role: str) -> bool:
    """Return whether the writer changed a field of the form."""
    return draft.seen.get(role) != views.digest(draft.texts[role])


def as_now(draft: Draft, record: Record) -> Draft:
    """Return the draft with the record's texts where the writer changed nothing; too long ones are left out."""
    now = views.cells_of(record)
    touched = {role: text for role, text in draft.texts.items() if is_touched(draft, role)}
    shown = {role: touched.get(role, text) for role, text in now.items() if len(text) <= views.FIELD}
    return replace(draft, texts=shown, seen={role: views.digest(now[role]) for role in shown})

"""CSV files that admins send to the bot: a preview is shown first, and applied when the admin confirms.

The preview is a direct message: it shows entries of the knowledge base, which a channel must not see. `/kb rollback`
uses the same preview for an earlier version.
"""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from slack_sdk.models.blocks import Option

from handlers.admin.views import admin
from handlers.answers import search
from handlers.audience import closed_to, ensure_open
from handlers.files.downloads import download
from handlers.files.pending import Pending, Upload
from handlers.files.views import uploads
from handlers.request import Request, run_each
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import has_words, one_line, plain
from handlers.store.audit import AuditLog
from handlers.store.knowledge_files import KnowledgeFiles
from indexes.messages import Translatable, Value
from indexes.names import composed, folded
from indexes.records import Source
from indexes.records.editing import replace_csv
from indexes.reload_report import ReloadReport
from indexes.storage.import_preview import ImportPreview, preview_knowledge_base, preview_synonyms
from indexes.storage.versions import Origin

PROGRESS_SECONDS = 3.0
"""How often the message shows the progress of indexing."""
NAME_LENGTH = 60
"""Characters of a new knowledge base's name: in Japanese 180 bytes, and file systems take 255."""

SYNONYMS = "_synonyms"

_TABLES = (".csv", ".tsv")
_SHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
_COPY = re.compile(r"(?<!\s)\s*[(（]\d{1,3}[)）]$")
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)


def brings_files(event: Mapping[str, Any]) -> bool:
    """Return whether a message of a person has files."""
    return bool(event.get("files")) and not event.get("bot_id")


def direct(services: Services, request: Request) -> None:
    """Take the CSV files of a direct message; anything else is a question."""
    if not _took(services, request):
        search.direct(services, request)


def mention(services: Services, request: Request) -> None:
    """Take the CSV files of a mention; anything else is a question."""
    if not _took(services, request):
        search.mention(services, request)


def posted(services: Services, request: Request) -> None:
    """Take the CSV files of a channel message that mentions the bot; Slack may send an `app_mention` for it too."""
    mention(services, replace(request, body={"event": {**request.event, "type": "app_mention"}}))


def chosen(services: Services, request: Request) -> None:
    """Show what a file would change in the knowledge base that the admin chose."""
    pressed = request.body["actions"][0]
    upload = _waiting(services, request, str(pressed["block_id"]).removeprefix("upload:"))
    if upload:
        name = str(pressed["selected_option"]["value"])
        target = _known(services, name) or new_name(name)
        ensure_open(services, request.user, target)
        upload = pending_files(services).choose(upload, target)
        request.update_message(card(services, upload, request))


def cancelled(services: Services, request: Request) -> None:
    """Discard a file."""
    if upload := _waiting(services, request, request.pressed):
        with pending_files(services).decided(upload) as mine:
            if mine:
                request.update_message(
                    notice(request.texts("upload.cancelled", file=one_line(upload.file, uploads.NAME)))
                )


def applied(services: Services, request: Request) -> None:
    """Apply a file and index it, unless the preview that the admin saw is out of date."""
    id_, _, seen = request.pressed.partition(":")
    upload = _waiting(services, request, id_)
    if upload is None:
        return
    ensure_open(services, request.user, upload.target)
    found = _found(services, upload)
    if found.digest != seen:
        request.update_message(card(services, upload, request, found, stale=True))
        return
    with pending_files(services).decided(upload) as mine:
        done = _put(services, request, upload, found) if mine else None
    if done:
        _index(services, request, upload, found.source, done)


def card(
    services: Services, upload: Upload, request: Request, found: ImportPreview | None = None, *, stale: bool = False
) -> Message:
    """Return the preview of a file, or the question which knowledge base it is for; raises UnusableFileError."""
    options = _options(services, upload, request)
    if not upload.target:
        return uploads.question(upload, options, request.texts)
    found = found or _found(services, upload)
    versions = {version.number: version for version in services.maintenance.versions.of(found.source)}
    version = versions.get(upload.version)
    return uploads.proposal(upload, found, version, options, services.config.admin_command, request.texts, stale=stale)


def pending_files(services: Services) -> Pending:
    """Return the files that wait for an admin."""
    return Pending(services.config.uploads_dir)


def source_of(services: Services, name: str) -> Source:
    """Return the file of a knowledge base, of the synonyms, or where a new knowledge base's file will be."""
    synonyms = services.registry.synonyms_file
    if synonyms and name == synonyms.name:
        return synonyms
    if name in services.registry.sources():
        return services.registry.source(name)
    for file in KnowledgeFiles(services.database).all():
        if file.name == name:  # an admin removed it: it comes back where it was, with its versions
            return Source(name, file.path)
    fresh = new_name(name)
    return Source(fresh, services.config.knowledge_dir / f"{fresh}.csv")


def replacement(services: Services, source: Source, data: bytes, file: str) -> ImportPreview:
    """Compare the bytes of a CSV called `file` with what is there; raises UnusableFileError."""
    if source == services.registry.synonyms_file:
        return preview_synonyms(source, data, file)
    loaded = services.registry.loaded.get(source.name)
    return preview_knowledge_base(source, data, file, loaded.knowledge_base.records if loaded else ())


def new_name(file: str) -> str:
    """Make a safe name for a new knowledge base out of a file's: words joined by hyphens, blank if there are none."""
    name = re.sub(r"[^\w]+", "-", _stem(file)).strip("-")
    if name != "_shared":
        name = name.strip("_-")
    return "" if _RESERVED.fullmatch(name) else name[:NAME_LENGTH].rstrip("-")


def _took(services: Services, request: Request) -> bool:
    """Handle the files of a message, of whose events only the first counts; False if the message is a question."""
    with services.locks(request.channel, request.event["ts"]):
        if not services.claims.take(f"files:{request.channel}:{request.event['ts']}"):
            return True
    asks = has_words(plain(request.event.get("text", "")))
    if not request.person.is_admin:
        if any(_ends(file, _TABLES) for file in request.event["files"]):
            request.tell_privately(notice(request.texts("upload.admins")))
            return not asks
        return False
    files = [_told(services, file) for file in request.event["files"]]
    tables = [file for file in files if _ends(file, _TABLES)]
    run_each(request, [partial(_receive, services, request, str(file["id"])) for file in tables])
    if not tables and not asks and any(_ends(file, _SHEETS) for file in files):
        request.tell_privately(notice(request.texts("upload.only_csv")))
        return True
    return bool(tables)


def _told(services: Services, file: Mapping[str, Any]) -> Mapping[str, Any]:
    """Look up a file that the message doesn't describe, as in channels shared with other organisations."""
    if "name" in file:
        return file
    told: dict[str, Any] = services.client.files_info(file=file["id"])["file"]
    return told


def _ends(file: Mapping[str, Any], endings: tuple[str, ...]) -> bool:
    return str(file.get("name", "")).lower().endswith(endings)


def _receive(services: Services, request: Request, file_id: str) -> None:
    """Download a file and show its preview to the admin alone."""
    file = services.client.files_info(file=file_id)["file"]
    name = str(file["name"])
    data = download(services.client, file)
    target, is_certain = _target(services, request, name)
    source = source_of(services, target or new_name(name) or name)
    ensure_open(services, request.user, source.name)
    found = replacement(services, source, data, name)
    if is_certain and found.is_identical:
        message = uploads.identical(name, found, request.texts)
    else:
        upload = pending_files(services).keep(data, name, request.user, request.channel, target, is_certain=is_certain)
        message = card(services, upload, request, found)
    if request.is_direct:
        request.post(message)
    else:
        services.messenger.post(request.user, message)
        request.tell_privately(notice(request.texts("upload.sent_privately", file=one_line(name, uploads.NAME))))


def _target(services: Services, request: Request, file: str) -> tuple[str, bool]:
    """Return which knowledge base a file is for, blank if unknown, and whether the file's name makes it certain."""
    if known := _known(services, file):
        return known, True
    if request.is_direct:
        return "", False
    shared = services.channels.shared
    own = [name for name in services.channels.of(request.channel).knowledge_bases if name not in shared]
    return (own[0] if len(own) == 1 else ""), False


def _known(services: Services, file: str) -> str:
    """Return the knowledge base, or the synonyms, that a file's name stands for; blank for none."""
    synonyms = services.registry.synonyms_file
    names = [*services.registry.sources(), *([synonyms.name] if synonyms else [])]
    wanted = folded(_stem(file))
    usual = synonyms.name if synonyms and wanted == SYNONYMS else ""  # kotae.toml may call them something else
    return next((name for name in names if folded(name) == wanted), usual)


def _stem(file: str) -> str:
    """Return a file's name without folders, the ending, and the number that browsers give a second copy."""
    name = PurePosixPath(composed(file).replace("\\", "/")).name
    stem = re.sub(r"\.(csv|tsv)$", "", name, flags=re.IGNORECASE)
    return _COPY.sub("", stem).strip()


def _options(services: Services, upload: Upload, request: Request) -> list[Option]:
    names = services.registry.sources()
    new = new_name(upload.file)
    return uploads.options(names, "" if _known(services, new) else new, request.texts)


def _waiting(services: Services, request: Request, id_: str) -> Upload | None:
    """Return the file with an id; None after telling the admin that it is gone."""
    upload = pending_files(services).get(id_)
    if upload is None:
        request.tell_privately(notice(request.texts("upload.gone")))
    return upload


def _found(services: Services, upload: Upload) -> ImportPreview:
    data = pending_files(services).data(upload)
    return replacement(services, source_of(services, upload.target), data, upload.file)


def _put(services: Services, request: Request, upload: Upload, found: ImportPreview) -> Translatable:
    """Record the current version, write the new bytes and record these too; return the audit entry."""
    maintenance, source = services.maintenance, found.source
    if found.current is not None:
        maintenance.versions.keep(source, found.current, found.before, "file")
    replace_csv(source.path, found.data, found.digest)
    version = maintenance.record_version(source, found.data, found.entries, _what(upload), request.user)
    kept = Translatable("audit.version", number=version.number) if version else Translatable("audit.no_version")
    counts = {"added": len(found.added), "changed": len(found.changed), "removed": len(found.removed)}
    common: dict[str, Value] = {"name": source.name, "version": kept, "records": found.entries, **counts}
    if upload.version:
        return Translatable("audit.rollback", number=upload.version, **common)
    return Translatable("audit.upload", file=upload.file, **common)


def _index(services: Services, request: Request, upload: Upload, source: Source, done: Translatable) -> None:
    """Reload what was written, whatever happens to the message; synonyms concern every knowledge base."""
    registry = services.registry
    names = registry.sources() if source == registry.synonyms_file else (source.name,)
    far = _Far()
    services.rescan()  # before it is first read: the channel that has its name by then gets it
    waiting = [services.maintenance.reload(name, far) for name in names]
    try:
        request.update_message(uploads.applying(upload, source.name, request.texts))
        _follow(services, request, upload, source.name, waiting, far)
        report = admin.reloaded(
            [future.result() for future in waiting], closed_to(services, request.user), request.texts
        )
        request.update_message(uploads.applied(upload, source.name, report, request.texts))
    finally:  # what was done is in the audit log even when Slack takes no report
        AuditLog(services.database).record(request.user, request.channel, done)


def _what(upload: Upload) -> Origin:
    return "rollback" if upload.version else "upload"


class _Far:
    """The encoder's progress: updated on its thread, read on another."""

    done = total = 0

    def __call__(self, done: int, total: int) -> None:
        """Note how many texts of how many are encoded."""
        self.done, self.total = done, total


def _follow(
    services: Services, request: Request, upload: Upload, name: str, waiting: Sequence[Future[ReloadReport]], far: _Far
) -> None:
    """Show the progress in the message until all is done. An ephemeral message can't be updated that often."""
    shown = 0
    where = request.body["container"]
    while wait(waiting, PROGRESS_SECONDS).not_done:
        if far.done != shown and not where.get("is_ephemeral"):
            shown = far.done
            message = uploads.applying(upload, name, request.texts, far.done, far.total)
            services.messenger.update_message(request.channel, where["message_ts"], message)

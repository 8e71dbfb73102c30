"""Applying a file that an admin confirmed: writing it, recording the version, indexing it."""

from collections.abc import Sequence
from concurrent.futures import Future, wait

from handlers.admin.views import admin
from handlers.audience import closed_to
from handlers.files.pending import Upload
from handlers.files.views import uploads
from handlers.request import Request
from handlers.services import Services
from handlers.store.audit import AuditLog
from handlers.store.errors import StoreError
from indexes.messages import Translatable, Value
from indexes.records import Source
from indexes.records.editing import replace_csv
from indexes.registry import EncodingProgress
from indexes.reload_report import ReloadReport
from indexes.storage.import_preview import ImportPreview
from indexes.storage.versions import Origin, Version

PROGRESS_SECONDS = 3.0
"""How often the message shows the progress of indexing."""


def write_file(services: Services, found: ImportPreview, origin: Origin, by: str) -> Version | None:
    """Record the current version, write the new bytes, and record these too; return the new version, if it is kept."""
    maintenance, source = services.maintenance, found.source
    if found.current is not None:
        maintenance.versions.keep(source, found.current, found.before, "file")
    replace_csv(source.path, found.data, found.digest, maintenance.writer(origin, by), found.entries)
    return maintenance.record_version(source, found.data, found.entries, origin, by)


def put_file(
    services: Services, request: Request, upload: Upload, found: ImportPreview, seen: str
) -> StoreError | None:
    """Record the current version, write the new bytes, record these too and log it; return why it is not logged.

    `seen` is the digest that was shown. Repeated after the process died in the middle, it does what was not done.
    """
    version = write_file(services, found, _what(upload), request.user)
    kept = Translatable("audit.version", number=version.number) if version else Translatable("audit.no_version")
    log, done = AuditLog(services.database), _done(upload, found, kept)
    if found.digest != seen and log.knows(done.key, upload.at, name=found.source.name, version=kept):
        return None
    try:
        log.record(request.user, request.channel, done)
    except StoreError as error:
        return error
    return None


def _done(upload: Upload, found: ImportPreview, kept: Translatable) -> Translatable:
    """Return the audit entry."""
    counts = {"added": len(found.added), "changed": len(found.changed), "removed": len(found.removed)}
    common: dict[str, Value] = {"name": found.source.name, "version": kept, "records": found.entries, **counts}
    if upload.version:
        return Translatable("audit.rollback", number=upload.version, **common)
    if upload.is_fetched:
        return Translatable("audit.fetched", **common)
    return Translatable("audit.upload", file=upload.file, **common)


def index_file(services: Services, request: Request, upload: Upload, source: Source) -> None:
    """Reload what was written; synonyms concern every knowledge base."""
    registry = services.registry
    names = registry.sources() if source == registry.synonyms_file else (source.name,)
    progress = Progress()
    services.rescan()  # before it is first read: the channel that has its name by then gets it
    waiting = [services.maintenance.reload(name, progress) for name in names]
    request.update_message(uploads.applying(upload, source.name, request.texts))
    _follow(services, request, upload, source.name, waiting, progress)
    report = admin.reloaded([future.result() for future in waiting], closed_to(services, request.user), request.texts)
    request.update_message(uploads.applied(upload, source.name, report, request.texts))


def _what(upload: Upload) -> Origin:
    if upload.is_fetched:
        return "source"
    return "rollback" if upload.version else "upload"


class Progress:
    """The encoder's progress: updated on its thread, read on another."""

    done = total = 0

    def __call__(self, done: int, total: int) -> None:
        """Note how many texts of how many are encoded."""
        self.done, self.total = done, total


def _follow(
    services: Services,
    request: Request,
    upload: Upload,
    name: str,
    waiting: Sequence[Future[ReloadReport]],
    progress: Progress,
) -> None:
    """Show the progress in the message until all is done. An ephemeral message can't be updated that often."""
    shown = 0
    where = request.body["container"]
    while wait(waiting, PROGRESS_SECONDS).not_done:
        if progress.done != shown and not where.get("is_ephemeral"):
            shown = progress.done
            far = EncodingProgress(progress.done, progress.total)
            prepared = admin.prepared(services.registry.loaded.get(name), far, request.texts)
            message = uploads.applying(upload, name, request.texts, prepared)
            services.messenger.update_message(request.channel, where["message_ts"], message)

"""`/kb versions`, `rollback` and `export`."""

import re

from handlers.audience import ensure_open
from handlers.files import uploads
from handlers.files.sources import pending_files, preview_of, source_of
from handlers.files.views import versions as view
from handlers.knowledge.shared import known_files
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import notice
from handlers.slack.mrkdwn import one_line
from handlers.store.audit import AuditLog
from handlers.store.knowledge_files import FileState
from indexes.messages import Translatable
from indexes.names import find_name, same_name
from indexes.records import Source, read_bytes
from indexes.records.editing import digest_of
from indexes.storage.export import Export, export, export_table
from indexes.storage.versions import Version

NAME = 100
LISTED = 1000

_OF_REMOVED = {"versions", "rollback"}
"""Actions that are possible for a knowledge base that an admin removed."""

_NUMBER = re.compile(r"[vV]?(\d{1,9})")


def listed(services: Services, request: Request, argument: str) -> None:
    """`/kb versions [name]`: list the versions, mark the current one, and offer to restore the others."""
    if source := _source(services, request, "versions", argument):
        kept = services.maintenance.versions.of(source)
        request.tell_privately(view.versions(source.name, kept, digest_of(source.path), request.texts))


def rollback(services: Services, request: Request, argument: str) -> None:
    """`/kb rollback [name] [version]`: show what going back would change, and ask."""
    name, number = _split(services, argument)
    if source := _source(services, request, "rollback", name):
        _propose(services, request, source, number)


def restored(services: Services, request: Request) -> None:
    """Show the preview for the version of the pressed button, whose value is ``number:name``."""
    number, _, name = request.pressed.partition(":")
    ensure_open(services, request.user, name)
    _propose(services, request, source_of(services, name), int(number))


def exported(services: Services, request: Request, argument: str) -> None:
    """`/kb export [name]`: send the CSV in a direct message, safe to open in a spreadsheet."""
    source = _source(services, request, "export", argument)
    if source is None:
        return
    made = _export(services, source)
    name = one_line(source.name, NAME)
    services.messenger.send_file(request.user, view.export(name, made, request.texts), f"{source.name}.csv", made.data)
    AuditLog(services.database).record(
        request.user, request.channel, Translatable("audit.export", name=source.name, rows=made.rows)
    )
    if not request.is_direct:
        request.tell_privately(notice(request.texts("export.sent", name=name)))


def _export(services: Services, source: Source) -> Export:
    data = read_bytes(source.path)
    if source == services.registry.synonyms_file:
        return export_table(data, source.path.name)
    learned = LearnedAliases(services.database).aliases() or {}
    return export(data, source, learned.get(source.name, ()))


def _propose(services: Services, request: Request, source: Source, number: int | None) -> None:
    """Show the preview of an earlier version, by default the newest one that differs from the file."""
    now = digest_of(source.path)
    kept = services.maintenance.versions.of(source)
    version = next((each for each in kept if _is_meant(each, number, now)), None)
    name = one_line(source.name, NAME)
    if version is None:
        missing = "versions.none_before" if number is None else "versions.unknown"
        request.tell_privately(
            notice(request.texts(missing, name=name, number=number, command=services.config.admin_command))
        )
        return
    data = services.maintenance.versions.read(source, version)
    found = preview_of(services, source, data, source.path.name)
    if found.is_identical:
        request.tell_privately(notice(request.texts("versions.is_current", name=name, number=version.number)))
        return
    upload = pending_files(services).keep(
        data, source.path.name, request.user, request.channel, source.name, is_certain=True, version=version.number
    )
    request.tell_privately(uploads.card(services, upload, request.texts, found))


def _is_meant(version: Version, number: int | None, now: str) -> bool:
    return version.digest != now if number is None else version.number == number


def _split(services: Services, argument: str) -> tuple[str, int | None]:
    """Split an argument into the name and the version's number; each may be missing."""
    *first, last = argument.split() or [""]
    number = _NUMBER.fullmatch(last)
    if number is None or same_name(argument, services.registry.sources()):
        return argument, None
    return " ".join(first), int(number[1])


def _source(services: Services, request: Request, action: str, argument: str) -> Source | None:
    """Return the named file, else the channel's own; None after asking the admin which one.

    Raises ClosedError.
    """
    synonyms = services.registry.synonyms_file
    known = [*services.registry.sources(), *([synonyms.name] if synonyms and synonyms.path.exists() else [])]
    files = known_files(services.database, services.config.knowledge_dir).all()
    removed = [file.name for file in files if file.state is FileState.REMOVED]
    shared = services.channels.shared
    own = [each for each in services.channels.of(request.channel).knowledge_bases if each not in shared]
    wanted = argument or (own[0] if len(own) == 1 else "")
    if wanted and (name := find_name(wanted, [*known, *(removed if action in _OF_REMOVED else [])])):
        ensure_open(services, request.user, name)
        return source_of(services, name)
    names = one_line(", ".join(own or known), LISTED)
    request.tell_privately(
        notice(request.texts("versions.which", command=services.config.admin_command, action=action, names=names))
    )
    return None

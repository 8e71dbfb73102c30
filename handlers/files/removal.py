"""`/kb remove`, and knowledge bases whose file is gone: only an admin's button removes one."""

from functools import partial

from handlers.admins import tell_admins
from handlers.files.views import removal as view
from handlers.knowledge.shared import SharedFiles, known_files
from handlers.request import Request
from handlers.services import Services
from handlers.slack.blocks import Message, notice
from handlers.slack.mrkdwn import one_line
from handlers.store.audit import AuditLog
from handlers.store.knowledge_files import FileState, KnowledgeFile, KnowledgeFiles
from handlers.texts import Texts
from indexes.messages import Translatable
from indexes.names import find_name
from indexes.records import Source
from indexes.records.editing import ensure_edited_here

LISTED = 1000


def command(services: Services, request: Request, argument: str) -> None:
    """`/kb remove NAME`: show what would be removed, and ask."""
    known = services.registry.sources()
    name = find_name(argument, known) if argument else None
    if name is None:
        names = one_line(", ".join(known), LISTED)
        which = request.texts("versions.which", command=services.config.admin_command, action="remove", names=names)
        request.tell_privately(notice(which))
        return
    _refuse_edited_elsewhere(services, name)
    if name in services.channels.named:
        request.tell_privately(notice(request.texts("removal.named", name=one_line(name, view.NAME))))
    else:
        request.tell_privately(view.asked(_shown(services, name), services.config.admin_command, request.texts))


def removed(services: Services, request: Request) -> None:
    """Remove a knowledge base; its versions are kept."""
    services.rescan()  # a file that came back, or went with the others, is no file to remove
    name, is_about_gone = view.pressed(request.pressed)
    file = _file(services, name)
    if file and _was_cut_off(services, request, file):
        _finish(services, request, file, _records_before(services, file))
    elif file is None or file.state is FileState.REMOVED or name not in services.registry.sources():
        request.update_message(notice(request.texts("removal.already", name=one_line(name, view.NAME))))
    elif is_about_gone and not file.state.is_offered:
        request.update_message(_not_offered(services, file, request.texts))
    else:
        _remove(services, request, file)


def kept(services: Services, request: Request) -> None:
    """Keep a knowledge base that has no file any more."""
    services.rescan()
    name, _ = view.pressed(request.pressed)
    file = _file(services, name)
    if file is None or not file.state.is_offered:
        request.update_message(
            _not_offered(services, file, request.texts)
            if file
            else notice(request.texts("removal.already", name=one_line(name, view.NAME)))
        )
        return
    _files(services).decide(KnowledgeFile(name, file.path, FileState.KEPT, request.user))
    AuditLog(services.database).record(request.user, request.channel, Translatable("audit.keep", name=name))
    request.update_message(
        notice(request.texts("removal.kept", name=one_line(name, view.NAME), command=services.config.admin_command))
    )


def cancelled(_: Services, request: Request) -> None:
    """Remove nothing."""
    name, _gone = view.pressed(request.pressed)
    request.update_message(notice(request.texts("removal.cancelled", name=one_line(name, view.NAME))))


def ask_admins(services: Services) -> None:
    """Ask admins once about each file that is gone; if too many are gone, report once that the folder is at fault."""
    with services.locks("missing files"):
        files = _files(services).all()
        for file in files:
            if file.state is FileState.GONE and tell_admins(services, partial(_gone, services, file)):
                _note(services, [file], FileState.ASKED)
        lost = [file for file in files if file.state.is_fault]
        if any(file.state is FileState.LOST for file in lost) and tell_admins(
            services, partial(_fault, services, lost)
        ):
            _note(services, lost, FileState.REPORTED)


def _refuse_edited_elsewhere(services: Services, name: str) -> None:
    """Raise FetchedFileError, or WorkbookError for a workbook that is there; one that is gone can be removed."""
    source = services.registry.source(name)
    if source.edited_at or source.path.exists():
        ensure_edited_here(source)


def _remove(services: Services, request: Request, file: KnowledgeFile) -> None:
    _refuse_edited_elsewhere(services, file.name)
    shown = _shown(services, file.name)
    services.maintenance.remove(file.name, request.user).result()
    _files(services).decide(KnowledgeFile(file.name, file.path, FileState.REMOVED, request.user))
    _finish(services, request, file, shown.records)


def _was_cut_off(services: Services, request: Request, file: KnowledgeFile) -> bool:
    """Tell whether the same person's press has removed it, and the process died before that was logged."""
    if file.state is not FileState.REMOVED or file.by != request.user:
        return False
    return not AuditLog(services.database).knows("audit.remove", file.at, name=file.name)


def _records_before(services: Services, file: KnowledgeFile) -> int:
    versions = services.maintenance.versions.of(Source(file.name, file.path))
    return versions[0].records if versions else 0


def _finish(services: Services, request: Request, file: KnowledgeFile, records: int) -> None:
    services.rescan()
    done = Translatable("audit.remove", name=file.name, records=records)
    AuditLog(services.database).record(request.user, request.channel, done)
    request.update_message(
        notice(
            request.texts("removal.done", name=one_line(file.name, view.NAME), command=services.config.admin_command)
        )
    )


def _not_offered(services: Services, file: KnowledgeFile, texts: Texts) -> Message:
    """Return why the buttons of a message about a missing file do nothing any more."""
    if file.state.is_fault:
        return _fault(services, [each for each in _files(services).all() if each.state.is_fault], texts)
    key = "removal.back" if file.state is FileState.THERE else "removal.already"
    return notice(texts(key, name=one_line(file.name, view.NAME)))


def _files(services: Services) -> KnowledgeFiles | SharedFiles:
    return known_files(services.database, services.config.knowledge_dir)


def _file(services: Services, name: str) -> KnowledgeFile | None:
    return next((file for file in _files(services).all() if file.name == name), None)


def _shown(services: Services, name: str) -> view.Shown:
    loaded = services.registry.loaded.get(name)
    everywhere = name in services.channels.shared
    where = [channel.id for channel in services.channels.configured() if name in channel.knowledge_bases]
    file = services.registry.source(name).path.name
    return view.Shown(name, file, len(loaded.index.records) if loaded else 0, [] if everywhere else where)


def _gone(services: Services, file: KnowledgeFile, texts: Texts) -> Message:
    return view.gone(_shown(services, file.name), texts)


def _fault(services: Services, lost: list[KnowledgeFile], texts: Texts) -> Message:
    return view.fault([file.name for file in lost], services.config.admin_command, texts)


def _note(services: Services, files: list[KnowledgeFile], state: FileState) -> None:
    _files(services).remember([KnowledgeFile(file.name, file.path, state) for file in files])

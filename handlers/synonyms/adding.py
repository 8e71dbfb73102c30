"""Writing a pair into the file of synonyms: with its versions, wherever the knowledge is kept."""

from concurrent.futures import wait

from handlers.request import Request
from handlers.services import Services
from handlers.store.audit import AuditLog
from handlers.synonyms.store.synonyms import ProposedSynonym
from indexes.messages import Translatable
from indexes.records import Source
from indexes.retrieval.synonyms_editing import Added, add_synonyms


def add_to_file(services: Services, request: Request, synonym: ProposedSynonym) -> Translatable | None:
    """Add a pair, search by it, and log it; return what failed after it was written. Raises KnowledgeBaseError.

    A pair that is there already, as after a restart in the middle, is left as it is.
    """
    source = services.registry.synonyms_file
    if source is None:
        return None
    with services.locks("knowledge base", source.name):
        writer = services.maintenance.writer("edit", request.user)
        pairs = [(form, synonym.known) for form in synonym.said]
        done = add_synonyms(source.path, pairs, writer)
        version = _keep_versions(services, request, source, done) if done else None
        trouble = _reload(services)
    if done:
        said = {"said": ", ".join(synonym.said), "known": synonym.known, "version": version or ""}
        AuditLog(services.database).record(request.user, request.channel, Translatable("audit.synonym", **said))
    return trouble


def _keep_versions(services: Services, request: Request, source: Source, done: Added) -> Translatable:
    """Record the file as it was and as it is now."""
    maintenance = services.maintenance
    if done.before is not None:
        maintenance.versions.keep(source, done.before, done.pairs_before, "file")
    version = maintenance.record_version(source, done.after, done.pairs, "edit", request.user)
    return Translatable("audit.version", number=version.number) if version else Translatable("audit.no_version")


def _reload(services: Services) -> Translatable | None:
    """Read every knowledge base again, as synonyms concern them all; return the first thing that failed."""
    waiting = [services.maintenance.reload(name) for name in services.registry.sources()]
    wait(waiting)
    return next((error for each in waiting if (error := each.result().error)), None)

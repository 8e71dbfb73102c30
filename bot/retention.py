"""What is kept, and how long: one table. Housekeeping goes through it every hour."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.config_file import ConfigFile
from bot.settings import Settings
from handlers.files.sources import pending_files
from handlers.freshness.store import reviews
from handlers.knowledge.store.documents import Documents
from handlers.knowledge.store.vectors import VectorChunks
from handlers.privacy.store import erasures
from handlers.privacy.store.retention import Retention
from handlers.services import Services
from handlers.store import buckets, claims, inbox, outbox, recovery, tokens
from handlers.store.questions import MOST_DAYS
from handlers.synonyms.store import synonyms
from indexes.encoder.compiled import CompiledModels
from indexes.storage.leftovers import sweep_data, sweep_files

DAY = 24 * 3600.0
JUDGEMENTS_DAYS = 730
"""After so long a reply that was searched again must be judged once more to prove anything."""
REMOVED_DAYS = 365
"""How long the versions of a removed knowledge base can be brought back."""
CACHE_DAYS = 30
"""How long vectors are kept of files that no channel searches, such as those of `kotae search`."""

Sweep = Callable[[Services, Path, float], None]
"""Deletes what is from before a time (seconds since the epoch): called with DATA_DIR."""


@dataclass(frozen=True)
class Kept:
    """One thing that is kept: `where` it is (tables, or files below DATA_DIR), for how many days, and what ends it.

    Without days it is kept as long as what it belongs to. Without a sweep of its own, something else ends it.
    """

    what: str
    where: tuple[str, ...]
    days: Callable[[ConfigFile], float] | None = None
    sweep: Sweep | None = None


def _questions_days(config: ConfigFile) -> float:
    return config.keep_questions_days


def _purge_audit(services: Services, _: Path, before: float) -> None:
    Retention(services.database).purge_audit(before)


def _purge_judgements(services: Services, _: Path, before: float) -> None:
    Retention(services.database).purge_judgements(before)


def _purge_posts(services: Services, _: Path, before: float) -> None:
    outbox.Posts(services.database).purge(before)


def _purge_buckets(services: Services, _: Path, before: float) -> None:
    buckets.purge(services.database, before)


def _purge_tokens(services: Services, _: Path, before: float) -> None:
    tokens.Tokens(services.database).purge(before)


def _purge_synonyms(services: Services, _: Path, before: float) -> None:
    synonyms.purge(services.database, before)


def _purge_review_requests(services: Services, _: Path, before: float) -> None:
    reviews.purge_requests(services.database, before)


def _purge_review_refusals(services: Services, _: Path, before: float) -> None:
    reviews.purge_refusals(services.database, before)


def _purge_uploads(services: Services, *_: object) -> None:
    pending_files(services).purge()


def _sweep_set_aside(services: Services, _: Path, before: float) -> None:
    if services.database.file:
        recovery.sweep(services.database.file, before)


def _sweep_replaced(_: Services, data_dir: Path, before: float) -> None:
    for folder in data_dir.glob("replaced-*"):
        if folder.is_dir() and _newest(folder) < before:
            shutil.rmtree(folder)


def _expire_note(services: Services, _: Path, before: float) -> None:
    services.database.recovery.expire(before + recovery.NOTE_SECONDS)


def _expire_erasures(services: Services, _: Path, before: float) -> None:
    if services.database.file:
        erasures.Erasures(services.database.file).expire(before)


def _purge_documents(services: Services, _: Path, before: float) -> None:
    if services.database.is_shared:
        Documents(services.database).purge(before)


def _purge_vectors(services: Services, _: Path, before: float) -> None:
    names = services.registry.sources()
    if services.database.is_shared and names:
        VectorChunks(services.database).purge(names, services.registry.encoder, before)


def _sweep_versions(services: Services, data_dir: Path, before: float) -> None:
    _sweep_folders(services, data_dir / "versions", before)


def _sweep_snapshots(services: Services, data_dir: Path, before: float) -> None:
    _sweep_folders(services, data_dir / "snapshots", before)


def _sweep_folders(services: Services, folder: Path, before: float) -> None:
    """Delete the folders of files that are no knowledge base of today, and in which nothing was written since."""
    served = {source.folder for source in services.registry.files()}
    for each in folder.glob("*") if served else ():
        if each.name not in served and each.is_dir() and _newest(each) < before:
            shutil.rmtree(each)


def _newest(folder: Path) -> float:
    return max((each.stat().st_mtime for each in [folder, *folder.rglob("*")]), default=0.0)


KEPT = (
    Kept(
        "the words of questions, who asked, and what was posted",
        ("questions", "replies", "publications", "reports"),
        _questions_days,
    ),
    Kept(
        "who voted, and who confirmed a phrasing; the votes stay as counts",
        ("votes", "confirmations", "learned"),
        _questions_days,
    ),
    Kept("the words of open misses", ("questions",), lambda _: MOST_DAYS),
    Kept("how misses were closed; by whom goes with the question", ("closings",)),
    Kept("decided proposals; waiting ones stay", ("proposals", "proposal_requests"), _questions_days),
    Kept(
        "what admins did; the questions quoted in it go with the questions",
        ("audit",),
        lambda config: config.keep_audit_days,
        _purge_audit,
    ),
    Kept(
        "replies that were searched again, for the proof", ("rejudged",), lambda _: JUDGEMENTS_DAYS, _purge_judgements
    ),
    Kept("proposed synonyms: made anew from the votes of today", ("synonym_proposals",)),
    Kept(
        "synonyms that admins dismissed, as digests; after they were last found",
        ("synonym_dismissals",),
        lambda _: synonyms.KEEP_DISMISSED_SECONDS / DAY,
        _purge_synonyms,
    ),
    Kept(
        "tokens of programs, as digests; after they expired",
        ("tokens",),
        lambda _: tokens.KEEP_EXPIRED_SECONDS / DAY,
        _purge_tokens,
    ),
    Kept(
        "who was asked to check entries in which week",
        ("review_requests",),
        lambda _: reviews.KEEP_REQUESTS_SECONDS / DAY,
        _purge_review_requests,
    ),
    Kept(
        "who said that an entry isn't theirs, as digests of the entry",
        ("review_refusals",),
        lambda _: reviews.KEEP_REFUSALS_SECONDS / DAY,
        _purge_review_refusals,
    ),
    Kept("events that were seen", ("seen",), lambda _: claims.KEEP_SEEN_SECONDS / DAY),
    Kept(
        "requests that were acked and are not done yet; the inbox itself sweeps them",
        ("inbox",),
        lambda _: inbox.REDONE_SECONDS / DAY,
    ),
    Kept("which replicas run; one that ended goes once its work is taken over", ("replicas",)),
    Kept("how much each person asked in the last minute", ("buckets",), lambda _: 1.0, _purge_buckets),
    Kept("how often each thing was changed that replicas share", ("changes",)),
    Kept(
        "where and when something was posted, without its words",
        ("outbox",),
        lambda _: outbox.KEEP_SECONDS / DAY,
        _purge_posts,
    ),
    Kept("a file that waits for an admin's decision", ("uploads",), lambda _: 1.0, _purge_uploads),
    Kept(
        "the last ten versions of a knowledge base; of a removed one",
        ("versions",),
        lambda _: REMOVED_DAYS,
        _sweep_versions,
    ),
    Kept(
        "the same in a shared database; of a removed one",
        ("documents", "document_versions"),
        lambda _: REMOVED_DAYS,
        _purge_documents,
    ),
    Kept(
        "vectors in a shared database, a spare one for each text; of models that are not used any more",
        ("vector_chunks", "vector_encoders", "vector_scales"),
        lambda _: CACHE_DAYS,
        _purge_vectors,
    ),
    Kept("this replica's copy of the knowledge bases in a shared database", ("knowledge",)),
    Kept(
        "vectors: three snapshots of a knowledge base; of other files",
        ("snapshots",),
        lambda _: CACHE_DAYS,
        _sweep_snapshots,
    ),
    Kept(
        "the daily copy of the database, and the one from before an upgrade",
        ("state.db.backup", "state.db.before-upgrade"),
        _questions_days,
    ),
    Kept("the compiled form of the model; a new one replaces it", ("compiled",)),
    Kept("a damaged database", ("state.db.damaged-*",), lambda _: recovery.KEEP_SECONDS / DAY, _sweep_set_aside),
    Kept("what a restore replaced", ("replaced-*",), lambda _: recovery.KEEP_SECONDS / DAY, _sweep_replaced),
    Kept("a backup that is being put in place; the next start finishes that", ("restoring",)),
    Kept(
        "the note of a recovery, once it is confirmed",
        ("state.db.recovered",),
        lambda _: recovery.NOTE_SECONDS / DAY,
        _expire_note,
    ),
    Kept(
        "digests of who was forgotten", ("state.db.erasures",), lambda _: erasures.KEEP_SECONDS / DAY, _expire_erasures
    ),
    Kept(
        "settings, names of channels and files, what is proved, voices under pseudonyms: as long as they hold",
        (
            "settings",
            "state.db.seal",
            "instance",
            "database-id",
            "channel_names",
            "knowledge_files",
            "proofs",
            "installation",
            "voices",
            "tallies",
        ),
    ),
    Kept("one row for each person and channel that was greeted", ("once",)),
)
"""What is kept. Whoever adds a table or a file adds a line."""


def sweep_all(services: Services, settings: Settings, now: float) -> Iterator[Callable[[], None]]:
    """Yield a job for each line of the table that has a sweep, so that one that fails does not stop the others."""
    data_dir = settings.environment.data_dir
    for kept in KEPT:
        if kept.sweep and kept.days:
            yield _job(kept.sweep, services, data_dir, now - kept.days(settings.config) * DAY)


def _job(sweep: Sweep, services: Services, data_dir: Path, before: float) -> Callable[[], None]:
    return lambda: sweep(services, data_dir, before)


def sweep_leftovers(settings: Settings, before: float) -> None:
    """Delete what a killed process has left behind in DATA_DIR and the knowledge folder; raises OSError."""
    sweep_data(settings.environment.data_dir, before)
    CompiledModels(settings.compiled_folder).sweep(before)
    sweep_files(settings.knowledge_dir, before)

"""Managing the Hugging Face cache, for `kotae model list|download|clear`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from indexes.encoder.backends import fetch_model, find_model
from indexes.encoder.fast_hub import repository_of
from indexes.encoder.names import FAST, canonical_name, split_name

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the cache; not `complete` after an interrupted download, or if no backend can open its weights."""

    name: str
    revisions: tuple[str, ...]
    size: int
    path: Path
    last_used: datetime
    complete: bool


def cache_directory() -> Path:
    """Return the folder that models are downloaded to (depends on HF_HOME)."""
    from huggingface_hub import constants  # noqa: PLC0415  takes a while

    return Path(constants.HF_HUB_CACHE)


def cached_models() -> list[CachedModel]:
    """Return the models in the cache, sorted by name. Sizes are in bytes."""
    return sorted((_describe(repo) for repo in _cached()), key=lambda model: model.name.lower())


def download_model(name: str, revision: str | None = None) -> Path:
    """Download a model unless it is in the cache; return its folder. Raises ModelUnavailableError."""
    return fetch_model(name, revision)


def clear_model(name: str) -> int:
    """Delete all revisions of a model; return the bytes freed, 0 if it isn't in the cache."""
    from huggingface_hub import scan_cache_dir  # noqa: PLC0415

    repository = repository_of(name) if split_name(name)[0] else canonical_name(name)
    revisions = [rev.commit_hash for repo in _cached() if repo.repo_id == repository for rev in repo.revisions]
    if not revisions:
        return 0
    strategy = scan_cache_dir().delete_revisions(*revisions)
    strategy.execute()
    return strategy.expected_freed_size


def _cached() -> list["CachedRepoInfo"]:
    from huggingface_hub import scan_cache_dir  # noqa: PLC0415
    from huggingface_hub.errors import CacheNotFound  # noqa: PLC0415

    try:
        return [repo for repo in scan_cache_dir().repos if repo.repo_type == "model"]
    except CacheNotFound:
        return []


def _describe(repo: "CachedRepoInfo") -> CachedModel:
    return CachedModel(
        name=repo.repo_id,
        revisions=tuple(sorted(revision.commit_hash for revision in repo.revisions)),
        size=repo.size_on_disk,
        path=repo.repo_path,
        last_used=datetime.fromtimestamp(repo.last_accessed, UTC),
        complete=any(find_model(f"{encoder}{repo.repo_id}") is not None for encoder in ("", FAST)),
    )

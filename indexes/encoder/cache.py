"""What `kotae model list|download|clear` needs of the Hugging Face cache."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from huggingface_hub import CachedRepoInfo, constants, scan_cache_dir
from huggingface_hub.errors import CacheNotFound

from indexes.encoder.hub import canonical_name, fetch_model, find_model


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model of the cache; not `complete` after an interrupted download, or when it has no safetensors."""

    name: str
    revisions: tuple[str, ...]
    size: int
    path: Path
    last_used: datetime
    complete: bool


def cache_directory() -> Path:
    """Where models are downloaded to (follows HF_HOME)."""
    return Path(constants.HF_HUB_CACHE)


def cached_models() -> list[CachedModel]:
    """Every model of the cache, by name. Sizes are in bytes."""
    return sorted((_describe(repo) for repo in _cached()), key=lambda model: model.name.lower())


def download_model(name: str, revision: str | None = None) -> Path:
    """Make sure that the model is here, and return its folder. Raises ModelUnavailableError."""
    return fetch_model(name, revision)


def clear_model(name: str) -> int:
    """Delete every revision of a model and return the bytes freed: 0 when it wasn't there."""
    repository = canonical_name(name)
    revisions = [rev.commit_hash for repo in _cached() if repo.repo_id == repository for rev in repo.revisions]
    if not revisions:
        return 0
    strategy = scan_cache_dir().delete_revisions(*revisions)
    strategy.execute()
    return strategy.expected_freed_size


def _cached() -> list[CachedRepoInfo]:
    try:
        return [repo for repo in scan_cache_dir().repos if repo.repo_type == "model"]
    except CacheNotFound:
        return []


def _describe(repo: CachedRepoInfo) -> CachedModel:
    return CachedModel(
        name=repo.repo_id,
        revisions=tuple(sorted(revision.commit_hash for revision in repo.revisions)),
        size=repo.size_on_disk,
        path=repo.repo_path,
        last_used=datetime.fromtimestamp(repo.last_accessed, UTC),
        complete=find_model(repo.repo_id) is not None,
    )

"""What `kotae model list|download|clear` needs of the Hugging Face cache."""

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
    """A model of the cache; not `complete` after an interrupted download, or with weights that no encoder opens."""

    name: str
    revisions: tuple[str, ...]
    size: int
    path: Path
    last_used: datetime
    complete: bool


def cache_directory() -> Path:
    """Where models are downloaded to (follows HF_HOME)."""
    from huggingface_hub import constants  # noqa: PLC0415  takes a while

    return Path(constants.HF_HUB_CACHE)


def cached_models() -> list[CachedModel]:
    """Every model of the cache, by name. Sizes are in bytes."""
    return sorted((_describe(repo) for repo in _cached()), key=lambda model: model.name.lower())


def download_model(name: str, revision: str | None = None) -> Path:
    """Make sure that the model is here, and return its folder. Raises ModelUnavailableError."""
    return fetch_model(name, revision)


def clear_model(name: str) -> int:
    """Delete every revision of a model and return the bytes freed: 0 when it wasn't there."""
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

"""Removes a person from all stored data, for `kotae forget`; the bot may be running."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bot.settings import Settings
from handlers.files.pending import forget_uploads
from handlers.privacy.store.erasures import Erasures
from handlers.privacy.store.forgetting import OF_RESTORES, ForgettingError, databases, voice_of
from handlers.privacy.store.forgetting import forget as forget_in
from handlers.store.sqlite import file_of
from indexes.storage.versions import forget_author


@dataclass(frozen=True)
class Place:
    """A place that was searched, with the counts of what was removed, or the reason for a failure."""

    name: str
    removed: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""

    def __str__(self) -> str:
        if self.failure:
            return f"{self.name}: not done ({self.failure})"
        counts = ", ".join(f"{what.replace('_', ' ')} {count}" for what, count in self.removed.items() if count)
        return f"{self.name}: {counts or 'nothing'}"


def forget(settings: Settings, user: str) -> Iterator[Place]:
    """Remove a person from the databases, the waiting uploads and the list of versions, one after the other."""
    data_dir = settings.environment.data_dir
    found = databases(settings.database_url, data_dir)
    if not found:
        yield Place("state database", failure=_nothing_there(settings))
    elif file := file_of(settings.database_url):
        known = {voice for _, url in found if (voice := voice_of(url, user))}
        Erasures(file).add(user, sorted(known))
    for name, url in found:
        yield _tried(name, partial(forget_in, url, user))
    yield _tried("uploads", lambda: {"removed": forget_uploads(data_dir / "uploads", user)})
    for folder in (data_dir, *(found for pattern in OF_RESTORES for found in sorted(data_dir.glob(pattern)))):
        name = "versions" if folder == data_dir else f"{folder.name}/versions"
        yield _tried(name, partial(_forget_author, folder, user))


def _forget_author(folder: Path, user: str) -> Mapping[str, int]:
    return {"author removed": forget_author(folder, user)}


def _nothing_there(settings: Settings) -> str:
    """Say that there is no database, and why that may be: Kotae was never started, or with another DATA_DIR."""
    file = file_of(settings.database_url)
    place = f"there is no {file.absolute()}" if file else "there is none"
    return (
        f"{place}. Either Kotae was never started here, and nothing is stored about anybody, or it works with another"
        " DATA_DIR or DATABASE_URL: run this where its .env is"
    )


def still_named(settings: Settings, user: str) -> Iterator[str]:
    """List the settings that name a person."""
    config = settings.config
    if user in settings.environment.admin_users:
        yield "ADMIN_USERS"
    if user in config.ask or any(user in (channel.ask or ()) for channel in config.channels.values()):
        yield settings.config_path.name


def _tried(name: str, remove: Callable[[], Mapping[str, int]]) -> Place:
    try:
        return Place(name, remove())
    except ForgettingError as error:
        return Place(name, failure=f"{error}; if it can't be mended, delete it")
    except (OSError, ValueError) as error:
        return Place(name, failure=str(error))

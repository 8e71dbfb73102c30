"""Removes a person from all stored data, for `kotae forget`; the bot may be running."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bot.settings import Settings
from bot.texts import ENGLISH
from handlers.files.pending import forget_uploads
from handlers.privacy.store.erasures import Erasures
from handlers.privacy.store.forgetting import OF_RESTORES, ForgettingError, databases, voice_of
from handlers.privacy.store.forgetting import forget as forget_in
from handlers.store.sqlite import file_of
from indexes.messages import Translatable
from indexes.storage.versions import forget_author


@dataclass(frozen=True)
class Place:
    """A place that was searched, with the counts of what was removed, or the reason for a failure."""

    name: Translatable | str
    removed: Mapping[str, int] = field(default_factory=dict)
    failure: Translatable | str = ""

    @property
    def message(self) -> Translatable:
        """What came of it, for whoever typed the command."""
        if self.failure:
            return Translatable("forget.failed", place=self.name, why=self.failure)
        counts = tuple(f"{what.replace('_', ' ')} {count}" for what, count in self.removed.items() if count)
        return Translatable("forget.done", place=self.name, counts=counts or Translatable("forget.nothing"))

    def __str__(self) -> str:
        return ENGLISH.say(self.message)


def forget(settings: Settings, user: str) -> Iterator[Place]:
    """Remove a person from the databases, the waiting uploads and the list of versions, one after the other."""
    data_dir = settings.environment.data_dir
    found = databases(settings.database_url, data_dir)
    if not found:
        yield Place(Translatable("forget.database"), failure=_nothing_there(settings))
    elif file := file_of(settings.database_url):
        known = {voice for _, url in found if (voice := voice_of(url, user))}
        Erasures(file).add(user, sorted(known))
    for name, url in found:
        yield _tried(name, partial(forget_in, url, user))
    yield _tried(Translatable("forget.uploads"), lambda: {"removed": forget_uploads(data_dir / "uploads", user)})
    for folder in (data_dir, *(found for pattern in OF_RESTORES for found in sorted(data_dir.glob(pattern)))):
        versions = Translatable("forget.versions")
        within = Translatable("forget.versions_within", folder=folder.name)
        yield _tried(versions if folder == data_dir else within, partial(_forget_author, folder, user))


def _forget_author(folder: Path, user: str) -> Mapping[str, int]:
    return {"author removed": forget_author(folder, user)}


def _nothing_there(settings: Settings) -> Translatable:
    """Say that there is no database, and why that may be: Kotae was never started, or with another DATA_DIR."""
    file = file_of(settings.database_url)
    return Translatable("forget.never_started", file=str(file.absolute()) if file else "DATABASE_URL")


def still_named(settings: Settings, user: str) -> Iterator[str]:
    """List the settings that name a person."""
    config = settings.config
    if user in settings.environment.admin_users:
        yield "ADMIN_USERS"
    if user in config.ask or any(user in (channel.ask or ()) for channel in config.channels.values()):
        yield settings.config_path.name


def _tried(name: Translatable | str, remove: Callable[[], Mapping[str, int]]) -> Place:
    try:
        return Place(name, remove())
    except ForgettingError as error:
        return Place(name, failure=Translatable("forget.mend", why=str(error)))
    except (OSError, ValueError) as error:
        return Place(name, failure=str(error))

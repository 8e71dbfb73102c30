"""Checks of the sources that knowledge bases are fetched from."""

from collections.abc import Iterator
from pathlib import Path

from bot.channel_mapping import ChannelMapping
from bot.doctor.finding import Finding
from bot.doctor.local_checks import existing_database
from bot.settings import Settings
from bot.source_settings import proxy_of
from bot.terminal import moment
from handlers.remote.fetching import Fetcher
from handlers.remote.network import FetchError
from handlers.remote.places import Remote
from handlers.remote.state import SourceState, SourceStates
from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.names import same_name
from indexes.records import Source, parse_records


def check_sources(settings: Settings) -> Iterator[Finding]:
    """Fetch every source, without storing anything; one that fails is no obstacle while there is a copy."""
    if not settings.remotes:
        return
    states = _states(settings)
    sources = {source.name: source for source in ChannelMapping(settings).sources()}
    fetcher = Fetcher(settings.config.private_hosts, proxy_of)
    for section, remote in settings.remotes.items():
        name = same_name(section, sources) or section
        yield _checked(fetcher, sources[name], remote, states.get(name, SourceState()))


def _states(settings: Settings) -> dict[str, SourceState]:
    database = existing_database(settings)
    if database is None:
        return {}
    try:
        return dict(SourceStates(database).all())
    finally:
        database.close()


def _checked(fetcher: Fetcher, source: Source, remote: Remote, state: SourceState) -> Finding:
    name, host = source.name, str(remote.place.host)
    try:
        fetched = fetcher.fetch(remote)
        data, file = (fetched.data, f"{source.name}{fetched.ending}") if fetched else (b"", source.path.name)
        records = len(parse_records(data, Path(file), source.sheet, source.columns).records)
    except (FetchError, UnusableFileError) as error:
        failed = Translatable(
            "doctor.source_failed", name=name, host=host, why=error.message, copy=_copy(source, state)
        )
        return Finding("note" if source.path.is_file() else "fail", failed)
    return Finding("ok", Translatable("doctor.source", name=name, host=host, records=records))


def _copy(source: Source, state: SourceState) -> Translatable:
    """Say how old the copy is that answers meanwhile."""
    if not source.path.is_file():
        return Translatable("doctor.source_no_copy")
    if not state.fetched:
        return Translatable("doctor.source_before", file=source.path.name)
    return Translatable("doctor.source_copy", at=moment(state.fetched))

"""`kotae doctor`: checks everything that the bot needs to start, and says how to fix each problem."""

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.channel_mapping import ChannelMapping, Preview
from bot.manifest import AGENT_SCOPE, GROUP_SCOPES, SCOPES, warnings
from bot.message_samples import SAMPLES, payload
from bot.serve import explain
from bot.settings import Settings, SettingsError
from bot.slack_client import scopes_of, slack_client
from handlers.access import Access
from handlers.audience import left_by_guests
from handlers.channel_rules import Channel
from handlers.channels import Channels
from handlers.schema import open_database
from handlers.store.database import Database, upgrade_due
from handlers.store.errors import StoreError
from handlers.texts import ENGLISH
from indexes.encoder import cache_directory, find_model
from indexes.records import check_file

NOT_TAKEN = {"invalid_blocks", "invalid_message", "invalid_view"}
"""Error codes of `blocks.validate` for a message that Slack would refuse."""
FREE_MEGABYTES = 1000
"""With less, a model of half a gigabyte and its snapshots may not fit."""


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    level: Literal["ok", "note", "fail"]
    what: str

    @property
    def is_failure(self) -> bool:
        """Whether the bot can't work like this."""
        return self.level == "fail"

    def __str__(self) -> str:
        return f"{'[ok]' if self.level == 'ok' else f'[{self.level}]':7}{self.what}"


def examine(settings: Settings) -> Iterator[Finding]:
    """Run one check after the other; nothing is changed."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _commands,
        _slack,
        _knowledge,
        _model,
        _disk,
        _database,
    )
    for check in checks:
        yield from check(settings)


def _commands(settings: Settings) -> Iterator[Finding]:
    environment = settings.environment
    names = (environment.search_command, environment.admin_command)
    doubtful = warnings(*names)
    yield from (Finding("note", warning) for warning in doubtful)
    if not doubtful:
        yield Finding("ok", f"Commands: {' and '.join(names)}")


def _slack(settings: Settings) -> Iterator[Finding]:
    environment = settings.environment
    if not environment.connects_to_slack:
        missing = "SLACK_BOT_TOKEN" if environment.slack_bot_token is None else "SLACK_APP_TOKEN"
        yield Finding("note", f"{missing} is not set: `kotae` runs the local workspace; see README, Connect to Slack")
        return
    client = slack_client(environment)
    try:
        identity = client.auth_test()
        client.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        yield Finding("fail", explain(error))
        return
    except (SlackClientError, OSError) as error:
        yield Finding(
            "fail", f"{environment.slack_api_url} can't be reached ({error}); check the network and the proxy"
        )
        return
    yield Finding("ok", f"Slack: {identity['user']} in {identity['team']}, both tokens accepted")
    granted = scopes_of(identity)
    yield (scopes := _scopes(granted))
    if scopes.is_failure:
        return
    yield _agent(granted)
    yield from _channels(settings, client, identity.data)  # type: ignore[arg-type]
    yield from _messages(client)


def _scopes(granted: AbstractSet[str]) -> Finding:
    missing = [scope for scope in SCOPES if scope not in granted]
    if not missing:
        return Finding("ok", f"Scopes: all {len(SCOPES)}")
    mend = "paste the output of `kotae manifest` as the app's manifest and reinstall it"
    if set(missing) <= set(GROUP_SCOPES):
        return Finding("note", f"Scopes missing for group direct messages: {', '.join(missing)}; {mend}")
    return Finding("fail", f"Scopes missing: {', '.join(missing)}; {mend}")


def _agent(granted: AbstractSet[str]) -> Finding:
    """Report whether the app is an agent; the scope is all that Slack tells a bot about `agent_view`."""
    if AGENT_SCOPE in granted:
        return Finding("ok", f"Agent: yes ({AGENT_SCOPE}): direct messages are answered in threads")
    return Finding("ok", "Agent: no; on paid plans `kotae manifest --agent` makes it one, with suggested questions")


def _messages(client: WebClient) -> Iterator[Finding]:
    """Have Slack validate one message of every kind; none is sent."""
    refused = 0
    for kind, sample in SAMPLES.items():
        try:
            client.blocks_validate(**payload(sample(ENGLISH)))
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code not in NOT_TAKEN:
                yield Finding("note", f"Messages: Slack could not be asked about them (blocks.validate: {code})")
                return
            refused += 1
            yield Finding("fail", f"Messages: Slack does not take {kind}: {code}{_places(error)}")
    if not refused:
        yield Finding("ok", f"Messages: Slack takes all {len(SAMPLES)} kinds")


def _places(error: SlackApiError) -> str:
    problems = [each for each in error.response.get("errors") or [] if isinstance(each, dict)]
    return "".join(f"; {each.get('message')} ({each.get('pointer')})" for each in problems)


def _channels(settings: Settings, client: WebClient, identity: Mapping[str, Any]) -> Iterator[Finding]:
    database = _existing_database(settings)
    mapping = ChannelMapping(settings, database)
    try:
        preview = mapping.preview(client)
    except (SettingsError, SlackApiError) as error:
        yield Finding("fail", explain(error) if isinstance(error, SlackApiError) else str(error))
    else:
        yield Finding("ok", f"Channels: {preview.visible} visible, and all that kotae.toml names")
        for each in preview.waiting:
            what = ", ".join(each.knowledge_bases) or "what kotae.toml says"
            decide = f"{settings.environment.admin_command} channels"
            yield Finding(
                "note", f"#{each.name} ({each.channel}) waits for an admin to serve it {what}: decide in {decide}"
            )
        channels = _configured(mapping, preview, database)
        yield from _guests(channels, mapping.public, Access(client, identity))
    finally:
        if database:
            database.close()


def _configured(mapping: ChannelMapping, preview: Preview, database: Database | None) -> Iterable[Channel]:
    """Return the channels with rules of their own; those that admins set in Slack win, once there is a database."""
    if database is None:
        return preview.rules.values()
    channels = Channels(database, default=mapping.default_rules(), public=mapping.public)
    channels.configure(preview.rules)
    return channels.configured()


def _guests(channels: Iterable[Channel], public: frozenset[str], access: Access) -> Iterator[Finding]:
    """Report the channels where auto-reply uses only public knowledge bases because of guests."""
    for channel in channels:
        left = left_by_guests(channel, public, access)
        if left is not None:
            what = (
                f"it uses only public knowledge bases there ({', '.join(left)})"
                if left
                else "it says nothing there, since no knowledge base of the channel is public"
            )
            yield Finding(
                "note",
                f"#{channel.name} ({channel.id}): auto-reply is {channel.auto_reply.value}, but guests or people of"
                f" another organisation are in it: {what}",
            )


def _knowledge(settings: Settings) -> Iterator[Finding]:
    mapping = ChannelMapping(settings)
    try:
        mapping.check()
    except SettingsError as error:
        yield Finding("fail", str(error))
        return
    for source in mapping.sources():
        report = check_file(source.path)
        if not report.usable:
            yield Finding("fail", str(report.error))
        elif report.problems:
            hint = f"see kotae check {source.path}"
            yield Finding("note", f"{source.path}: {report.records} records, {len(report.problems)} problems; {hint}")
        else:
            yield Finding("ok", f"{source.path}: {report.records} records ({report.encoding})")


def _model(settings: Settings) -> Iterator[Finding]:
    if settings.model is None:
        yield Finding("note", "ENCODER_BACKEND = lexical: no model is used")
    elif folder := find_model(settings.model, settings.revision):
        yield Finding("ok", f"Model: {settings.model} in {folder}")
    else:
        yield Finding(
            "note",
            f"Model: {settings.model} is not in {cache_directory()}; answers are by words only until"
            f" `kotae model download {settings.model}` has succeeded",
        )
    yield Finding("ok", f"sentence-transformers {version('sentence-transformers')}, torch {version('torch')}")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.environment.data_dir
    there = _nearest(folder)
    probe = there / f".doctor-{secrets.token_hex(3)}"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield Finding(
            "fail", f"DATA_DIR = {folder} can't be written ({error.strerror}); check its owner and permissions"
        )
        return
    free = shutil.disk_usage(there).free // 1_000_000
    if free < FREE_MEGABYTES:
        yield Finding("note", f"DATA_DIR = {folder}: only {free} MB free")
    else:
        yield Finding("ok", f"DATA_DIR = {folder}: writable, {free} MB free")


def _nearest(path: Path) -> Path:
    """Return the path or its nearest existing parent; a check creates no folders."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


def _existing_database(settings: Settings) -> Database | None:
    """Return the state database; None when it isn't created, isn't upgraded or can't be opened: see `_database`."""
    scheme, _, file = settings.database_url.partition(":///")
    try:
        if (scheme == "sqlite" and not Path(file).is_file()) or upgrade_due(settings.database_url):
            return None
        return open_database(settings.database_url)
    except StoreError:
        return None


def _database(settings: Settings) -> Iterator[Finding]:
    scheme, _, file = settings.database_url.partition(":///")
    if scheme == "sqlite" and _nearest(Path(file)).is_dir():
        yield Finding("ok", f"State database: {file} is made at the first start")
        return
    try:
        due = upgrade_due(settings.database_url)  # a bot of the earlier version may be running on it
        if due is None:
            open_database(settings.database_url).close()
    except StoreError as error:
        yield Finding("fail", str(error))
    else:
        upgrade = f", and is upgraded from schema {due[0]} to {due[1]} at the next start" if due else ""
        yield Finding("ok", f"State database: opens{upgrade}")

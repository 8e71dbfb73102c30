"""Checks of what Slack knows: the tokens, the scopes, the channels, and whether it accepts every kind of message."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.channel_mapping import ChannelMapping, Preview
from bot.doctor.finding import Finding, said_by
from bot.doctor.local_checks import existing_database
from bot.manifest import AGENT_SCOPE, GROUP_SCOPES, SCOPES
from bot.message_samples import SAMPLES, payload
from bot.refusals import cause_of, explain
from bot.settings import Settings, SettingsError
from bot.slack_client import scopes_of, slack_client
from handlers.access import Access
from handlers.audience import left_by_guests
from handlers.channel_rules import Channel
from handlers.channels import Channels
from handlers.slack.trouble import CALL_ERRORS
from handlers.store.database import Database
from handlers.texts import ENGLISH
from indexes.messages import Translatable

NOT_TAKEN = {"invalid_blocks", "invalid_message", "invalid_view"}
"""Error codes of `blocks.validate` for a message that Slack would refuse."""
SILENT = Translatable("doctor.guests_silent")


def check_slack(settings: Settings) -> Iterator[Finding]:
    """Check the tokens, the scopes, the channels and the messages, unless there is no token to ask with."""
    environment = settings.environment
    if not environment.connects_to_slack:
        missing = "SLACK_BOT_TOKEN" if environment.slack_bot_token is None else "SLACK_APP_TOKEN"
        yield Finding("note", Translatable("doctor.not_connected", missing=missing))
        return
    client = slack_client(environment)
    try:
        identity = client.auth_test()
        client.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        yield Finding("fail", explain(error))
        return
    except CALL_ERRORS as error:
        address, why = environment.slack_api_url, str(cause_of(error))
        yield Finding("fail", Translatable("doctor.unreachable", address=address, why=why))
        return
    yield Finding("ok", Translatable("doctor.slack", user=str(identity["user"]), team=str(identity["team"])))
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
        return Finding("ok", Translatable("doctor.scopes", count=len(SCOPES)))
    if set(missing) <= set(GROUP_SCOPES):
        return Finding("note", Translatable("doctor.scopes_missing_groups", missing=tuple(missing)))
    return Finding("fail", Translatable("doctor.scopes_missing", missing=tuple(missing)))


def _agent(granted: AbstractSet[str]) -> Finding:
    """Report whether the app is an agent; the scope is all that Slack tells a bot about `agent_view`."""
    if AGENT_SCOPE in granted:
        return Finding("ok", Translatable("doctor.agent", scope=AGENT_SCOPE))
    return Finding("ok", Translatable("doctor.no_agent"))


def _messages(client: WebClient) -> Iterator[Finding]:
    """Have Slack validate one message of every kind; none is sent."""
    refused = 0
    for kind, sample in SAMPLES.items():
        try:
            client.blocks_validate(**payload(sample(ENGLISH)))
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code not in NOT_TAKEN:
                yield Finding("note", Translatable("doctor.messages_not_asked", code=code))
                return
            refused += 1
            places = _places(error)
            yield Finding("fail", Translatable("doctor.message_refused", kind=kind, code=code, places=places))
    if not refused:
        yield Finding("ok", Translatable("doctor.messages", count=len(SAMPLES)))


def _places(error: SlackApiError) -> str:
    problems = [each for each in error.response.get("errors") or [] if isinstance(each, dict)]
    return "".join(f"; {each.get('message')} ({each.get('pointer')})" for each in problems)


def _channels(settings: Settings, client: WebClient, identity: Mapping[str, Any]) -> Iterator[Finding]:
    database = existing_database(settings)
    mapping = ChannelMapping(settings, database)
    try:
        preview = mapping.preview(client)
    except (SettingsError, SlackApiError) as error:
        yield Finding("fail", explain(error) if isinstance(error, SlackApiError) else said_by(error))
    else:
        config, command = settings.config_path.name, settings.environment.admin_command
        yield Finding("ok", Translatable("doctor.channels", count=preview.visible, config=config))
        for each in preview.waiting:
            what = tuple(each.knowledge_bases) or Translatable("doctor.what_config_says", config=config)
            yield Finding(
                "note",
                Translatable("doctor.channel_waits", name=each.name, channel=each.channel, what=what, command=command),
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
            used = Translatable("doctor.guests_public", names=tuple(left)) if left else SILENT
            yield Finding(
                "note",
                Translatable(
                    "doctor.guests",
                    name=str(channel.name),
                    channel=channel.id,
                    mode=channel.auto_reply.value,
                    what=used,
                ),
            )

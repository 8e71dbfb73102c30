"""Checks of what Slack knows: the tokens, the scopes, the channels, and whether it accepts every kind of message."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.channel_mapping import ChannelMapping, Preview
from bot.doctor.finding import Finding
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

NOT_TAKEN = {"invalid_blocks", "invalid_message", "invalid_view"}
"""Error codes of `blocks.validate` for a message that Slack would refuse."""


def check_slack(settings: Settings) -> Iterator[Finding]:
    """Check the tokens, the scopes, the channels and the messages, unless there is no token to ask with."""
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
    except CALL_ERRORS as error:
        yield Finding(
            "fail", f"{environment.slack_api_url} can't be reached ({cause_of(error)}); check the network and the proxy"
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
    database = existing_database(settings)
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

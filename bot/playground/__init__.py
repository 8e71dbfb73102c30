"""A local Slack: the Web API and Socket Mode on 127.0.0.1 with an in-memory workspace.

with LocalSlack() as slack:
    app = App(token=slack.bot_token, client=WebClient(base_url=slack.api_url, token=slack.bot_token))
    ...
    question = slack.mention("alice", "it-help", "How do I reset my password?")
    print(slack.reply(question).shown)
"""

from bot.playground.slack.app_config import DEFAULT_EVENTS, DEFAULT_SCOPES
from bot.playground.slack.block_kit.controls import Control, controls
from bot.playground.slack.calls import Call
from bot.playground.slack.entities import Channel, File, Message, Person, View
from bot.playground.slack.errors import NotPossibleError
from bot.playground.slack.interactions import Interaction
from bot.playground.slack.sample_workspace import sample_workspace
from bot.playground.slack.server import LocalSlack
from bot.playground.slack.socket_mode.envelopes import Envelope
from bot.playground.slack.text import live_mentions
from bot.playground.slack.workspace import Workspace

__all__ = [
    "DEFAULT_EVENTS",
    "DEFAULT_SCOPES",
    "Call",
    "Channel",
    "Control",
    "Envelope",
    "File",
    "Interaction",
    "LocalSlack",
    "Message",
    "NotPossibleError",
    "Person",
    "View",
    "Workspace",
    "controls",
    "live_mentions",
    "sample_workspace",
]

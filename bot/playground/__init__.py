"""A local Slack: the Web API and Socket Mode on 127.0.0.1 with an in-memory workspace.

with LocalSlack() as slack:
    app = App(token=slack.bot_token, client=WebClient(base_url=slack.api_url, token=slack.bot_token))
    ...
    question = slack.mention("alice", "it-help", "How do I reset my password?")
    print(slack.reply(question).shown)
"""

from bot.playground.connection import Envelope
from bot.playground.controls import Control, controls
from bot.playground.humans import NotPossibleError
from bot.playground.interactions import Interaction
from bot.playground.model import Channel, File, Message, Person, View
from bot.playground.sample import sample_workspace
from bot.playground.server import LocalSlack
from bot.playground.settings import DEFAULT_EVENTS, DEFAULT_SCOPES
from bot.playground.text import live_mentions
from bot.playground.web_api import Call
from bot.playground.workspace import Workspace

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

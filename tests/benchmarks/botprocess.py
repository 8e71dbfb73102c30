"""The real bot in a process of its own, connected to a local Slack in this one."""

import shutil
from pathlib import Path

from bot.playground import Call, Envelope, Interaction, LocalSlack, Message, Workspace, sample_workspace
from tests.benchmarks.processes import JSON, Talking


class BotProcess(Talking):
    """Says connected, lexical and dense; then, when closed, end with the seconds that questions took to encode."""

    def __init__(self, settings: JSON) -> None:
        super().__init__("tests.benchmarks.starting:bot", settings)


def workspace(bases: int) -> Workspace:
    """Make a workspace with a channel for each knowledge base."""
    made = sample_workspace()
    staff = [person for person in made.people.values() if person.key in {"hanako", "alice", "ichiro", "olivia"}]
    for number in range(bases):
        made.add_channel(f"kb-{number:02}", [*staff, made.bot])
    return made


def fresh(data: Path, folder: Path) -> Path:
    """Give a bot that was in no workspace yet what `preparing:snapshots` left in `data`; return its DATA_DIR.

    Each local Slack is a workspace of its own: a bot remembers by id which channels a knowledge base answers in.
    """
    shutil.copytree(data, folder, symlinks=True)
    return folder


def settings(slack: LocalSlack, folder: Path, data: Path, form: JSON | None) -> JSON:
    """Say how the bot is to be started; without a form of a model it searches lexically."""
    return {
        "slack_api_url": slack.api_url,
        "slack_bot_token": slack.bot_token,
        "slack_app_token": slack.app_token,
        "knowledge_dir": folder,
        "data_dir": data,
        **(form or {"encoder_backend": "lexical"}),
    }


def reply_to(slack: LocalSlack, asked: Message | Interaction, timeout: float = 60.0) -> float:
    """Wait for the reply; return the seconds from the envelope's leaving Slack to the reply's arrival there."""
    slack.reply(asked, timeout)
    sent = _envelope(slack, asked).deliveries[0].at
    return _arrival(slack, asked) - sent


def _envelope(slack: LocalSlack, asked: Message | Interaction) -> Envelope:
    if isinstance(asked, Interaction):
        if asked.envelope is None:
            raise LookupError("the bot was not told")
        return asked.envelope
    return next(each for each in reversed(slack.envelopes) if each.event.get("ts") == asked.ts)


def _arrival(slack: LocalSlack, asked: Message | Interaction) -> float:
    """When the call that carried the reply arrived."""

    def carries(call: Call) -> bool:
        if isinstance(asked, Interaction):
            return call.method == "response_url"
        return call.method == "chat.postMessage" and call.args.get("thread_ts") == asked.ts

    return next(call.at for call in reversed(slack.calls) if carries(call))

"""Which replicas run, as admins see it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slack_sdk.models.blocks import Block

from handlers.slack.blocks import listed, section
from handlers.slack.mrkdwn import moment, one_line
from handlers.texts import Texts

if TYPE_CHECKING:
    from handlers.store.replicas import Replica

HOST = 100


def in_status(replicas: Sequence["Replica"], mine: str, config: str, texts: Texts) -> list[Block]:
    """List the replicas; marked are the one with the id `mine`, and those whose kotae.toml isn't that with this digest.

    Nothing where there is one process by its nature.
    """
    if not replicas:
        return []
    return [
        section(texts("kb.status.replicas", count=len(replicas))),
        *listed([_line(each, mine, config, texts) for each in replicas], texts),
    ]


def _line(replica: "Replica", mine: str, config: str, texts: Texts) -> str:
    line = texts(
        "kb.status.replica",
        host=one_line(replica.host, HOST),
        since=moment(replica.started),
        silent=f"{replica.silent:.0f}",
        queue=int(replica.doing.get("queue", 0)),
        bases=int(replica.doing.get("knowledge_bases", 0)),
        memory=int(replica.doing.get("memory", 0)),
    )
    line += texts("kb.status.other_config") if replica.has_other_config(config) else ""
    return line + (texts("kb.status.this_replica") if replica.id == mine else "")

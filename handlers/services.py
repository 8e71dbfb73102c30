"""What handlers may call."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from slack_sdk import WebClient

from handlers.access import Access
from handlers.channels import Channels
from handlers.inbox import Inbox, Work
from handlers.membership import Membership
from handlers.messenger import Messenger
from handlers.queue import KeyedLocks, WorkQueue
from handlers.remote.fetching import Remotes
from handlers.store.changes import Changes
from handlers.store.claims import Claims
from handlers.store.database import Database
from indexes.maintenance import Maintenance
from indexes.messages import Translatable
from indexes.registry import Registry

QUESTION_LENGTH = 1000
"""Characters of a question that are searched; a model reads about 128 tokens of it anyway."""


@dataclass(frozen=True)
class Process:
    """How the process is: seconds since Slack's last pong (None before the first), megabytes resident, seconds up.

    `queue` is how many jobs run or wait, `waiting` how many wait, by `queue.Kind`; `counts` are since the start, by
    `counters.Count`. `model` is the model that is wanted, None for lexical search by choice; `model_form`
    says in which form it runs, once it does. `http` is the address where HTTP is open for programs, blank if it isn't.
    """

    pong_age: float | None
    memory: float
    uptime: float
    queue: int
    waiting: Mapping[str, int]
    counts: Mapping[str, int]
    model: str | None
    model_loaded: bool
    model_trouble: Translatable | None
    model_form: Translatable | None = None
    http: str = ""


def clock_here() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Config:
    """Settings that don't change while the bot runs.

    `confirmations` is how many people must confirm a phrasing before it is learned; `is_agent` tells whether Slack
    treats the app as an agent: it shows suggested questions itself, and each direct message begins a thread.
    `timezone` is the one that days are counted in, None for this machine's; `digest` that of kotae.toml; `clock` says
    what time it is, in any time zone; `remotes` are fetched. `by_meaning` if a model is wanted: search by words alone
    is then for the time being only.
    """

    search_command: str
    admin_command: str
    is_agent: bool
    knowledge_dir: Path
    uploads_dir: Path
    timezone: tzinfo | None = None
    confirmations: int = 2
    digest: str = ""
    clock: Callable[[], datetime] = clock_here
    remotes: Remotes = field(default_factory=Remotes)
    by_meaning: bool = True

    def now(self) -> datetime:
        """Return the time, in the time zone that days are counted in."""
        return self.clock().astimezone(self.timezone)


@dataclass(frozen=True)
class Services:
    """Everything a handler may call. `client` is for reading from Slack: what is written goes through `messenger`.

    `changes` tell what other replicas change; `membership` says which replica this process is; `inbox` keeps payloads
    until they are done; `locks` keep two handlers from working on the same thing; `rescan` looks for new channels and
    CSV files.
    """

    registry: Registry
    maintenance: Maintenance
    database: Database
    changes: Changes
    claims: Claims
    membership: Membership
    inbox: Inbox
    access: Access
    channels: Channels
    client: WebClient
    messenger: Messenger
    queue: WorkQueue
    locks: KeyedLocks
    config: Config
    process: Callable[[], Process]
    rescan: Callable[[], None]

    def within(self, work: Work, *, is_asked: bool) -> "Services":
        """Return the services for the work on one payload, which may be done again after a restart.

        `is_asked` tells whether the payload was addressed to the bot.
        """
        messenger = self.messenger.within(work, is_asked=is_asked)
        return replace(self, claims=self.claims.held_by(work.key, work.stored_as, work.is_mine), messenger=messenger)

    def answering(self) -> "Services":
        """Return the services for what somebody asked for, in work that began without."""
        return replace(self, messenger=self.messenger.answering())

    def searches_words_only(self, names: Iterable[str]) -> bool:
        """Tell whether some of these knowledge bases are searched by words alone as long as the model isn't ready."""
        loaded = self.registry.loaded
        return self.config.by_meaning and any(loaded[name].index.dense is None for name in names if name in loaded)

    @property
    def bot(self) -> str:
        """The bot as a mention."""
        return f"<@{self.access.bot_user}>"

    def is_mentioned(self, text: str) -> bool:
        """Tell whether a message mentions the bot; Slack may put its name into the mention."""
        return re.search(rf"<@{self.access.bot_user}[|>]", text) is not None

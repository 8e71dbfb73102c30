"""Builds the bot from its parts, starts them and stops them in order."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from slack_bolt import App

from bot.ack_clock import AckClock
from bot.api.binding import Binding
from bot.api.opening import api_of
from bot.channel_mapping import ChannelMapping
from bot.compilation import Compilation
from bot.connection import PING_SECONDS, Connection
from bot.digest import WeeklyDigest
from bot.first_import import import_first
from bot.folder_watch import FolderWatch, Tell, log_reports
from bot.following import follow
from bot.housekeeping import Housekeeping
from bot.instance import instance_of
from bot.knowledge_follower import KnowledgeFollower
from bot.manifest import AGENT_SCOPE
from bot.model_watch import LOOK_SECONDS, ModelWatch
from bot.process import describe_process
from bot.replay import Heartbeat, Replay
from bot.retention import sweep_all, sweep_leftovers
from bot.reviews import WeeklyReviews
from bot.settings import Settings
from bot.slack_client import scopes_of, slack_client
from bot.source_settings import proxy_of
from bot.source_watch import SourceWatch
from bot.startup_log import StartupLog
from handlers.access import Access
from handlers.admin import recovery, waiting
from handlers.channels import Channels
from handlers.counters import Counters
from handlers.fair_turns import Source
from handlers.files import removal
from handlers.files.pending import recover
from handlers.inbox import Inbox
from handlers.keeping import keep
from handlers.knowledge.shared import Knowledge
from handlers.knowledge.store import documents
from handlers.learning.learned_aliases import apply_aliases
from handlers.learning.proof import keep_auto_reply
from handlers.learning.votes import update_confidence
from handlers.membership import Membership
from handlers.messenger import Messenger
from handlers.queue import KeyedLocks, Kind, WorkQueue
from handlers.remote.fetching import Fetcher, Remotes
from handlers.routing import register
from handlers.schema import open_or_recover
from handlers.services import Config, Services, clock_here
from handlers.store.buckets import buckets_of
from handlers.store.changes import Changes
from handlers.store.claims import Claims
from handlers.store.database import Database
from handlers.store.identity import ensure_same
from handlers.token_buckets import BURST, Limit
from indexes.encoder import ModelManager, models
from indexes.maintenance import Maintenance
from indexes.names import same_name
from indexes.records import Source as KnowledgeSource
from indexes.records.review import ReviewPolicy
from indexes.registry import Registry

if TYPE_CHECKING:
    from bot.api.server import ApiServer

log = logging.getLogger(__name__)

ACK_WORKERS = 32
"""With Bolt's default of 5, commands stayed unacked when several were slow at once."""
DRAIN_SECONDS = 10.0
"""How long `stop` waits for accepted requests."""


@dataclass(frozen=True)
class Bot:
    """The assembled bot."""

    app: App
    connection: Connection
    services: Services
    model: ModelWatch | None
    watch: FolderWatch | KnowledgeFollower | None
    sources: Sequence[SourceWatch]
    changes: Changes
    knowledge: Knowledge
    digest: WeeklyDigest | None
    reviews: WeeklyReviews
    housekeeping: Housekeeping
    replay: Replay
    heartbeat: Heartbeat
    listeners: ThreadPoolExecutor
    startup_log: StartupLog
    api: "ApiServer | None"

    def start(self) -> None:
        """Connect first; read the knowledge bases and load the model in the background.

        Raises SettingsError, before anything has begun, when the address for HTTP can't be had.
        """
        if self.api:
            self.api.open()
        keep_auto_reply(self.services)
        self.replay.recover()
        self.heartbeat.start()
        self.connection.open()
        self.startup_log.done("connected", "connected")
        apply_aliases(self.services)
        if self.watch:
            self.watch.start()
        self.changes.start()
        if self.digest:
            self.digest.start()
        self.reviews.start()
        self.services.maintenance.load().add_done_callback(self._log_loaded)
        self.services.maintenance.record_versions()
        update_confidence(self.services)
        self.housekeeping.start()
        for source in self.sources:
            source.start()
        self.replay.start()
        ask_admins(self.services)
        if self.model:
            self.model.start()
        else:
            self.startup_log.without_vectors("no model")

    def _log_loaded(self, _: Future[None]) -> None:
        number, failed = len(self.services.registry.loaded), len(self.services.registry.failures)
        self.startup_log.done("words", f"{number} knowledge bases by words", f" ({failed} unusable)" if failed else "")

    def stop(self) -> bool:
        """Accept nothing more, finish the accepted requests, and return whether all were finished.

        What was not is done after the next start.
        """
        if self.api:
            self.api.close()
        self.connection.close()
        self.changes.close()
        self.replay.close()
        self.listeners.shutdown(wait=True)
        drained = self.services.queue.drain(DRAIN_SECONDS)
        if self.model:
            self.model.close()
        self.services.maintenance.close()
        for thread in (self.watch, self.digest, self.reviews, self.housekeeping, *self.sources):
            if thread:
                thread.close()
        self.services.inbox.close()
        self.heartbeat.close()
        self.services.membership.leave()
        self.knowledge.close()
        self.services.database.close()
        return drained


def ask_admins(services: Services) -> None:
    """Ask admins in the background about what waits for their decision."""
    services.queue.put(Kind.EVENT, Source("", ""), partial(_ask_admins, services))


def _ask_admins(services: Services) -> None:
    """Ask about waiting channels and missing files; a failure is logged and tried again at the next look."""
    for ask in (recovery.ask_admins, waiting.ask_admins, removal.ask_admins):
        try:
            with services.database.exclusively(ask.__module__):  # of several replicas, one asks
                ask(services)
        except Exception:
            log.exception("The admins could not be asked")


def build_app(
    settings: Settings,
    manager: ModelManager = models,
    *,
    ping_seconds: float = PING_SECONDS,
    look_seconds: float = LOOK_SECONDS,
    tell: Tell = log_reports,
    burst: int = BURST,
    clock: Callable[[], datetime] = clock_here,
) -> Bot:
    """Build the bot; asks Slack who it is and which channels there are.

    The socket is pinged every `ping_seconds`; the cache is checked for a missing model every `look_seconds`; `tell`
    is called for CSV files that changed, if they are watched; one person may send `burst` requests at once; `clock`
    says what day it is for entries that are due for a check. Raises SettingsError for a configuration that doesn't
    fit, SlackApiError for a token that Slack doesn't accept.
    """
    startup_log = StartupLog()
    environment = settings.environment
    binding = Binding(environment.api_bind)
    make_api = api_of(settings, binding)
    if not settings.is_shared:
        ChannelMapping(settings).check()
    sweep_leftovers(settings, time.time())
    startup_log.done("settings", "settings")
    client = slack_client(environment)
    introduced = client.auth_test()
    identity: dict[str, Any] = introduced.data  # type: ignore[assignment]
    with ExitStack() as opened:
        database, changes, knowledge = _opened(settings, opened)
        mapping = ChannelMapping(settings, database)
        channels = Channels(database, default=mapping.default_rules(), public=mapping.public, named=mapping.named)
        mapping.apply(client, channels)
        opened.pop_all()  # nothing that follows can fail because of the configuration
    config = _config(settings, mapping.sources(), clock, is_agent=AGENT_SCOPE in scopes_of(introduced))
    policy = ReviewPolicy(settings.config.overdue_limit, lambda: config.now().date())
    registry = Registry(mapping.sources, settings.synonyms, policy)
    maintenance = Maintenance(registry, environment.data_dir, knowledge.stores)
    wanted = settings.model
    compiled = settings.compiled_models
    compilation = (
        Compilation(compiled, wanted, settings.revision, environment.encoder_precision) if wanted and compiled else None
    )
    model = (
        ModelWatch(maintenance, manager, wanted, settings.revision, look_seconds, startup_log, compilation)
        if wanted
        else None
    )
    listeners = ThreadPoolExecutor(ACK_WORKERS, thread_name_prefix="kotae-listener")
    app = App(name="kotae", client=client, listener_executor=listeners)  # without a name, Bolt reads our source for it
    counters = Counters()
    acks = AckClock(counters)

    def kept(kind: str, payload: Mapping[str, Any]) -> None:
        keep(services, kind, payload)

    connection = Connection(app, settings.app_token, acks, kept, ping_seconds)
    membership = Membership(database, instance_of(environment.data_dir))
    queue = WorkQueue(counters, acks.are_due, buckets=buckets_of(database, Limit(burst)))

    def rescan() -> None:
        mapping.refresh(client, channels)
        ask_admins(services)

    services = Services(
        registry=registry,
        maintenance=maintenance,
        database=database,
        changes=changes,
        claims=Claims(database, lambda: membership.id),
        membership=membership,
        inbox=Inbox(database, membership, counters),
        access=Access(client, identity, environment.admin_users, environment.admin_usergroup),
        channels=channels,
        client=client,
        messenger=Messenger(client, database),
        queue=queue,
        locks=KeyedLocks(),
        config=config,
        process=partial(
            describe_process, time.time(), wanted, connection, queue, counters, registry, model, compilation, binding
        ),
        rescan=rescan,
    )
    watch = _watch(settings, knowledge, changes, maintenance, mapping, rescan, tell)
    follow(changes, services)
    recover(services.config.uploads_dir)
    register(app, services)
    replay = Replay(app, services)
    return Bot(
        app=app,
        connection=connection,
        services=services,
        model=model,
        watch=watch,
        sources=[SourceWatch(services, name) for name in services.config.remotes.by_name],
        changes=changes,
        knowledge=knowledge,
        digest=WeeklyDigest(services, mapping.digest_channel) if mapping.digest_channel else None,
        reviews=WeeklyReviews(services),
        housekeeping=Housekeeping(
            services, settings.config.keep_questions_days, sweeps=partial(sweep_all, services, settings)
        ),
        replay=replay,
        heartbeat=Heartbeat(services, replay),
        listeners=listeners,
        startup_log=startup_log,
        api=make_api(services),
    )


def _opened(settings: Settings, opened: ExitStack) -> tuple[Database, Changes, Knowledge]:
    """Open the state database; of a shared one, the knowledge folder is a copy of what it holds, and checked then.

    `opened` closes it again. Raises StoreError or SettingsError.
    """
    database = open_or_recover(settings.database_url, settings.environment.data_dir)
    opened.callback(database.close)
    ensure_same(database, settings.environment.data_dir)
    changes = Changes(database)  # before anything is read that others may change
    import_first(settings, database)
    knowledge = Knowledge(database, settings.knowledge_dir, settings.environment.data_dir, settings.index_url)
    opened.callback(knowledge.close)
    knowledge.follow()
    if settings.is_shared:
        ChannelMapping(settings).check()
        if not ChannelMapping(settings).sources():
            log.warning("The database holds no knowledge base yet: `kotae import` puts a folder of them there")
    return database, changes, knowledge


def _watch(
    settings: Settings,
    knowledge: Knowledge,
    changes: Changes,
    maintenance: Maintenance,
    mapping: ChannelMapping,
    rescan: Callable[[], None],
    tell: Tell,
) -> FolderWatch | KnowledgeFollower | None:
    """Return what reads files again that others have changed."""
    if settings.is_shared:
        follower = KnowledgeFollower(knowledge, maintenance, mapping.sources, settings.synonyms, rescan, tell)
        changes.watch(documents.TOPIC, follower.notice)
        return follower
    return FolderWatch(maintenance, mapping.sources, settings.synonyms, rescan, tell) if settings.config.watch else None


def _config(
    settings: Settings, sources: Sequence[KnowledgeSource], clock: Callable[[], datetime], *, is_agent: bool
) -> Config:
    environment, names = settings.environment, [source.name for source in sources]
    remotes = {same_name(name, names) or name: remote for name, remote in settings.remotes.items()}
    return Config(
        search_command=environment.search_command,
        admin_command=environment.admin_command,
        is_agent=is_agent,
        knowledge_dir=settings.knowledge_dir,
        uploads_dir=environment.data_dir / "uploads",
        confirmations=settings.config.confirmations,
        timezone=settings.timezone,
        digest=settings.config.digest,
        clock=clock,
        remotes=Remotes(remotes, Fetcher(settings.config.private_hosts, proxy_of)),
        by_meaning=settings.model is not None,
    )

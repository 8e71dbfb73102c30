"""Puts the parts together, starts them and ends them in order."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil
from slack_bolt import App

from bot.channel_mapping import ChannelMapping
from bot.connection import PING_SECONDS, Connection
from bot.digest import WeeklyDigest
from bot.folder_watch import FolderWatch, Tell, log_reports
from bot.housekeeping import Housekeeping
from bot.manifest import AGENT_SCOPE
from bot.model_watch import LOOK_SECONDS, ModelWatch
from bot.settings import Settings
from bot.slack_client import scopes_of, slack_client
from bot.startup_log import StartupLog
from handlers.access import Access
from handlers.admin import waiting
from handlers.channels import Channels
from handlers.files import removal
from handlers.files.pending import recover
from handlers.learning.learned import apply_aliases
from handlers.learning.votes import update_confidence
from handlers.messenger import Messenger
from handlers.queue import KeyedLocks, WorkQueue
from handlers.routing import register
from handlers.schema import open_database
from handlers.services import Config, Process, Services
from handlers.store.claims import Claims
from indexes.encoder import ModelManager, models
from indexes.maintenance import Maintenance
from indexes.registry import Registry

log = logging.getLogger(__name__)

ACK_WORKERS = 32
"""Bolt's default of 5 left commands unacked when several were slow at once."""
DRAIN_SECONDS = 10.0
"""How long a stop waits for what was accepted."""


@dataclass(frozen=True)
class Bot:
    """The assembled bot."""

    app: App
    connection: Connection
    services: Services
    model: ModelWatch | None
    watch: FolderWatch | None
    digest: WeeklyDigest | None
    housekeeping: Housekeeping
    listeners: ThreadPoolExecutor
    startup_log: StartupLog

    def start(self) -> None:
        """Connect first; read the knowledge bases and load the model in the background."""
        self.connection.open()
        self.startup_log.done("connected", "connected")
        apply_aliases(self.services)
        if self.watch:
            self.watch.start()
        if self.digest:
            self.digest.start()
        self.services.maintenance.load().add_done_callback(self._has_read)
        self.services.maintenance.record_versions()
        update_confidence(self.services)
        self.housekeeping.start()
        self.services.queue.put(lambda: _ask_admins(self.services))
        if self.model:
            self.model.start()
        else:
            self.startup_log.without_vectors("no model")

    def _has_read(self, _: Future[None]) -> None:
        number, failed = len(self.services.registry.loaded), len(self.services.registry.failures)
        self.startup_log.done("words", f"{number} knowledge bases by words", f" ({failed} unusable)" if failed else "")

    def stop(self) -> bool:
        """Accept nothing more, finish what was accepted, and tell whether all of it was."""
        self.connection.close()
        self.listeners.shutdown(wait=True)
        drained = self.services.queue.drain(DRAIN_SECONDS)
        if self.model:
            self.model.close()
        self.services.maintenance.close()
        if self.watch:
            self.watch.close()
        if self.digest:
            self.digest.close()
        self.housekeeping.close()
        self.services.database.close()
        return drained


def _ask_admins(services: Services) -> None:
    """Ask about channels that wait and files that are gone; what fails is tried again at the next look."""
    for ask in (waiting.ask_admins, removal.ask_admins):
        try:
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
) -> Bot:
    """Build the bot; asks Slack who it is and which channels there are.

    The socket is pinged every `ping_seconds`; a missing model is looked for every `look_seconds`; `tell` hears
    of CSV files that changed, if they are watched. Raises SettingsError for a configuration that doesn't fit,
    SlackApiError for a token that Slack doesn't accept.
    """
    startup_log = StartupLog()
    environment = settings.environment
    ChannelMapping(settings).check()
    startup_log.done("settings", "settings")
    client = slack_client(environment)
    introduced = client.auth_test()
    identity: dict[str, Any] = introduced.data  # type: ignore[assignment]
    database = open_database(settings.database_url)
    mapping = ChannelMapping(settings, database)
    channels = Channels(database, default=mapping.default_rules(), public=mapping.public, named=mapping.named)
    mapping.apply(client, channels)
    registry = Registry(mapping.sources, settings.synonyms)
    maintenance = Maintenance(registry, environment.data_dir)
    wanted = settings.model
    model = ModelWatch(maintenance, manager, wanted, settings.revision, look_seconds, startup_log) if wanted else None

    def rescan() -> None:
        mapping.refresh(client, channels)
        queue.put(lambda: _ask_admins(services))

    watched = settings.config.watch
    watch = FolderWatch(maintenance, mapping.sources, settings.synonyms, rescan, tell) if watched else None
    queue = WorkQueue()
    listeners = ThreadPoolExecutor(ACK_WORKERS, thread_name_prefix="kotae-listener")
    app = App(client=client, listener_executor=listeners)
    connection = Connection(app, settings.app_token, ping_seconds)
    started = time.time()

    def process() -> Process:
        return Process(
            pong_age=connection.pong_age,
            memory=psutil.Process().memory_info().rss / 1e6,
            uptime=time.time() - started,
            queue=len(queue),
            model=settings.model,
            model_loaded=registry.encoder is not None,
            model_trouble=model.trouble if model else None,
        )

    config = Config(
        search_command=environment.search_command,
        admin_command=environment.admin_command,
        is_agent=AGENT_SCOPE in scopes_of(introduced),
        knowledge_dir=environment.knowledge_dir,
        uploads_dir=environment.data_dir / "uploads",
        confirmations=settings.config.confirmations,
        timezone=settings.timezone,
    )
    services = Services(
        registry=registry,
        maintenance=maintenance,
        database=database,
        claims=Claims(database),
        access=Access(client, identity, environment.admin_users, environment.admin_usergroup),
        channels=channels,
        client=client,
        messenger=Messenger(client, database),
        queue=queue,
        locks=KeyedLocks(),
        config=config,
        process=process,
        rescan=rescan,
    )
    recover(config.uploads_dir)
    register(app, services)
    told = mapping.digest_channel
    digest = WeeklyDigest(services, told) if told else None
    housekeeping = Housekeeping(services, settings.config.keep_questions_days)
    return Bot(app, connection, services, model, watch, digest, housekeeping, listeners, startup_log)

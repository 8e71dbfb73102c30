"""The knowledge of a bot, for another process on the same machine: searched as the bot would, and never changed.

Nothing is written, made or locked in DATA_DIR, KNOWLEDGE_DIR or the state database, whether the bot runs or not. What
has to be built, because nobody has stored it in DATA_DIR yet, is kept in a temporary folder. Where the indexes are in
PostgreSQL, that is all of it.
"""

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from bot.channel_mapping import ChannelMapping
from bot.folder_watch import FolderWatch, log_reports
from bot.model_watch import ModelWatch
from bot.settings import Settings
from handlers.channels import Channels
from handlers.learning.store.learned_aliases import LearnedAliases
from handlers.learning.store.voices import Voices
from handlers.store.database import Database
from handlers.store.read_only import open_to_read
from indexes.encoder import Model, ModelManager, load_cached
from indexes.encoder.compiled import CompiledModels
from indexes.maintenance import Maintenance
from indexes.records.review import ReviewPolicy
from indexes.registry import Registry
from indexes.storage.overlay import overlaid

log = logging.getLogger(__name__)

STARTING_SECONDS = 30.0
"""How long the first question waits for the model that is being loaded: without it, it is searched by words alone."""
LOOK_SECONDS = 0.05
FOLLOW_SECONDS = 5.0
"""How old what people have taught the bot may be when a question is searched."""


class KnowledgeReader:
    """Searches what a bot has stored; made by `reading`. `database` is None if no bot was ever started there."""

    def __init__(
        self,
        mapping: ChannelMapping,
        maintenance: Maintenance,
        database: Database | None,
        model: ModelWatch | None,
        follow_seconds: float,
    ) -> None:
        self.database = database
        self.registry = maintenance.registry
        self._mapping = mapping
        self._maintenance = maintenance
        self._model = model
        self._follow_seconds = follow_seconds
        self._followed = -follow_seconds
        self._waited = False

    @property
    def public(self) -> frozenset[str]:
        """The knowledge bases that everybody may see."""
        return self._mapping.public

    @property
    def threshold(self) -> float:
        """How sure the bot must be where nobody has set anything else."""
        rules = self._mapping.default_rules()
        return Channels(self.database, default=rules).of("").threshold if self.database else rules.threshold

    def follow(self) -> None:
        """Learn from the database what people have taught the bot since; the next searches know it."""
        if self.database is None or time.monotonic() - self._followed < self._follow_seconds:
            return
        self._followed = time.monotonic()
        if (aliases := LearnedAliases(self.database).aliases()) is not None:
            self._maintenance.apply_aliases(aliases)
        if (judged := Voices(self.database).judged()) is not None:
            self._maintenance.update_confidence(judged)

    def wait_ready(self, seconds: float = STARTING_SECONDS) -> bool:
        """Wait until questions are answered as well as can be; return whether they can be answered at all."""
        until = time.monotonic() + seconds
        if not self.registry.wait_ready(seconds):
            return False
        while not (self._waited or self._is_settled) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        self._waited = True
        return True

    @property
    def _is_settled(self) -> bool:
        """Whether every knowledge base is searched by meaning, or there is no model to do so."""
        if self._model is None or self._model.trouble:
            return True
        loaded = self.registry.loaded.values()
        return self.registry.encoder is not None and all(each.index.dense or each.trouble for each in loaded)


@contextmanager
def reading(
    settings: Settings, manager: ModelManager | None = None, follow_seconds: float = FOLLOW_SECONDS
) -> Iterator[KnowledgeReader]:
    """Read the knowledge bases in the background, and what changes in them; the model only if it is on this machine.

    Raises SettingsError for a configuration that doesn't fit, StoreError for a database of another version.
    """
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="kotae-")))
        if database := open_to_read(settings.database_url):
            opened.callback(database.close)
        mapping = ChannelMapping(settings, database)
        mapping.check()
        policy = ReviewPolicy(settings.config.overdue_limit, lambda: datetime.now(settings.timezone).date())
        registry = Registry(mapping.sources, settings.synonyms, policy)
        maintenance = Maintenance(registry, folder, overlaid(settings.environment.data_dir, folder))
        watch = FolderWatch(maintenance, mapping.sources, settings.synonyms, _nothing, log_reports)
        opened.callback(watch.close)
        opened.callback(maintenance.close)
        if manager is None:
            manager = opened.enter_context(closing(ModelManager(partial(_load, settings))))
        model = ModelWatch(maintenance, manager, settings.model, settings.revision) if settings.model else None
        reader = KnowledgeReader(mapping, maintenance, database, model, follow_seconds)
        reader.follow()  # before the files are read: learned aliases are a part of what is stored
        watch.start()
        maintenance.load()
        if model:
            opened.callback(model.close)
            model.start()
        yield reader


def _load(settings: Settings, name: str, revision: str | None) -> Model:
    """Load the model, in the bot's form if there is one; raises ModelUnavailableError, and downloads nothing."""
    if settings.compiled_models:
        compiled = CompiledModels(settings.compiled_folder, deletes=False)
        if model := compiled.open_best(name, revision, settings.environment.encoder_precision):
            return model
    return load_cached(name, revision)


def _nothing() -> None:
    """Look for no new channels: there is no Slack here."""

"""Several bots that are one: they share a PostgreSQL database, and each has a DATA_DIR of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bot.app import Bot, build_app
from bot.config_file import ConfigFile
from bot.importing import run_import
from bot.playground import LocalSlack
from bot.settings import Environment, Settings
from handlers.services import clock_here
from handlers.token_buckets import NO_LIMIT
from indexes.encoder import ModelManager


class Replicas:
    """Starts replicas by name; ``of["a"]`` is a running one."""

    def __init__(self, slack: LocalSlack, folder: Path, database_url: str, index_backend: str) -> None:
        self.of: dict[str, Bot] = {}
        self._slack = slack
        self._folder = folder
        self._database_url = database_url
        self._index_backend = index_backend

    def settings(self, name: str, config: ConfigFile | None = None, **environment: object) -> Settings:
        """Return the settings of a replica; they are the same but for DATA_DIR."""
        values = {
            "slack_api_url": self._slack.api_url,
            "slack_bot_token": self._slack.bot_token,
            "slack_app_token": self._slack.app_token,
            "knowledge_dir": self._folder / "knowledge",
            "data_dir": self._folder / name,
            "database_url": self._database_url,
            "index_backend": self._index_backend,
            "encoder_backend": "lexical",
            **environment,
        }
        return Settings(Environment.model_validate(values), config or ConfigFile(promise=0.0), Path("kotae.toml"))

    def import_files(self, path: Path | None = None) -> list[str]:
        """Import the knowledge folder as `kotae import --yes` does; return what it prints."""
        said: list[str] = []
        run_import(self.settings("import"), path, said.append, lambda: True)
        return said

    def start(
        self,
        name: str,
        manager: ModelManager,
        config: ConfigFile | None = None,
        burst: int = NO_LIMIT,
        clock: Callable[[], datetime] = clock_here,
        **environment: str,
    ) -> Bot:
        """Start a replica and wait until it has read everything."""
        there = self._slack.connections
        bot = build_app(self.settings(name, config, **environment), manager, burst=burst, clock=clock)
        self.of[name] = bot
        bot.start()
        self._slack.wait_until(lambda: self._slack.connections > there, what="the connection")
        assert bot.services.registry.wait_ready(60)
        return bot

    def stop(self, name: str) -> None:
        """Stop a replica in order."""
        self.of.pop(name).stop()

    def wait(self, what: str, is_so: Callable[[Bot], bool], seconds: float = 20) -> None:
        """Wait until something is so on every replica."""
        self._slack.wait_until(lambda: all(is_so(bot) for bot in self.of.values()), seconds, what)

    def settle(self) -> None:
        """Wait until all have dealt with everything that they were told."""
        self._slack.quiet(0.15)
        self.wait("the end of the work", lambda bot: not len(bot.services.queue))


@contextmanager
def replicas(slack: LocalSlack, folder: Path, database_url: str, index_backend: str = "faiss") -> Iterator[Replicas]:
    """Yield replicas, and stop those that run in the end."""
    several = Replicas(slack, folder, database_url, index_backend)
    yield several
    for name in list(several.of):
        several.stop(name)


def knows(question: str, answer: str, base: str = "it-help") -> Callable[[Bot], bool]:
    """Return what tells whether a replica's best answer contains a text."""

    def told(bot: Bot) -> bool:
        hits = bot.services.registry.search(question, [base]).hits
        return bool(hits) and answer in hits[0].record.answer

    return told

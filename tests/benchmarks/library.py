"""Kotae without Slack, as its own start goes: CSVs first, the model beside them, vectors when both are there."""

import time
from pathlib import Path

from bot.model_watch import ModelWatch
from indexes.builder import Source
from indexes.encoder import ModelManager
from indexes.registry import Registry

PATIENCE = 3600.0


def registry_of(folder: Path, data: Path) -> Registry:
    """Make a registry of every CSV in a folder."""
    return Registry(lambda: [Source(path.stem, path) for path in sorted(folder.glob("*.csv"))], data)


def start(registry: Registry, manager: ModelManager, model: str) -> ModelWatch:
    """Start loading as `Bot.start` does."""
    registry.load()
    watch = ModelWatch(registry, manager, model, None)
    watch.start()
    return watch


def wait_lexical(registry: Registry) -> None:
    """Wait until every CSV has been read."""
    if not registry.wait_ready(PATIENCE):
        raise TimeoutError("the knowledge bases were not read")


def wait_dense(registry: Registry, watch: ModelWatch | None) -> None:
    """Wait until every index has its vectors."""
    until = time.monotonic() + PATIENCE
    while not all(loaded.index.dense for loaded in registry.loaded.values()) or registry.encoder is None:
        if time.monotonic() > until or (watch and watch.trouble):
            raise TimeoutError(f"the vectors did not come {watch.trouble if watch else ''}")
        time.sleep(0.002)


def opened(folder: Path, data: Path, manager: ModelManager, model: str) -> Registry:
    """Return a registry that is ready in every way."""
    registry = registry_of(folder, data)
    registry.load().result(PATIENCE)
    registry.use_encoder(manager.get(model)).result(PATIENCE)
    return registry


def prepare(folder: Path, data: Path, manager: ModelManager, model: str) -> None:
    """Leave snapshots behind."""
    opened(folder, data, manager, model).close()
    manager.close()

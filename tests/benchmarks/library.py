"""Kotae without Slack, as its own start goes: CSVs first, the model beside them, vectors when both are there."""

import time
from pathlib import Path

from bot.model_watch import ModelWatch
from indexes.encoder import ModelManager
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry

PATIENCE = 3600.0


def maintenance_of(folder: Path, data: Path) -> Maintenance:
    """Make a registry of every CSV in a folder, and its maintenance."""
    return Maintenance(Registry(lambda: [Source(path.stem, path) for path in sorted(folder.glob("*.csv"))]), data)


def start(maintenance: Maintenance, manager: ModelManager, model: str) -> ModelWatch:
    """Start loading as `Bot.start` does."""
    maintenance.load()
    watch = ModelWatch(maintenance, manager, model, None)
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


def opened(folder: Path, data: Path, manager: ModelManager, model: str) -> Maintenance:
    """Return the maintenance of a registry that is ready in every way."""
    maintenance = maintenance_of(folder, data)
    maintenance.load().result(PATIENCE)
    maintenance.use_encoder(manager.get(model)).result(PATIENCE)
    return maintenance


def prepare(folder: Path, data: Path, manager: ModelManager, model: str) -> None:
    """Leave snapshots behind."""
    opened(folder, data, manager, model).close()
    manager.close()

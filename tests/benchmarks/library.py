"""Kotae without Slack, as its own start goes: CSVs first, the model beside them, vectors when both are there."""

import threading
import time
from functools import partial
from pathlib import Path

from bot.compilation import Compilation, sample
from bot.model_watch import ModelWatch
from bot.settings import Settings
from indexes.encoder import EncoderWorker, ModelManager
from indexes.encoder.compiler import compile_model
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry

PATIENCE = 3600.0


def maintenance_of(folder: Path, data: Path) -> Maintenance:
    """Make a registry of every CSV in a folder, and its maintenance."""
    return Maintenance(Registry(lambda: [Source(path.stem, path) for path in sorted(folder.glob("*.csv"))]), data)


def start(maintenance: Maintenance, manager: ModelManager, settings: Settings) -> ModelWatch:
    """Start loading as `Bot.start` does."""
    maintenance.load()
    name, revision, compiled = settings.model or "", settings.revision, settings.compiled_models
    compilation = Compilation(compiled, name, revision) if compiled else None
    watch = ModelWatch(maintenance, manager, name, revision, compilation=compilation)
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


def encoder_of(manager: ModelManager, settings: Settings) -> EncoderWorker:
    """Load the model in the form that the settings choose."""
    name, revision, compiled = settings.model or "", settings.revision, settings.compiled_models
    return manager.get(name, revision, partial(compiled.open, name, revision) if compiled else None)


def compile_once(folder: Path, manager: ModelManager, settings: Settings) -> str:
    """Compile the model as the bot does when nobody waits; return why that was not done, else nothing."""
    compiled, maintenance = settings.compiled_models, opened(folder, manager, settings)
    encoder = encoder_of(manager, settings)
    if compiled is None or compiled.find(encoder.name, settings.revision):
        maintenance.close()
        return ""
    outcome = compile_model(compiled, encoder, sample(maintenance.registry), threading.Event())
    maintenance.close()
    return str(outcome.why or "")


def opened(folder: Path, manager: ModelManager, settings: Settings) -> Maintenance:
    """Return the maintenance of a registry that is ready in every way."""
    maintenance = maintenance_of(folder, settings.environment.data_dir)
    maintenance.load().result(PATIENCE)
    maintenance.use_encoder(encoder_of(manager, settings)).result(PATIENCE)
    return maintenance


def prepare(folder: Path, manager: ModelManager, settings: Settings) -> None:
    """Leave behind what a second start finds."""
    opened(folder, manager, settings).close()
    manager.close()


def wait_idle(maintenance: Maintenance) -> None:
    """Wait until every change that was begun is done: they are made one after another."""
    maintenance.update_confidence({}).result(PATIENCE)

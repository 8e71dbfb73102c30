"""Kotae without Slack, as its own start goes: CSVs first, the model beside them, vectors when both are there."""

import threading
import time
from functools import partial
from pathlib import Path

from bot.compilation import Compilation, sample
from bot.model_watch import ModelWatch
from bot.settings import Settings
from indexes.encoder import EncoderWorker, ModelManager
from indexes.encoder.agreement import Precision
from indexes.encoder.compiler import compile_model
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from tests.benchmarks.processes import JSON

PATIENCE = 3600.0


def maintenance_of(folder: Path, data: Path) -> Maintenance:
    """Make a registry of every CSV in a folder, and its maintenance."""
    return Maintenance(Registry(lambda: [Source(path.stem, path) for path in sorted(folder.glob("*.csv"))]), data)


def start(maintenance: Maintenance, manager: ModelManager, settings: Settings) -> ModelWatch:
    """Start loading as `Bot.start` does."""
    maintenance.load()
    name, revision, compiled = settings.model or "", settings.revision, settings.compiled_models
    compilation = Compilation(compiled, name, revision, precision_of(settings)) if compiled else None
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
    return manager.get(
        name, revision, partial(compiled.open_best, name, revision, precision_of(settings)) if compiled else None
    )


def compile_once(folder: Path, manager: ModelManager, settings: Settings) -> JSON:
    """Compile the model as the bot does when nobody waits; return why it was not, and whether 8 bits are used."""
    compiled, maintenance = settings.compiled_models, opened(folder, manager, settings)
    encoder, stop, why = encoder_of(manager, settings), threading.Event(), ""
    assert compiled
    if not compiled.find(encoder.name, settings.revision):
        why = str(compile_model(compiled, encoder, sample(maintenance.registry), stop).why or "")
    compilation = Compilation(compiled, encoder.name, settings.revision, precision_of(settings), idle_seconds=0.01)
    if not why:
        compilation.reduce(encoder, maintenance, stop)
    maintenance.close()
    return {"why": why, "form": str(compilation.form), "trusted": compilation.form.key == "form.eight_bits"}


def precision_of(settings: Settings) -> Precision:
    """Return what ENCODER_PRECISION says."""
    return settings.environment.encoder_precision


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

"""Compiling a model in a process of its own, which may be killed at any moment."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from indexes.encoder import hub
from indexes.encoder.agreement import FEWEST, Agreement, Precision
from indexes.encoder.compiled import CompiledModels
from indexes.encoder.names import local_folder
from indexes.encoder.protocol import Encoder
from indexes.messages import Translatable, from_data

log = logging.getLogger(__name__)

COMPILED, ONNX, CHOSEN = Translatable("form.compiled"), Translatable("form.onnx"), Translatable("form.chosen")
WAITING, COMPILING = Translatable("form.waiting"), Translatable("form.compiling")
"""In which form a model runs: compiled, as published in ONNX, or with sentence-transformers (because that was chosen,
or until it has been compiled)."""

_LOOK_SECONDS = 0.2
_MOST_SECONDS = 3600.0
"""How long compiling may take; the default model takes half a minute on a machine with nothing else to do."""
_PACKAGES = Path(__file__).parents[2]
"""The folder that `indexes` is in; a module of the same name as a library in the user's folder can't get in the way."""


@dataclass(frozen=True)
class Outcome:
    """Whether the model has been compiled; if not, why, and whether that is for good."""

    compiled: bool
    why: Translatable | None = None
    is_final: bool = False

    @property
    def form(self) -> Translatable:
        """In which form the model runs after this."""
        if self.compiled:
            return COMPILED
        why = self.why or Translatable("compile.ended")
        return Translatable("form.refused", why=why) if self.is_final else Translatable("form.later", why=why)


def form_of(agreement: Agreement, precision: Precision) -> Translatable:
    """Return in which form a compiled model runs after this measurement, and what was measured."""
    measured = Translatable(
        "agreement.measured", same=agreement.same, asked=agreement.asked, moved=agreement.moved, cost=agreement.cost
    )
    if precision.accepts(agreement):
        return Translatable("form.eight_bits", measured=measured)
    if agreement.is_close:
        return Translatable("form.full_precision", why=Translatable("agreement.slow", measured=measured))
    too_few = agreement.asked < FEWEST and agreement.asked == agreement.same
    why = (
        Translatable("agreement.few", measured=measured, fewest=FEWEST)
        if too_few
        else Translatable("agreement.differs", measured=measured)
    )
    return Translatable("form.full_precision", why=why)


def compile_model(
    models: CompiledModels, encoder: Encoder, texts: Sequence[str], stop: threading.Event, variant: str = ""
) -> Outcome:
    """Compile the model that `encoder` runs, and verify it on `texts`. Ends soon after `stop` is set.

    The variant of 8 bits is made of the compiled model.

    The process has the lowest priority, checks memory and disk first, and ends with this one. The texts go through a
    pipe: nobody else can read them.
    """
    models.sweep(time.time())
    source = _source(models, encoder, variant)
    if source is None:
        return Outcome(compiled=False, why=Translatable("compile.changed"))
    order = {
        "model": encoder.name,
        "revision": encoder.revision,
        "source": str(source.absolute()),
        "target": str(models.folder.absolute()),
        "texts": list(texts),
        "variant": variant,
    }
    command = [sys.executable, "-m", "indexes.encoder.compiling"]
    log.info("Compiling the model %s in the background", encoder.name)
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=_PACKAGES
    ) as process:
        try:
            outcome = _outcome(_wait(process, json.dumps(order).encode(), stop))
        finally:
            process.kill()
            process.wait()
            models.sweep(time.time())
    log.info("Compiling took %.0f s: %s", time.perf_counter() - started, outcome.why or "done")
    return outcome


def _source(models: CompiledModels, encoder: Encoder, variant: str) -> Path | None:
    if variant:
        found = models.find(encoder.name, encoder.revision)
        return models.folder / found.key if found and not found.refused else None
    return local_folder(encoder.name) or hub.find_model(encoder.name, encoder.revision)


def _wait(process: "subprocess.Popen[bytes]", order: bytes, stop: threading.Event) -> bytes:
    """Pass the order on, and return what the process says; its stdin stays open, which tells it that we live."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(order + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        with suppress(BrokenPipeError):
            process.stdin.close()
        return b""
    until = time.monotonic() + _MOST_SECONDS
    while process.poll() is None and time.monotonic() < until:
        if stop.wait(_LOOK_SECONDS):
            return b""
    return process.stdout.read() if process.poll() is not None else b""


def _outcome(said: bytes) -> Outcome:
    try:
        found = json.loads(said)
        why = from_data(found["why"])
    except (ValueError, KeyError, TypeError):
        return Outcome(compiled=False, why=Translatable("compile.ended"))
    return Outcome(found["compiled"], why if isinstance(why, Translatable) else None, found["final"])

"""Compiles the model once, when its vectors are there and nobody waits, and swaps the compiled form in.

Then, unless ENCODER_PRECISION says float32, the same for its form of 8 bits, if that finds the same as the compiled
form in the team's own knowledge (`indexes.comparison`). That is measured again when the knowledge has grown.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from functools import partial
from typing import TypeVar

from indexes.comparison import StoppedEarly, compare
from indexes.encoder import EncoderWorker, Model
from indexes.encoder.agreement import Agreement, Precision
from indexes.encoder.compiled import CompiledModel, CompiledModels
from indexes.encoder.compiler import COMPILED, COMPILING, WAITING, Outcome, compile_model, form_of
from indexes.encoder.protocol import INT8
from indexes.encoder.worker import forget_model
from indexes.maintenance import Maintenance
from indexes.messages import Translatable
from indexes.registry import Registry

log = logging.getLogger(__name__)

Item = TypeVar("Item")

TEXTS = 200
"""Texts of the team's own on which the compiled form is verified."""
_CHOSEN_FROM = 2000
"""Records, evenly spread over the knowledge bases, that these are taken from."""
_LONG = 4000
"""Characters of one text that is longer than models read, put together from the others."""
IDLE_SECONDS = 1.0
"""How often it is checked whether somebody waits."""
RETRY_SECONDS = 3600.0
"""The wait before the next attempt, if there was no room."""
LOOK_SECONDS = 60.0
"""How often it is checked whether the knowledge has grown."""
_TURN_SECONDS = 0.02
_SETTLED_SECONDS = 3.0
"""By then every batch that the former model had begun is done."""


class Compilation:
    """Has the compiled form used where there is one, and makes it where there is none; `form` says what runs."""

    def __init__(
        self,
        models: CompiledModels,
        model: str,
        revision: str | None,
        precision: Precision = Precision.FLOAT32,
        idle_seconds: float = IDLE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._models = models
        self._model = model
        self._revision = revision
        self._precision = precision
        self._idle_seconds = idle_seconds
        self._look_seconds = look_seconds
        self._runs = False
        self._unstored: Agreement | None = None
        self.form = WAITING

    def open(self) -> Model | None:
        """Open the compiled form if there is one, in 8 bits if they are trusted; it is loaded instead of the model."""
        model = self._models.open_best(self._model, self._revision, self._precision)
        if model:
            self._use()
        return model

    def run(self, encoder: EncoderWorker, maintenance: Maintenance, stop: threading.Event) -> None:
        """Compile the model unless that has been done, and use it; returns when there is nothing left to do."""
        self._compile_once(encoder, maintenance.registry, stop)
        while self._runs and self._precision is not Precision.FLOAT32 and not stop.is_set():
            if not self._is_measured(maintenance.registry):
                try:
                    self.reduce(encoder, maintenance, stop)
                except (StoppedEarly, CancelledError):
                    return
            stop.wait(self._look_seconds)

    def _measured(self) -> tuple[CompiledModel | None, Agreement | None]:
        """Return the form of 8 bits, and what was measured of it."""
        if self._precision is Precision.FLOAT32:
            return None, None
        found = self._models.find(self._model, self._revision, INT8)
        return found, (self._models.agreement(found) or self._unstored) if found else None

    def _is_measured(self, registry: Registry) -> bool:
        """Whether there is nothing to measure: it has been for about so many rows, or can't be."""
        found, agreement = self._measured()
        rows = sum(len(loaded.index) for loaded in registry.loaded.values())
        return bool(found and found.refused) or (agreement is not None and agreement.is_of_about(rows)) or not rows

    def reduce(self, encoder: EncoderWorker, maintenance: Maintenance, stop: threading.Event) -> None:
        """Make the form of 8 bits unless there is one, measure it, and use it or not. Raises StoppedEarly."""
        if not self._wait_until_idle(encoder, stop):
            raise StoppedEarly
        if self._measured()[0] is None:
            outcome = compile_model(self._models, encoder, sample(maintenance.registry), stop, INT8)
            if outcome.why:
                self.form = Translatable("form.full_precision", why=outcome.why)
                stop.wait(0 if outcome.is_final else RETRY_SECONDS)
                return
        exact, reduced = (self._models.open(self._model, self._revision, variant) for variant in ("", INT8))
        found, _ = self._measured()
        if exact and reduced and found:
            agreement = compare(maintenance.registry.state, exact, reduced, partial(_give_way, encoder, stop))
            self._note(found, agreement)
            self._swap_to(reduced if self._precision.accepts(agreement) else exact, encoder, maintenance)
            self._use()

    def _note(self, found: CompiledModel, agreement: Agreement) -> None:
        log.info(
            "8 bits: %d of %d questions find the same first, confidence differs by %.3f on average, %.2f of the time",
            agreement.same,
            agreement.asked,
            agreement.moved,
            agreement.cost,
        )
        try:
            self._models.note(found, agreement)
        except OSError as error:
            log.warning("What was measured of 8 bits can't be stored: %s", error)
            self._unstored = agreement

    def _swap_to(self, model: Model, encoder: EncoderWorker, maintenance: Maintenance) -> None:
        """Use a form from now on; texts encoded in 8 bits that are no longer trusted are encoded again."""
        before = encoder.variant
        if not maintenance.swap_model(encoder, model).result():
            log.warning("The model %s in 8 bits is not used: its vectors stand for others", encoder.name)
        elif before and not encoder.variant:
            maintenance.use_encoder(encoder)

    def _compile_once(self, encoder: EncoderWorker, registry: Registry, stop: threading.Event) -> None:
        while not self._runs and not stop.is_set():
            if self._is_refused() or self._swap_in(encoder, stop):
                return
            self.form = WAITING
            if not self._wait_until_idle(encoder, stop) or self._compile(encoder, registry, stop):
                return
            stop.wait(RETRY_SECONDS)

    def _compile(self, encoder: EncoderWorker, registry: Registry, stop: threading.Event) -> bool:
        """Return whether there is nothing left to do."""
        self.form = COMPILING
        outcome = compile_model(self._models, encoder, sample(registry), stop)
        if outcome.compiled:
            return self._swap_in(encoder, stop) or self._is_refused()
        self.form = outcome.form
        return outcome.is_final

    def _swap_in(self, encoder: EncoderWorker, stop: threading.Event) -> bool:
        model = self._models.open(self._model, self._revision)
        if model is None or not encoder.swap(model):
            return False
        self._use()
        log.info("The model %s runs compiled from now on", encoder.name)
        stop.wait(_SETTLED_SECONDS)
        forget_model()
        return True

    def _is_refused(self) -> bool:
        found = self._models.find(self._model, self._revision)
        if found is None or found.refused is None:
            return False
        self.form = Outcome(compiled=False, why=found.refused, is_final=True).form
        return True

    def _use(self) -> None:
        self._runs = True
        found, agreement = self._measured()
        if agreement:
            self.form = form_of(agreement, self._precision)
        else:
            self.form = Translatable("form.full_precision", why=found.refused) if found and found.refused else COMPILED

    def _wait_until_idle(self, encoder: EncoderWorker, stop: threading.Event) -> bool:
        """Return True once nobody waits, False once `stop` is set."""
        while not stop.wait(self._idle_seconds):
            if encoder.is_idle:
                return True
        return False


def _give_way(encoder: EncoderWorker, stop: threading.Event) -> bool:
    """Wait while somebody waits for a vector; return False once `stop` is set."""
    while not encoder.is_idle and not stop.wait(_TURN_SECONDS):
        pass
    return not stop.is_set()


def sample(registry: Registry, count: int = TEXTS) -> list[str]:
    """Return texts of the knowledge bases as they are encoded, short to long, half of them in ASCII if there are any.

    The last is longer than models read.
    """
    texts = sorted(dict.fromkeys(_texts(registry)), key=len)
    ascii_only = [text for text in texts if text.isascii()]
    others = [text for text in texts if not text.isascii()]
    of_ascii = min(len(ascii_only), max(count // 2, count - len(others)))
    chosen = [*_spread(ascii_only, of_ascii), *_spread(others, count - of_ascii)]
    return [*sorted(chosen, key=len), " ".join(chosen)[:_LONG]] if chosen else []


def _texts(registry: Registry) -> Iterator[str]:
    indexes = [loaded.index for loaded in registry.loaded.values()]
    rows = sum(map(len, indexes))
    for index in indexes:
        for row in _spread(range(len(index)), max(1, _CHOSEN_FROM * len(index) // max(rows, 1))):
            yield from index.passages(row)


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """Return so many items at even distances, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(at * (len(items) - 1) / max(count - 1, 1))] for at in range(count)]

"""Compiles the model once, when its vectors are there and nobody waits, and swaps the compiled form in."""

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import TypeVar

from indexes.encoder import EncoderWorker, Model
from indexes.encoder.compiled import CompiledModels
from indexes.encoder.compiler import COMPILED, COMPILING, WAITING, Outcome, compile_model
from indexes.encoder.worker import forget_model
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
_SETTLED_SECONDS = 3.0
"""By then every batch that the former model had begun is done."""


class Compilation:
    """Has the compiled form used where there is one, and makes it where there is none; `form` says what runs."""

    def __init__(
        self, models: CompiledModels, model: str, revision: str | None, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._models = models
        self._model = model
        self._revision = revision
        self._idle_seconds = idle_seconds
        self._runs = False
        self.form = WAITING

    def open(self) -> Model | None:
        """Open the compiled form if there is one; it is then loaded instead of the model."""
        model = self._models.open(self._model, self._revision)
        if model:
            self._use()
        return model

    def run(self, encoder: EncoderWorker, registry: Registry, stop: threading.Event) -> None:
        """Compile the model unless that has been done, and use it; returns when there is nothing left to do."""
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
        self.form = COMPILED

    def _wait_until_idle(self, encoder: EncoderWorker, stop: threading.Event) -> bool:
        """Return True once nobody waits, False once `stop` is set."""
        while not stop.wait(self._idle_seconds):
            if encoder.is_idle:
                return True
        return False


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

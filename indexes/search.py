"""The interface for scripts: ``FaissSearch("data.csv").search("question")``."""

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from indexes.confidence.confidence import confident
from indexes.confidence.explanation import explain
from indexes.encoder import DEFAULT_MODEL, Encoder, Model, ModelManager, Progress, models
from indexes.encoder.agreement import Precision
from indexes.encoder.backends import BACKENDS, chosen_model
from indexes.encoder.compiled import CompiledModels
from indexes.environment import one_of, read_environment
from indexes.errors import ModelUnavailableError, UnusableFileError
from indexes.maintenance import Maintenance
from indexes.messages import Translatable
from indexes.names import name_of
from indexes.records import Source, has_answer
from indexes.registry import Answer, Registry
from indexes.retrieval.index import Hit, Index
from indexes.retrieval.scale import Scale

log = logging.getLogger(__name__)

_AS_NAMED: Mapping[str, str] = MappingProxyType({})
SYNONYMS_FILE = "_synonyms.csv"
"""Name of the synonyms file beside the CSV, unless another is given."""
DATA_DIR = ".kotae"


class Configured(Enum):
    """What an argument is that isn't given: as the environment and `.env` have it, like `kotae serve`."""

    MODEL = "MODEL_NAME and ENCODER_BACKEND"


class FaissSearch:
    """Searches one CSV or workbook. Instances with the same model name share the model, loaded once per process.

    `sheet` is the one of a workbook, by default the first; `columns` are headers by role (question, answer, …), for
    files whose headers have other names. `model` is a hub name or a local folder; None searches
    lexically, and so does a model that can't be loaded, which is logged. With the snapshots below `data_dir`, the
    second start encodes nothing. A form of the model that a bot has compiled there is used, unless `compiled` is
    False; none is compiled here. Where `model`, `data_dir` and `precision` are not given, MODEL_NAME and
    ENCODER_BACKEND, DATA_DIR and ENCODER_PRECISION of the environment or of `.env` hold, as for `kotae serve`;
    kotae.toml is not read. Raises UnusableFileError, and EnvironmentValueError for such a variable.
    """

    def __init__(
        self,
        csv: str | Path,
        model: str | Path | Configured | None = Configured.MODEL,
        *,
        revision: str | None = None,
        data_dir: str | Path | None = None,
        synonyms: str | Path | None = None,
        sheet: str = "",
        columns: Mapping[str, str] = _AS_NAMED,
        compiled: bool = True,
        precision: Precision | None = None,
        manager: ModelManager = models,
        progress: Progress | None = None,
    ) -> None:
        environment = read_environment()
        name, may_be_compiled = _chosen(model, revision, environment)
        precision = precision or Precision(one_of(Precision, "ENCODER_PRECISION", environment))
        path = Path(csv)
        same = Path(synonyms) if synonyms else path.with_name(SYNONYMS_FILE)
        self.name = name_of(path)
        source = Source(self.name, path, sheet, columns)
        folder = Path(data_dir or environment.get("DATA_DIR", DATA_DIR))
        self._registry = Registry(lambda: [source], same)
        self._maintenance = Maintenance(self._registry, folder)
        with ExitStack() as opened:
            opened.callback(self.close)  # also at Ctrl-C: encoding would go on, and the process with it
            self._maintenance.load().result()
            if self.name in self._registry.failures:
                raise UnusableFileError.of(self._registry.failures[self.name])
            forms = CompiledModels(folder / "compiled") if compiled and may_be_compiled else None
            prepared = partial(forms.open_best, name, revision, precision) if name and forms else None
            encoder = _encoder(name, revision, manager, prepared) if name else None
            if encoder:
                self._maintenance.use_encoder(encoder, progress).result()
            opened.pop_all()

    @property
    def encoder(self) -> Encoder | None:
        """The shared encoder; None when the search is lexical only."""
        return self._registry.encoder

    @property
    def scale(self) -> Scale | None:
        """The scale of the encoder's cosines on this file; None when the search is lexical only."""
        return self._registry.loaded[self.name].index.scale

    @property
    def index(self) -> Index:
        """The index of the CSV as it is now."""
        return self._registry.loaded[self.name].index

    @property
    def has_answers(self) -> bool:
        """Whether any row has an answer; without one nothing is given unasked."""
        return any(has_answer(record) for record in self.index.records)

    def search(self, question: str, top_k: int = 3, *, min_confidence: float = 0.0, min_k: int = 0) -> list[Hit]:
        """Return the closest records, best first, each with its score and confidence.

        Confidence is the probability, 0 to 1, that the record answers the question: of ten hits with 0.9, nine do.
        Records below `min_confidence` are left out, unless fewer than `min_k` are left: then the best of them make up
        the number. At most `top_k` records are returned. Raises ValueError for a `min_confidence` that is no
        probability.
        """
        return confident(self.answer(question, top_k).hits, min_confidence, min_k)

    def answer(self, question: str, top_k: int = 3) -> Answer:
        """Search, and also return the normalized question, the encoder used and the seconds it took."""
        return self._registry.search(question, [self.name], top_k)

    def explain(self, answer: Answer, hit: Hit) -> dict[str, Any]:
        """Return why a hit was found and how its confidence was computed; JSON types only."""
        return explain(self.index, answer.question, hit)

    def why(self, answer: Answer, threshold: float) -> tuple[Translatable, ...]:
        """Say why a bot with this threshold would give the first hit unasked, or why not."""
        return self._registry.why(answer, threshold)

    def close(self) -> None:
        """End the maintenance thread. The shared model stays loaded."""
        self._maintenance.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _chosen(
    model: str | Path | Configured | None, revision: str | None, environment: Mapping[str, str]
) -> tuple[str | None, bool]:
    """Return the model to load, None to search lexically, and whether a compiled form may take its place."""
    if not isinstance(model, Configured):
        return str(model) if model else None, True
    backend = one_of(BACKENDS, "ENCODER_BACKEND", environment)
    return chosen_model(environment.get("MODEL_NAME", DEFAULT_MODEL), backend, revision), backend == "auto"


def _encoder(
    model: str, revision: str | None, manager: ModelManager, prepared: Callable[[], Model | None] | None
) -> Encoder | None:
    try:
        return manager.get(model, revision, prepared)
    except ModelUnavailableError as error:
        log.warning("%s In a script the argument `model` wins over MODEL_NAME. Searching lexically.", error)
        return None

"""What every benchmark is given: sizes, a folder, the models, the peers."""

import logging
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.corpus import rows, write_csv
from tests.benchmarks.forms import DEFAULT, TORCH, forms
from tests.benchmarks.measuring import Noise, noise
from tests.benchmarks.processes import JSON, ChildError, run_child, run_peer
from tests.encoders import minilm_path

log = logging.getLogger("benchmarks")


@dataclass
class Bench:
    """`quick` is for trying things out: small sizes, one repetition; its ratios mean nothing."""

    quick: bool = False
    rows: int | None = None
    """Of `million`, to try it with fewer."""
    peers: Path | None = None
    fastembed: Path | None = None
    pictures: Path | None = None
    keep: Path | None = None
    noises: list[Noise] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="kotae-bench-")
        self.folder = Path(self._temporary.name)
        self.kept = self.keep or self.folder
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._temporary.cleanup()

    @cached_property
    def minilm(self) -> Path:
        """all-MiniLM-L6-v2, a real model: English, 384 dimensions, 6 layers."""
        return minilm_path()

    @cached_property
    def forms(self) -> dict[str, JSON | None]:
        """The settings of all-MiniLM-L6-v2 in each form; None for one that there isn't yet."""
        return self.forms_of(self.minilm)

    @cached_property
    def twins(self) -> dict[str, JSON | None]:
        """The settings of the twin in each form."""
        return self.forms_of(self.twin)

    @cached_property
    def twin(self) -> Path:
        """The default model's exact architecture (12 layers), random weights: right in speed and size only."""
        return Path(self.child("models:twin", {"folder": self.kept / "twin"})["folder"])

    def forms_of(self, model: Path) -> dict[str, JSON | None]:
        """Compile a model once, and return the settings of each form."""
        few = write_csv(self.folder / "few" / "few.csv", list(rows(self.pick(300, 20)))).parent
        data = self.kept / f"compiled-{model.name}"
        found = self.child("preparing:compiled", {"folder": few, "data": data, "form": forms(model)[DEFAULT]})
        if found["why"]:
            log.warning("%s is not compiled: %s", model.name, found["why"])
        log.info("%s: %s", model.name, found["form"])
        return forms(model, Path(found["folder"]), trusted=found["trusted"])

    def built(self, form: str) -> Path:
        """Where `building` leaves what a form has built; the vectors through torch are those of the default."""
        return self.kept / f"built-{DEFAULT if form == TORCH else form}"

    @cached_property
    def tokens(self) -> Path:
        """The static vectors of all-MiniLM-L6-v2: one for each token."""
        arguments = {"source": self.minilm, "folder": self.kept / "tokens", "most": self.pick(10**6, 200)}
        return Path(self.child("models:tokens", arguments)["folder"])

    @cached_property
    def onnx(self) -> Path:
        """all-MiniLM-L6-v2 as fastembed wants it."""
        found = self.child("models:onnx", {"source": self.minilm, "folder": self.kept / "onnx"})
        return Path(found["float32"])

    def pick(self, full: int, quick: int) -> int:
        """Return a size."""
        return quick if self.quick else full

    def listen(self) -> None:
        """Note how noisy the machine is now."""
        self.noises.append(noise())

    def child(self, name: str, arguments: JSON) -> JSON:
        """Run a child of this package."""
        log.info("%s", name.rpartition(".")[2])
        return run_child(f"tests.benchmarks.{name}", arguments)

    def peer(self, name: str, arguments: JSON) -> JSON:
        """Run a peer; what went wrong is its result."""
        log.info("%s", name)
        try:
            return run_peer(self.fastembed if name in {"fastembed", "static"} else self.peers, name, arguments)
        except ChildError as error:
            return {"error": str(error)}


def median_of(runs: list[JSON], key: str) -> float | None:
    """Return the median of a number over several runs; None when there is none."""
    values = sorted(float(run[key]) for run in runs if run.get(key) is not None)
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def ratio(over: float | None, under: float | None) -> float | None:
    """Divide, when there is something to divide."""
    return over / under if over is not None and under else None


def shown(value: float | None, pattern: str = "{:.1f}") -> str:
    """Format a number that may be missing."""
    return "–" if value is None else pattern.format(value)

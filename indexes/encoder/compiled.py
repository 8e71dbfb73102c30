"""Compiled models: the same weights as ONNX in float32, with their recipe, so that torch need not be imported.

    <folder>/<name>-<digest>/
        manifest.json      what it was made of, with which libraries, how it was verified, and checksums
        model.onnx         the network without its weights
        weights.bin        the weights, aligned, so that ONNX Runtime maps them
        tokenizer.json, *.json, */config.json    what `recipe` reads

A folder gets its name when it is whole, so that a crash at any moment leaves nothing that could be taken for one. A
model that can't be compiled has a manifest alone, which says why. Only one model is kept, perhaps in two variants: its
own weights, and those of 8 bits, beside which `agreement.json` says what they find.
"""

import hashlib
import json
import logging
import re
import secrets
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np

from indexes.atomic_file import replace_file, sync_folder, write_file
from indexes.checked_json import CHECKSUM, render
from indexes.encoder import hub
from indexes.encoder.agreement import Agreement, Precision
from indexes.encoder.fast import open_onnx, open_reduced
from indexes.encoder.loading import folder_digest
from indexes.encoder.names import canonical_name, first_line, local_folder
from indexes.encoder.protocol import INT8, Model, unit_rows
from indexes.encoder.weights_file import NETWORK
from indexes.encoder.worker import CANARIES, is_same
from indexes.messages import Translatable, as_data, from_data

log = logging.getLogger(__name__)

FORMAT = 1
MANIFEST, AGREEMENT = "manifest.json", "agreement.json"
_LIBRARIES = ("onnx", "onnxruntime", "sentence-transformers", "tokenizers", "torch", "transformers")
_BLOCK = 16 * 2**20
"""Bytes per checksum. CRC-32 finds every single flipped bit, and reads 4 GB/s on one core; SHA-256 less than half."""
_BEGUN = re.compile(r"\..+\.[0-9a-f]{6}\.new")
_NAME_LENGTH = 60


class DamagedError(Exception):
    """A compiled model is not as it was written."""


@dataclass(frozen=True)
class CompiledModel:
    """What the manifest says. `made_with` has the versions of the format and of the libraries.

    `checksums` are the size and the CRC-32 of each block, by file. `cosine` is the least one between its vectors and
    those of sentence-transformers, on `texts` texts; for 8 bits, those of the compiled model in float32. `refused` says
    why the model can't be compiled, else None. `canaries` are the vectors of CANARIES by the model's own weights and by
    those of 8 bits, in that order; empty without `variant`.
    """

    model: str
    revision: str
    made_with: Mapping[str, str]
    checksums: Mapping[str, list[int]]
    cosine: float = 0.0
    texts: int = 0
    refused: Translatable | None = None
    variant: str = ""
    canaries: Sequence[Sequence[Sequence[float]]] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest in a folder; raises DamagedError. One of an earlier version has no checksum."""
        try:
            data = (folder / MANIFEST).read_bytes()
            found = json.loads(data)
            if CHECKSUM in found and render(found) != data:
                raise DamagedError("the checksum of its manifest is wrong")
            found.pop(CHECKSUM, None)
            refused = from_data(found.pop("refused"))
            return cls(**found, refused=refused if isinstance(refused, Translatable) else None)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedError(first_line(error)) from error

    @property
    def key(self) -> str:
        """The name of its folder: another revision or library has another."""
        made_of = json.dumps([self.model, self.revision, sorted(self.made_with.items()), *filter(None, [self.variant])])
        plain = re.sub(r"[^A-Za-z0-9]+", "-", self.model).strip("-")[-_NAME_LENGTH:]
        return f"{plain}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"

    def write(self, folder: Path) -> None:
        """Write the manifest into a folder, and flush that to the disk."""
        refused = as_data(self.refused) if self.refused else None
        data = render({**asdict(replace(self, refused=None)), "refused": refused})
        write_file(folder / MANIFEST, lambda put: put(data))
        sync_folder(folder)


class CompiledModels:
    """The compiled models below one folder, `DATA_DIR/compiled`; `deletes` says whether damaged ones are deleted."""

    def __init__(self, folder: Path, *, deletes: bool = True) -> None:
        self.folder = folder
        self._deletes = deletes

    def find(self, name: str, revision: str | None = None, variant: str = "") -> CompiledModel | None:
        """Return the compiled model of this name, or why there can be none; None if it must be compiled (again).

        It is of the revision on this machine, made with today's libraries. Never uses the network.
        """
        wanted, made = identity(name, revision) or revision, made_with()
        alike = (each for each in self._of(name) if each.made_with == made and each.variant == variant)
        return next((each for each in alike if wanted in {None, each.revision}), None)

    def open(self, name: str, revision: str | None = None, variant: str = "") -> Model | None:
        """Open the compiled model if there is one; every byte is verified before. One that is damaged is deleted.

        So is one in 8 bits if this machine's processor doesn't give the vectors that were measured.
        """
        found = self.find(name, revision, variant)
        if found is None or found.refused:
            return None
        folder = self.folder / found.key
        log.info("Loading the model %s from %s", found.model, folder)
        try:
            verify(folder, found.checksums)
            return _open_reduced(found, folder) if found.variant else _open(found, folder)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the files, they can be made again
            then = "it is deleted and will be made again" if self._deletes else "the bot makes it again"
            log.warning("%s can't be used (%s); %s", folder, first_line(error), then)
            if self._deletes:
                shutil.rmtree(folder, ignore_errors=True)
            return None

    def open_best(self, name: str, revision: str | None, precision: Precision) -> Model | None:
        """Open the compiled model, in 8 bits if what was measured of these is accepted."""
        found = self.find(name, revision, INT8) if precision is not Precision.FLOAT32 else None
        agreement = self.agreement(found) if found else None
        if agreement and precision.accepts(agreement) and (reduced := self.open(name, revision, INT8)):
            return reduced
        return self.open(name, revision)

    def all(self) -> list[CompiledModel]:
        """Return what every readable manifest says, sorted by name."""
        return sorted(self._readable(), key=lambda found: found.model.lower())

    def size(self, found: CompiledModel) -> int:
        """Return the bytes of a compiled model."""
        return sum(file.stat().st_size for file in (self.folder / found.key).rglob("*") if file.is_file())

    def agreement(self, found: CompiledModel) -> Agreement | None:
        """Return what was measured of the form of 8 bits; None if that was not done or can't be read."""
        try:
            return Agreement(**json.loads((self.folder / found.key / AGREEMENT).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def note(self, found: CompiledModel, agreement: Agreement) -> None:
        """Keep what was measured; raises OSError."""
        replace_file(self.folder / found.key / AGREEMENT, json.dumps(asdict(agreement)).encode())

    def store(self, found: CompiledModel, begun: Path) -> None:
        """Give a finished folder its name, and delete the compiled forms of other models; raises OSError."""
        found.write(begun)
        shutil.rmtree(self.folder / found.key, ignore_errors=True)
        begun.rename(self.folder / found.key)
        sync_folder(self.folder)
        kept = {replace(found, variant=variant).key for variant in ("", INT8)}
        for other in self._folders():
            if other.name not in kept:
                shutil.rmtree(other, ignore_errors=True)

    def begin(self, found: CompiledModel) -> Path:
        """Make the folder that `store` gives its name; raises OSError."""
        begun = self.folder / f".{found.key}.{secrets.token_hex(3)}.new"
        begun.mkdir(parents=True)
        return begun

    def clear(self, name: str) -> int:
        """Delete what was compiled of a model, of any revision; return the bytes freed."""
        freed = 0
        for found in self._of(name):
            freed += self.size(found)
            shutil.rmtree(self.folder / found.key, ignore_errors=True)
        return freed

    def sweep(self, before: float) -> int:
        """Delete folders that were begun before a time (seconds since the epoch) and never finished; count them."""
        begun = [each for each in self.folder.glob(".*") if _BEGUN.fullmatch(each.name) and each.is_dir()]
        old = [each for each in begun if each.stat().st_mtime < before]
        for each in old:
            log.info("%s was left behind by a process that was killed; it is deleted", each)
            shutil.rmtree(each, ignore_errors=True)
        return len(old)

    def _of(self, name: str) -> list[CompiledModel]:
        return [found for found in self._readable() if found.model == canonical_name(name)]

    def _readable(self) -> Iterator[CompiledModel]:
        for folder in self._folders():
            try:
                found = CompiledModel.read(folder)
            except DamagedError as error:
                log.warning("%s can't be used (%s)", folder, error)
                continue
            if found.key == folder.name:
                yield found

    def _folders(self) -> list[Path]:
        return sorted(each for each in self.folder.glob("[!.]*") if each.is_dir())


def _open(found: CompiledModel, folder: Path) -> Model:
    return open_onnx(found.model, found.revision, folder, folder / NETWORK)


def _open_reduced(found: CompiledModel, folder: Path) -> Model:
    """Open the form of 8 bits; raises DamagedError if it gives other vectors here than where it was measured."""
    exact, reduced = (np.array(vectors, np.float32) for vectors in found.canaries)
    model = open_reduced(found.model, found.revision, folder, folder / NETWORK, exact)
    if not is_same(unit_rows(model.encode_documents(CANARIES), len(CANARIES)), reduced):
        raise DamagedError("this processor multiplies in another way than the one it was measured on")
    return model


def made_with() -> Mapping[str, str]:
    """Return the versions that a compiled model depends on."""
    return {"format": str(FORMAT), **{library: version(library) for library in _LIBRARIES}}


def identity(name: str, revision: str | None = None) -> str | None:
    """Return the revision of a model on this machine, None if it isn't there; see `Encoder.revision`."""
    if folder := local_folder(name):
        return folder_digest(folder)
    found = hub.find_model(name, revision)
    return found.name if found else None


def checksums(folder: Path) -> dict[str, list[int]]:
    """Return the size and the CRC-32 of each block of every file in a folder, by its path."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): [path.stat().st_size, *_sums(path)] for path in files}


def verify(folder: Path, expected: Mapping[str, list[int]]) -> None:
    """Read every file, on two threads; raises DamagedError if one is not as it was, OSError if it is gone."""
    blocks = [(folder / name, at, crc) for name, sums in expected.items() for at, crc in enumerate(sums[1:])]
    for name, sums in expected.items():
        if (folder / name).stat().st_size != sums[0]:
            raise DamagedError(f"the size of {name} is wrong")
    with ThreadPoolExecutor(2, thread_name_prefix="checksum") as pool:
        for (path, _, crc), found in zip(blocks, pool.map(lambda block: _sum(*block[:2]), blocks), strict=True):
            if found != crc:
                raise DamagedError(f"the checksum of {path.name} is wrong")


def _sums(path: Path) -> list[int]:
    return [_sum(path, at) for at in range(-(-path.stat().st_size // _BLOCK))]


def _sum(path: Path, at: int) -> int:
    with path.open("rb") as file:
        file.seek(at * _BLOCK)
        return zlib.crc32(file.read(_BLOCK))

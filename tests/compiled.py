"""Compiled models for tests: all-MiniLM-L6-v2 is compiled once for all processes of a run."""

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexes.encoder import Encoder
from indexes.encoder.compiled import CompiledModels
from indexes.encoder.compiler import Outcome
from indexes.encoder.compiler import _outcome as outcome_of
from indexes.encoder.compiling import _outcome
from indexes.encoder.protocol import INT8
from tests.encoders import minilm_encoder, once

TEXTS = [
    "How do I reset my password?",
    "パスワードを忘れました",
    "VPN error 619",
    "経費精算の締め日はいつですか。領収書をなくした場合はどうすればいいですか？",
    " ".join(f"word{number}" for number in range(700)),
]


def compiled_minilm(shared: Path) -> Path:
    """Return the folder of compiled models with all-MiniLM-L6-v2; nobody may change it."""
    return once(shared / "compiled", lambda folder: compiled_in(folder, minilm_encoder()))


def eight_bits_minilm(shared: Path) -> Path:
    """Return a folder with the same model, also in 8 bits; nobody may change it."""

    def both(folder: Path) -> Path:
        shutil.copytree(compiled_minilm(shared), folder, dirs_exist_ok=True)
        outcome = compiled_here(minilm_encoder(), CompiledModels(folder), variant=INT8)
        assert outcome == Outcome(compiled=True, is_final=True), outcome.why
        return folder

    return once(shared / "eight-bits", both)


def compiled_in(folder: Path, encoder: Encoder) -> Path:
    """Compile a model into a folder."""
    outcome = compiled_here(encoder, CompiledModels(folder))
    assert outcome == Outcome(compiled=True, is_final=True), outcome.why
    return folder


def compiled_here(encoder: Encoder, models: CompiledModels, texts: Sequence[str] = TEXTS, variant: str = "") -> Outcome:
    """Compile as the process does that has torch for nothing else, here, where it has been imported.

    That process would have the lowest priority: while other tests keep the cores busy it hardly gets on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return outcome_of(json.dumps(_outcome(order_of(encoder, models, texts, variant))).encode())


def order_of(encoder: Encoder, models: CompiledModels, texts: Sequence[str], variant: str = "") -> dict[str, Any]:
    """What the process that compiles is told."""
    source = encoder.name
    if variant:
        found = models.find(encoder.name, encoder.revision)
        assert found
        source = str(models.folder / found.key)
    names = {"model": encoder.name, "revision": encoder.revision, "source": source, "variant": variant}
    return {**names, "target": str(models.folder), "texts": texts}

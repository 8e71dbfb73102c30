"""Compiled models for tests: all-MiniLM-L6-v2 is compiled once for all processes of a run."""

import threading
from pathlib import Path

from indexes.encoder import Encoder
from indexes.encoder.compiled import CompiledModels
from indexes.encoder.compiler import Outcome, compile_model
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


def compiled_in(folder: Path, encoder: Encoder) -> Path:
    """Compile a model in a process of its own, as the bot does."""
    outcome = compile_model(CompiledModels(folder), encoder, TEXTS, threading.Event())
    assert outcome == Outcome(compiled=True, is_final=True), outcome.why
    return folder

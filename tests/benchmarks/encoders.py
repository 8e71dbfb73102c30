"""The encoders against each other: load time, resident memory, one question, many texts.

    python -m tests.benchmarks.encoders [--rounds 5] [--also openvino=PYTHON] [--also fastembed=PYTHON]

Every measurement runs in a process of its own, in turns, so that a busy machine slows all of them; prints medians and
ratios to sentence-transformers. `--also` names a Python of another environment that has what the variant needs:
docs/encoders.md says how to make one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

QUESTIONS = [
    f"{question} {number}"
    for number in range(16)
    for question in ("How do I reset the password of my account?", "パスワードを忘れましたVPNにつながらない")
]
TEXTS = [f"{question} " * (1 + number % 4) for number, question in enumerate(QUESTIONS * 4)]
BULK_BATCH = 8
Encode = Callable[[Sequence[str]], NDArray[Any]]


def main() -> None:
    """Build the models, measure in turns, print a table per model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--also", action="append", default=[], metavar="VARIANT=PYTHON")
    parser.add_argument("--child", nargs=2, metavar=("VARIANT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_measure(*options.child)))
        return
    also = dict(pair.split("=", 1) for pair in options.also)
    with tempfile.TemporaryDirectory() as scratch:
        for name, folders in _models(Path(scratch)).items():
            _table(name, folders, options.rounds, also)


def _models(scratch: Path) -> dict[str, dict[str, Path]]:
    """Return the folders of both models in each form."""
    from tests.encoders import build_twin, export_onnx, minilm_path, quantize_onnx  # noqa: PLC0415  takes seconds

    (scratch / "twin").mkdir()
    sources = {"all-MiniLM-L6-v2": minilm_path(), "twin of the default model": build_twin(scratch / "twin")}
    found = {}
    for number, (name, source) in enumerate(sources.items()):
        float32 = export_onnx(source, scratch / f"{number}-float32")
        int8 = quantize_onnx(float32, scratch / f"{number}-int8")
        found[name] = {"torch": source, "onnx-float32": float32, "onnx-int8": int8}
    return found


def _table(name: str, folders: dict[str, Path], rounds: int, also: dict[str, str]) -> None:
    runs = {variant: (sys.executable, folder) for variant, folder in folders.items()}
    if "openvino" in also:
        runs["openvino"] = (also["openvino"], folders["torch"])
    if "fastembed" in also:
        runs["fastembed-int8"] = (also["fastembed"], folders["onnx-int8"])
    figures: dict[str, list[dict[str, float]]] = {variant: [] for variant in runs}
    for _ in range(rounds):
        for variant, (python, folder) in runs.items():
            command = [python, "-m", "tests.benchmarks.encoders", "--child", variant, str(folder)]
            finished = subprocess.run(command, capture_output=True, text=True, check=True)
            figures[variant].append(json.loads(finished.stdout.splitlines()[-1]))
    keys = list(figures["torch"][0])
    medians = {variant: {key: median(run[key] for run in each) for key in keys} for variant, each in figures.items()}
    print(f"\n{name}, medians of {rounds} (in brackets: ratio to torch)\n")
    print(f"| | {' | '.join(keys)} |\n|---|{'---|' * len(keys)}")
    for variant, row in medians.items():
        cells = [f"{row[key]:.3g} ({row[key] / medians['torch'][key]:.2f})" for key in keys]
        print(f"| {variant} | {' | '.join(cells)} |")


def _measure(variant: str, folder: str) -> dict[str, float]:
    """Load one encoder and use it (child)."""
    started = time.perf_counter()
    encode = {"torch": _torch, "openvino": _openvino, "fastembed-int8": _fastembed}.get(variant, _onnx)(folder)
    encode(QUESTIONS[:1])
    loaded = time.perf_counter() - started
    seconds = []
    for question in QUESTIONS:
        asked = time.perf_counter()
        encode([question])
        seconds.append(time.perf_counter() - asked)
    ordered = sorted(TEXTS, key=len)
    bulk = time.perf_counter()
    for start in range(0, len(ordered), BULK_BATCH):
        encode(ordered[start : start + BULK_BATCH])
    bulk = time.perf_counter() - bulk
    return {
        "import and load, s": loaded,
        "resident, MB": psutil.Process().memory_info().rss / 1e6,
        "one question p50, ms": 1e3 * median(seconds),
        "texts/s": len(TEXTS) / bulk,
    }


def _torch(folder: str) -> Encode:
    from indexes.encoder import load_sentence_transformer  # noqa: PLC0415

    return load_sentence_transformer(folder).encode_documents


def _onnx(folder: str) -> Encode:
    from indexes.encoder import load_fastembed  # noqa: PLC0415

    return load_fastembed(folder).encode_documents


def _openvino(folder: str) -> Encode:
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    torch.set_num_threads(1)
    one_thread = {"ov_config": {"INFERENCE_NUM_THREADS": 1}}
    model = SentenceTransformer(folder, backend="openvino", device="cpu", model_kwargs=one_thread)
    return lambda texts: model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)


def _fastembed(folder: str) -> Encode:
    """fastembed's own package on the same files."""
    from fastembed import TextEmbedding  # type: ignore[import-not-found]  # noqa: PLC0415
    from fastembed.common.model_description import ModelSource, PoolingType  # type: ignore[import-not-found]  # noqa: PLC0415

    TextEmbedding.add_custom_model(
        model="local",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="local/local"),
        dim=384,
        model_file="model_quantized.onnx",
    )
    model = TextEmbedding("local", specific_model_path=folder, threads=1)
    return lambda texts: np.stack(list(model.embed(list(texts), batch_size=len(texts))))


if __name__ == "__main__":
    main()

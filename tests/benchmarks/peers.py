"""What one would use instead. Run by a Python that has the peers installed and knows nothing of Kotae.

Each is used as its own documentation shows, with one model for all its indexes and its own files for the restart.
What is embedded is the question alone: the cheapest choice, and of the plain ones the best. All but fastembed and
model2vec run the same weights through torch.
"""
# ruff: noqa: PLC0415 - what is imported is what is measured

import csv
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

JSON = dict[str, Any]
TOP = 10
Search = Callable[[str], list[str]]
"""From a question to the answers of the closest rows, best first."""
Opened = dict[str, Search]


def naive(csvs: list[Path], model: str, threads: int, _: Path) -> Opened:
    """One SentenceTransformer, every CSV encoded at start."""
    import faiss
    from sentence_transformers import SentenceTransformer

    limit(threads)
    encoder = SentenceTransformer(model, device="cpu", local_files_only=True)
    opened: Opened = {}
    for path in csvs:
        questions, answers = columns(path)
        vectors = encoder.encode(questions, normalize_embeddings=True)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)

        def search(question: str, index: Any = index, answers: list[str] = answers) -> list[str]:
            _, found = index.search(encoder.encode([question], normalize_embeddings=True), TOP)
            return [answers[number] for number in found[0] if number >= 0]

        opened[path.stem] = search
    return opened


def txtai(csvs: list[Path], model: str, threads: int, data: Path) -> Opened:
    """Txtai with content, which it keeps in SQLite."""
    from txtai import Embeddings  # type: ignore[import-not-found]

    limit(threads)
    shared: dict[str, Any] = {}
    opened: Opened = {}
    for path in csvs:
        embeddings = Embeddings({"path": model, "content": True}, models=shared)
        folder = data / path.stem
        if folder.exists():
            embeddings.load(str(folder))
        else:
            questions, answers = columns(path)
            rows = zip(questions, answers, strict=True)
            embeddings.index({"text": question, "answer": answer} for question, answer in rows)
            embeddings.save(str(folder))

        def search(question: str, embeddings: Any = embeddings) -> list[str]:
            quoted = question.replace("'", "''")
            wanted = f"select text, answer, score from txtai where similar('{quoted}') limit {TOP}"
            return [str(each["answer"]) for each in embeddings.search(wanted)]

        opened[path.stem] = search
    return opened


def langchain(csvs: list[Path], model: str, threads: int, data: Path) -> Opened:
    """LangChain's FAISS store with HuggingFaceEmbeddings."""
    from langchain_community.vectorstores import FAISS  # type: ignore[import-not-found]
    from langchain_huggingface import HuggingFaceEmbeddings  # type: ignore[import-not-found]

    limit(threads)
    embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu", "local_files_only": True})
    opened: Opened = {}
    for path in csvs:
        folder = data / path.stem
        if folder.exists():
            store = FAISS.load_local(str(folder), embeddings, allow_dangerous_deserialization=True)
        else:
            questions, answers = columns(path)
            store = FAISS.from_texts(questions, embeddings, [{"answer": answer} for answer in answers])
            store.save_local(str(folder))

        def search(question: str, store: Any = store) -> list[str]:
            return [str(each.metadata["answer"]) for each in store.similarity_search(question, k=TOP)]

        opened[path.stem] = search
    return opened


def bare(_: list[Path], model: str, threads: int, __: Path) -> Opened:
    """No search at all: import sentence_transformers, load the model, encode a question."""
    from sentence_transformers import SentenceTransformer

    limit(threads)
    encoder = SentenceTransformer(model, device="cpu", local_files_only=True)

    def search(question: str) -> list[str]:
        return [str(encoder.encode([question]).shape)]

    return {"kb-00": search}


def fastembed(csvs: list[Path], model: str, threads: int, data: Path) -> Opened:
    """FAISS beside fastembed, with a folder that has the model in its ONNX form."""
    from fastembed import TextEmbedding  # type: ignore[import-not-found]
    from fastembed.common.model_description import ModelSource, PoolingType  # type: ignore[import-not-found]

    TextEmbedding.add_custom_model(
        model="local",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="local/local"),
        dim=384,
        model_file="model.onnx",
    )
    encoder = TextEmbedding("local", specific_model_path=model, threads=threads or None)
    return _beside_faiss(csvs, data, lambda texts: list(encoder.embed(texts)))


def static(csvs: list[Path], model: str, _: int, data: Path) -> Opened:
    """FAISS beside model2vec, with a folder that has one vector for each token."""
    import numpy as np
    from model2vec import StaticModel  # type: ignore[import-not-found]
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
    encoder = StaticModel(np.load(Path(model) / "tokens.npy"), tokenizer)
    return _beside_faiss(csvs, data, encoder.encode)


def _beside_faiss(csvs: list[Path], data: Path, encode: Callable[[list[str]], Any]) -> Opened:
    import faiss
    import numpy as np

    def unit(texts: list[str]) -> Any:
        rows = np.asarray(encode(texts), dtype=np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    opened: Opened = {}
    for path in csvs:
        questions, answers = columns(path)
        file = data / f"{path.stem}.faiss"
        if file.exists():
            index = faiss.read_index(str(file))
        else:
            vectors = unit(questions)
            index = faiss.IndexFlatIP(vectors.shape[1])
            index.add(vectors)
            faiss.write_index(index, str(file))

        def search(question: str, index: Any = index, answers: list[str] = answers) -> list[str]:
            _, found = index.search(unit([question]), TOP)
            return [answers[number] for number in found[0] if number >= 0]

        opened[path.stem] = search
    return opened


PEERS = {
    "naive": naive,
    "txtai": txtai,
    "langchain": langchain,
    "bare": bare,
    "fastembed": fastembed,
    "static": static,
}


def serve(peer: str, arguments: JSON) -> JSON:
    """Open every CSV of a folder (building what isn't there yet) and ask; times since the process was started."""
    csvs = sorted(Path(arguments["folder"]).glob("*.csv"))
    data = Path(arguments["data"]) / peer
    data.mkdir(parents=True, exist_ok=True)
    opened = PEERS[peer](csvs, arguments["model"], arguments.get("threads", 0), data)
    built = time.monotonic() - arguments["started"]
    names = sorted(opened)
    asked: list[list[str]] = arguments["questions"]
    opened[names[0]]("ready?")
    ready = time.monotonic() - arguments["started"]
    worked = time.process_time()
    took, places = [], []
    for number, (question, answer) in enumerate(asked):
        started = time.perf_counter()
        found = opened[names[number % len(names)]](question)
        took.append(time.perf_counter() - started)
        places.append(1 / (found.index(answer) + 1) if answer in found else 0.0)
    return {
        "built": built,
        "ready": ready,
        "p50": statistics.median(took) * 1000 if took else None,
        "mrr": statistics.mean(places) if places else None,
        "cpu": worked,
        "memory": psutil.Process().memory_info().rss / 1e6,
    }


def limit(threads: int) -> None:
    """Set torch's threads; 0 leaves its default."""
    if threads:
        import torch

        torch.set_num_threads(threads)


def columns(path: Path) -> tuple[list[str], list[str]]:
    """Read the questions and the answers."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    return [line["question"] for line in lines], [line["answer"] for line in lines]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(serve(sys.argv[1], json.loads(sys.argv[2]))) + "\n")

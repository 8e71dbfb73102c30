"""What one would use instead. Run by a Python that has the peers installed and knows nothing of Kotae.

Each is used as its own documentation shows, with one model for all its indexes and its own files for the restart.
What is embedded is the question alone: the cheapest choice, and of the plain ones the best.
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
Search = Callable[[str], str]
"""From a question to the answer of the closest row."""
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

        def search(question: str, index: Any = index, answers: list[str] = answers) -> str:
            _, found = index.search(encoder.encode([question], normalize_embeddings=True), 3)
            return answers[int(found[0][0])]

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

        def search(question: str, embeddings: Any = embeddings) -> str:
            quoted = question.replace("'", "''")
            found = embeddings.search(f"select text, answer, score from txtai where similar('{quoted}') limit 3")
            return str(found[0]["answer"])

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

        def search(question: str, store: Any = store) -> str:
            return str(store.similarity_search(question, k=3)[0].metadata["answer"])

        opened[path.stem] = search
    return opened


def bare(_: list[Path], model: str, threads: int, __: Path) -> Opened:
    """No search at all: import sentence_transformers, load the model, encode a question."""
    from sentence_transformers import SentenceTransformer

    limit(threads)
    encoder = SentenceTransformer(model, device="cpu", local_files_only=True)

    def search(question: str) -> str:
        return str(encoder.encode([question]).shape)

    return {"kb-00": search}


PEERS = {"naive": naive, "txtai": txtai, "langchain": langchain, "bare": bare}


def serve(peer: str, arguments: JSON) -> JSON:
    """Open every CSV of a folder (building what isn't there yet) and ask; times since the process was started."""
    csvs = sorted(Path(arguments["folder"]).glob("*.csv"))
    data = Path(arguments["data"]) / peer
    data.mkdir(parents=True, exist_ok=True)
    opened = PEERS[peer](csvs, arguments["model"], arguments.get("threads", 0), data)
    names = sorted(opened)
    asked: list[list[str]] = arguments["questions"]
    opened[names[0]]("ready?")
    ready = time.monotonic() - arguments["started"]
    took, right = [], 0
    for number, (question, answer) in enumerate(asked):
        started = time.perf_counter()
        right += opened[names[number % len(names)]](question) == answer
        took.append(time.perf_counter() - started)
    return {
        "ready": ready,
        "p50": statistics.median(took) * 1000 if took else None,
        "right": right,
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

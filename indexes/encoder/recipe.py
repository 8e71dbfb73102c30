"""The steps of sentence-transformers around the network: prompts, truncation, padding, pooling."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexes.errors import KnowledgeBaseError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LONGEST = 512


class UnsuitableModelError(KnowledgeBaseError):
    """The model needs a step that only sentence-transformers supports."""


@dataclass(frozen=True)
class Recipe:
    """The steps around the network, from the settings of a model."""

    query_prompt: str
    document_prompt: str
    pooling: str
    longest: int
    pad_token: str
    pad_id: int


def read_recipe(folder: Path, tokenizer: "Tokenizer") -> Recipe:
    """Read the settings of transformers and sentence-transformers. Raises UnsuitableModelError."""
    prompts = _settings(folder / "config_sentence_transformers.json").get("prompts") or {}
    of_tokenizer = _settings(folder / "tokenizer_config.json")
    of_network = _settings(folder / "config.json")
    padding = tokenizer.padding or {}
    named = of_tokenizer.get("pad_token") or "[PAD]"
    pad_token = padding.get("pad_token") or (named["content"] if isinstance(named, dict) else named)
    pad_id = padding.get("pad_id", tokenizer.token_to_id(pad_token))
    lengths: tuple[Any, ...] = (
        _settings(folder / "sentence_bert_config.json").get("max_seq_length"),
        of_tokenizer.get("model_max_length"),
        of_tokenizer.get("max_length"),
        of_network.get("max_position_embeddings"),
    )
    return Recipe(
        query_prompt=prompts.get("query") or "",
        document_prompt=prompts.get("document") or "",
        pooling=_pooling(folder, prompts),
        longest=min((length for length in lengths if _is_length(length)), default=_LONGEST),
        pad_token=pad_token,
        pad_id=pad_id if pad_id is not None else of_network.get("pad_token_id") or 0,
    )


def _is_length(value: Any) -> bool:
    """Return whether this is a limit: transformers writes 1e30 if there is none."""
    return isinstance(value, int) and 0 < value < 10**6


def _pooling(folder: Path, prompts: Mapping[str, str]) -> str:
    """Return "mean" or "cls"; the default is the mean, as in sentence-transformers."""
    parts = _list(folder / "modules.json")
    if others := [part["type"] for part in parts if not part["type"].endswith(("Transformer", "Pooling", "Normalize"))]:
        raise UnsuitableModelError("model.other_part", part=others[0])
    path = next((part["path"] for part in parts if part["type"].endswith("Pooling")), "1_Pooling")
    settings = _settings(folder / path / "config.json")
    modes = [settings["pooling_mode"]] if "pooling_mode" in settings else _old_modes(settings)
    if settings.get("include_prompt") is False and any(prompts.values()):
        raise UnsuitableModelError("model.prompt_left_out")
    if modes not in ([], ["mean"], ["cls"]):
        raise UnsuitableModelError("model.pooling", modes=tuple(modes))
    return modes[0] if modes else "mean"


def _old_modes(settings: Mapping[str, Any]) -> list[str]:
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    return [names.get(key, key) for key, on in settings.items() if key.startswith("pooling_mode_") and on]


def pooled(output: NDArray[np.float32], mask: NDArray[np.int64], pooling: str) -> NDArray[np.float32]:
    """Reduce (texts, tokens, dimension) to (texts, dimension); some networks do so themselves."""
    if output.ndim == 2:  # noqa: PLR2004
        return output
    if pooling == "cls":
        return output[:, 0]
    weights = mask[:, :, None].astype(np.float32)
    means: NDArray[np.float32] = (output * weights).sum(axis=1) / weights.sum(axis=1)
    return means


def _settings(file: Path) -> dict[str, Any]:
    settings = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return settings if isinstance(settings, dict) else {}


def _list(file: Path) -> list[dict[str, Any]]:
    parts = json.loads(file.read_text("utf-8")) if file.is_file() else []
    return parts if isinstance(parts, list) else []

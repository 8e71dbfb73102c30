"""Texts to unit vectors: one model per name and revision, shared by every index in the process."""

from indexes.encoder.cache import CachedModel, cache_directory, cached_models, clear_model, download_model
from indexes.encoder.hub import DEFAULT_MODEL, fetch_model, find_model
from indexes.encoder.loading import load_sentence_transformer
from indexes.encoder.manager import ModelManager
from indexes.encoder.protocol import Encoder, Loader, Model, Vector, Vectors
from indexes.encoder.worker import EncoderWorker

__all__ = [
    "DEFAULT_MODEL",
    "CachedModel",
    "Encoder",
    "EncoderWorker",
    "Loader",
    "Model",
    "ModelManager",
    "Vector",
    "Vectors",
    "cache_directory",
    "cached_models",
    "clear_model",
    "download_model",
    "fetch_model",
    "find_model",
    "load_sentence_transformer",
    "models",
]

models = ModelManager(load_sentence_transformer)
"""The one shared instance: whoever needs an encoder asks it, and gets the model that is already loaded."""

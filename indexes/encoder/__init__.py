"""Encoding texts as unit vectors, with one model per name and revision for the whole process."""

from indexes.encoder.backends import fetch_model, find_model, load_cached, load_model, with_backend
from indexes.encoder.cache import CachedModel, cache_directory, cached_models, clear_model, download_model
from indexes.encoder.fast import load_fastembed
from indexes.encoder.loading import load_sentence_transformer
from indexes.encoder.manager import ModelManager
from indexes.encoder.names import DEFAULT_MODEL
from indexes.encoder.protocol import Encoder, Loader, Model, Progress, Vector, Vectors
from indexes.encoder.worker import EncoderWorker

__all__ = [
    "DEFAULT_MODEL",
    "CachedModel",
    "Encoder",
    "EncoderWorker",
    "Loader",
    "Model",
    "ModelManager",
    "Progress",
    "Vector",
    "Vectors",
    "cache_directory",
    "cached_models",
    "clear_model",
    "download_model",
    "fetch_model",
    "find_model",
    "load_cached",
    "load_fastembed",
    "load_model",
    "load_sentence_transformer",
    "models",
    "with_backend",
]

models = ModelManager(load_model)
"""The shared instance, so that each model is loaded only once per process."""

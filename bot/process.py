"""What `/kb status` says of the process."""

import time

import psutil

from bot.api.binding import Binding
from bot.compilation import Compilation
from bot.connection import Connection
from bot.model_watch import ModelWatch
from handlers.counters import Counters
from handlers.queue import WorkQueue
from handlers.services import Process
from indexes.encoder.compiler import CHOSEN, ONNX
from indexes.encoder.names import FAST
from indexes.messages import Translatable
from indexes.registry import Registry


def describe_process(
    started: float,
    wanted: str | None,
    connection: Connection,
    queue: WorkQueue,
    counters: Counters,
    registry: Registry,
    model: ModelWatch | None,
    compilation: Compilation | None,
    binding: Binding,
) -> Process:
    """Describe the process at this moment; `wanted` is the model that `model` loads."""
    return Process(
        pong_age=connection.pong_age,
        memory=psutil.Process().memory_info().rss / 1e6,
        uptime=time.time() - started,
        queue=len(queue),
        waiting=queue.waiting(),
        counts=counters.all(),
        model=wanted,
        model_loaded=registry.encoder is not None,
        model_trouble=model.trouble if model else None,
        model_form=compilation.form if compilation else _chosen_form(wanted),
        http=binding.address,
    )


def _chosen_form(wanted: str | None) -> Translatable | None:
    """Say in which form a model runs that isn't compiled by choice."""
    if wanted is None:
        return None
    return ONNX if wanted.startswith(FAST) else CHOSEN

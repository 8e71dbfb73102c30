"""Children whose start is what is measured: nothing is imported before its time."""
# ruff: noqa: PLC0415

import sys
import time
from pathlib import Path

from tests.benchmarks.measuring import anonymous_megabytes, megabytes, percentile
from tests.benchmarks.processes import JSON, say


def kotae(arguments: JSON) -> JSON:
    """Start Kotae's registry as the bot does, and answer as early as possible; then ask some questions (child)."""
    from tests.benchmarks import library, models
    from tests.benchmarks.forms import settings_of

    manager, work = models.counting()
    maintenance = library.maintenance_of(Path(arguments["folder"]), Path(arguments["data"]))
    watch = library.start(maintenance, manager, settings_of(arguments["form"], arguments["data"]))
    library.wait_lexical(maintenance.registry)
    names = [arguments.get("name", "kb-00")]
    found = maintenance.registry.search(arguments["question"], names)
    lexical = time.monotonic() - arguments["started"]
    library.wait_dense(maintenance.registry, watch)
    dense_found = maintenance.registry.search(arguments["question"], names)
    dense = time.monotonic() - arguments["started"]
    took = [maintenance.registry.search(question, names).seconds for question in arguments.get("questions", [])]
    memory = {"memory": megabytes(), "anonymous": anonymous_megabytes()}
    watch.close()
    encoder = maintenance.registry.encoder
    maintenance.close()
    manager.close()
    return {
        "lexical": lexical,
        "ready": dense,
        "encoded": work.documents - (len(encoder.canaries) if encoder else 0),
        "was_lexical": found.encoder is None,
        "was_dense": dense_found.encoder is not None,
        "p50": percentile(took, 0.5) * 1000 if took else None,
        **memory,
    }


def bot(arguments: JSON) -> JSON:
    """Be the bot until stdin is closed (child)."""
    from bot.app import build_app
    from handlers.token_buckets import NO_LIMIT
    from tests.benchmarks import library, models
    from tests.benchmarks.forms import settings_of

    manager, work = models.counting()
    chosen = {key: value for key, value in arguments.items() if key not in {"started", "data_dir"}}
    running = build_app(settings_of(chosen, arguments["data_dir"]), manager, burst=NO_LIMIT)
    running.start()
    say("connected")
    library.wait_lexical(running.services.registry)
    say("lexical")
    if running.model:
        library.wait_dense(running.services.registry, running.model)
        work.query_batches.clear()
        say("dense")
    sys.stdin.read()
    running.stop()
    manager.close()
    return {"event": "end", "documents": work.documents, "encode": [took for _, took in work.query_batches]}

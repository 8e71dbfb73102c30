"""Children that leave behind what a second start finds."""

from pathlib import Path

from tests.benchmarks import library, models
from tests.benchmarks.forms import settings_of
from tests.benchmarks.processes import JSON


def snapshots(arguments: JSON) -> JSON:
    """Build every CSV of a folder for a form of a model; the documents have random vectors."""
    settings = settings_of(arguments["form"], arguments["data"])
    library.prepare(Path(arguments["folder"]), models.random_documents(), settings)
    return {}


def compiled(arguments: JSON) -> JSON:
    """Compile a model once, in float32 and 8 bits, for every form and folder that is measured."""
    manager, _ = models.counting()
    settings = settings_of({**arguments["form"], "encoder_precision": "int8"}, arguments["data"])
    done = library.compile_once(Path(arguments["folder"]), manager, settings)
    manager.close()
    return {"folder": str(settings.compiled_folder), **done}

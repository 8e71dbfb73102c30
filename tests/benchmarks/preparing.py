"""A child that leaves snapshots behind, in which documents have random vectors."""

from pathlib import Path

from tests.benchmarks import library, models
from tests.benchmarks.forms import settings_of
from tests.benchmarks.processes import JSON


def snapshots(arguments: JSON) -> JSON:
    """Build every CSV of a folder for a form of a model."""
    settings = settings_of(arguments["form"], arguments["data"])
    library.prepare(Path(arguments["folder"]), models.random_documents(), settings)
    return {}

"""A child that leaves snapshots behind, in which documents have random vectors."""

from pathlib import Path

from tests.benchmarks import library, models
from tests.benchmarks.processes import JSON


def snapshots(arguments: JSON) -> JSON:
    """Build every CSV of a folder for a model."""
    folder, data = Path(arguments["folder"]), Path(arguments["data"])
    library.prepare(folder, data, models.random_documents(), str(arguments["model"]))
    return {}

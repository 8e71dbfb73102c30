"""Quick forms of what `make soak` does: a few damaged files, disks that fail, and kills after a confirmation."""

import importlib

import pytest

from tests.faults.row import Row


@pytest.mark.long("damages files and kills bots")
@pytest.mark.parametrize(("script", "share"), [("corruptions", 0.016), ("disks", 0.01), ("kill_confirmed", 0.005)])
def test_nothing_fails(script: str, share: float) -> None:
    row: Row = importlib.import_module(f"tests.faults.{script}").run(share)
    assert row.trials
    assert row.failures == 0, row.worst

"""Scripts of `make soak` in a short form: Slack fails, connections break, files and disks too, and bots are killed."""

import importlib

import pytest

from tests.faults.row import Row

SHARES = {"slack_errors": 0.012, "sockets": 0.02, "corruptions": 0.016, "disks": 0.01, "kill_confirmed": 0.005}


@pytest.mark.long("breaks connections and files, and kills bots")
@pytest.mark.parametrize("script", SHARES)
def test_nothing_is_lost_or_doubled(script: str) -> None:
    row: Row = importlib.import_module(f"tests.faults.{script}").run(SHARES[script])
    assert row.trials
    assert row.failures == 0, row.worst

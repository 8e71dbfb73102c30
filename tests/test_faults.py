"""The scripts of `make soak` that break the connection and Slack itself, in a short form."""

import pytest

from tests.faults import slack_errors, sockets


@pytest.mark.long("breaks connections for a minute")
@pytest.mark.parametrize(("script", "share"), [(slack_errors, 0.012), (sockets, 0.02)])
def test_nothing_is_lost_or_doubled(script: object, share: float) -> None:
    row = script.run(share)  # type: ignore[attr-defined]
    assert row.trials >= len(sockets.BREAKS)
    assert row.failures == 0, row.worst

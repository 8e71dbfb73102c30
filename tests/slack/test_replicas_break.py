"""Three processes that are one bot: while they are killed, hang, restart and reload, each question is answered once."""

import random
from pathlib import Path

import pytest

from tests.faults.replicas import broken, world

QUESTIONS = 60


@pytest.mark.long("kills replicas")
def test_questions_are_answered_once_while_replicas_break(tmp_path: Path, postgresql: str) -> None:
    with world(tmp_path, postgresql) as running:
        broken(running, QUESTIONS, random.randrange(1 << 30))
        assert running.faults >= 2
        assert [(each.kind, each.who, each.answers()) for each in running.wrong()] == []
        assert running.extra_direct_messages() == 0

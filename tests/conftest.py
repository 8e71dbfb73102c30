"""What holds for every test: no test asks the real hub, the environment says nothing, files are in `tmp_path`."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from pathlib import Path

import pytest

SETTINGS = [
    *("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "SEARCH_COMMAND", "ADMIN_COMMAND", "ADMIN_USERS"),
    *("ADMIN_USERGROUP", "KNOWLEDGE_DIR", "DATA_DIR", "DATABASE_URL", "MODEL_NAME", "ENCODER_BACKEND", "LOG_LEVEL"),
]


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests must not reach them, and nothing is written where they stand."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run have in common: for what takes long to make, see `once`."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own

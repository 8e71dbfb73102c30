"""A checkout that is pulled over: where the samples lay among the team's own files, nothing of these is lost."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import Bot
from bot.playground import LocalSlack
from bot.samples import FOLDER as SAMPLES
from bot.samples import from_samples, sample_files
from tests.slack.conftest import Start, approve, settle, stop

pytestmark = [
    pytest.mark.sqlite("a checkout's files: a shared database reads no folder"),
    pytest.mark.usefixtures("lawful"),
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git"),
]

ROOT = Path(__file__).parents[2]
OWN = "question,answer\nWhere is the kettle?,Behind the door.\n"
ROW = 'OWN-1,ペガサス端末が起動しません,"裏の赤いボタンを長押しします。",端末,,,2026-05-01,情シス\n'
LATER = ROW.replace("長押しします", "三回押します")
PHRASE = "赤いボタンの端末がうごかない"

Git = Callable[..., subprocess.CompletedProcess[str]]


def run(folder: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command without the settings of whoever runs the tests."""
    person = {
        f"GIT_{role}_{what}": "somebody@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
        **person,
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=check)


def release(origin: Path) -> None:
    """What moved the samples: they are renamed, and the knowledge folder keeps a README."""
    for path in sample_files():
        (origin / "bot" / "samples").mkdir(parents=True, exist_ok=True)
        run(origin, "git", "mv", f"knowledge/{path.name}", f"bot/samples/{path.name}")
    (origin / "knowledge").mkdir(exist_ok=True)
    for name in (".gitattributes", ".gitignore", "knowledge/README.md"):
        shutil.copy(ROOT / name, origin / name)
    run(origin, "git", "add", "--all")
    run(origin, "git", "commit", "--quiet", "--message", "The samples move")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository as it was before: the samples are in the knowledge folder."""
    folder = tmp_path / "origin"
    shutil.copytree(SAMPLES, folder / "knowledge", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    attributes = (ROOT / ".gitattributes").read_text("utf-8").replace("bot/samples/", "knowledge/")
    (folder / ".gitattributes").write_text(attributes, encoding="utf-8")
    run(folder, "git", "init", "--quiet", "--initial-branch", "main")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "Before")
    return folder


@pytest.fixture
def knowledge(origin: Path, tmp_path: Path) -> Path:
    """The knowledge folder of somebody's clone: a sample is edited, and a file of their own is there."""
    run(tmp_path, "git", "clone", "--quiet", str(origin), "clone")
    folder = tmp_path / "clone" / "knowledge"
    with (folder / "it-help.csv").open("a", encoding="utf-8", newline="") as file:
        file.write(ROW)
    (folder / "random.csv").write_text(OWN, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def told(page: str) -> str:
    """The commands of the page about upgrades."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    [commands] = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return str(commands)


def aliases(bot: Bot) -> tuple[str, ...]:
    bot.services.maintenance.apply_aliases(bot.services.registry.state.learned_aliases).result(60)
    return next(each.aliases for each in bot.services.registry.loaded["it-help"].index.records if each.id == "OWN-1")


def numbers(bot: Bot) -> list[int]:
    """The versions of it-help, the newest first."""
    services = bot.services
    services.maintenance.record_versions().result(60)
    return [each.number for each in services.maintenance.versions.of(services.registry.source("it-help"))]


def set_up(slack: LocalSlack, bot: Bot, csv: Path) -> None:
    """Change a setting, teach a phrasing, and make a second version."""
    slack.reply(slack.command("olivia", "it-help", "/kb auto-reply shadow"))
    for who in ("alice", "hanako"):
        approve(slack, who, slack.reply(slack.command(who, "it-help", f"/search {PHRASE}")))
        settle(slack, bot)
    csv.write_bytes(csv.read_bytes().replace(ROW.encode(), LATER.encode()))
    slack.reply(slack.command("olivia", "it-help", "/kb reload it-help"))
    settle(slack, bot)  # its first reply may say that it has begun


@pytest.mark.parametrize("committed", [False, True])
def test_a_pull_over_edited_samples_loses_nothing_if_the_page_is_followed(
    slack: LocalSlack, start: Start, origin: Path, knowledge: Path, *, committed: bool
) -> None:
    clone = knowledge.parent
    bot = start(admin_users=slack.person("olivia").id)
    set_up(slack, bot, knowledge / "it-help.csv")
    assert aliases(bot) == (PHRASE,)
    before, versions = contents(knowledge), numbers(bot)
    stop(slack, bot)
    release(origin)
    if committed:
        run(clone, "git", "add", "--all", "knowledge")
        run(clone, "git", "commit", "--quiet", "--message", "Our own")
    else:
        refused = run(clone, "git", "pull", check=False)
        assert refused.returncode != 0
        assert "Your local changes to the following files would be overwritten" in refused.stderr
        assert contents(knowledge) == before
    run(clone, "sh", "-ec", told("upgrading.md"))
    assert contents(knowledge) == before
    assert contents(clone / "bot" / "samples") == contents(SAMPLES)
    bot = start(admin_users=slack.person("olivia").id)
    assert "三回押します" in slack.reply(slack.command("alice", "it-help", f"/search {PHRASE}")).shown
    assert aliases(bot) == (PHRASE,)
    assert numbers(bot) == versions
    assert bot.services.channels.of(slack.channel("it-help").id).auto_reply == "shadow"
    named = {
        each.path.name: (each.shipped, each.rows) for each in from_samples(bot.services.registry.catalog(), Path())
    }
    assert named.keys() == before.keys() - {"random.csv", "_synonyms.csv"}
    assert named["it-help.csv"][0] == named["it-help.csv"][1] - 1, "all rows but their own"
    stop(slack, bot)
    for name in named:
        (knowledge / name).unlink()
    bot = start(admin_users=slack.person("olivia").id)
    registry = bot.services.registry
    answering = {name: each.index.records for name, each in registry.loaded.items()}
    assert {each.path.name for each in from_samples(registry.catalog(), Path(), answering)} == named.keys(), "gone"


def test_going_back_overwrites_no_file_of_the_team(origin: Path, knowledge: Path) -> None:
    clone = knowledge.parent
    release(origin)
    run(clone, "sh", "-ec", told("upgrading.md"))
    before = contents(knowledge)
    refused = run(clone, "git", "checkout", "--quiet", "HEAD~1", check=False)
    assert refused.returncode != 0
    assert "untracked working tree files would be overwritten" in refused.stderr
    assert contents(knowledge) == before


def test_both_pages_tell_the_same_commands() -> None:
    english, japanese = (re.sub(r"\s+#.*", "", told(page)) for page in ("upgrading.md", "upgrading.ja.md"))
    assert english == japanese

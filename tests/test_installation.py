"""What a newcomer installs and reads: every version is pinned, every setting and command is in both READMEs."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.settings import ChannelSection, ConfigFile, KnowledgeBaseSection
from handlers.commands import ACTIONS

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.ja.md"]


def needed(**platform: str) -> set[str]:
    """Every package that `kotae[dev]` brings along there, as far as what is installed here tells."""
    installed = {canonicalize_name(each.name): each.requires or [] for each in distributions()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = [
        f'{each}; extra == "{extra}"' for extra, all_ in project["optional-dependencies"].items() for each in all_
    ]
    installed[canonicalize_name("kotae")] = [*project["dependencies"], *optional]
    found: set[tuple[str, str]] = set()
    waiting = [("kotae", "dev")]
    while waiting:
        package, chosen = waiting.pop()
        found.add((package, chosen))
        for requirement in map(Requirement, installed.get(canonicalize_name(package), [])):
            if requirement.marker is None or requirement.marker.evaluate({**platform, "extra": chosen}):
                name = canonicalize_name(requirement.name)
                waiting += {(name, each) for each in ("", *requirement.extras)} - found
    return {package for package, _ in found} - {"kotae"}


@pytest.mark.parametrize(("system", "name"), [("Linux", "linux"), ("Darwin", "darwin"), ("Windows", "win32")])
def test_every_package_is_pinned(system: str, name: str) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}
    packages = needed(platform_system=system, sys_platform=name)
    assert {"torch", "setuptools", "playwright", "aiohttp"} <= packages
    assert packages - pinned == set()


@pytest.mark.parametrize("readme", READMES)
def test_every_key_of_kotae_toml_is_in_the_readme_and_what_is_there_holds(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    example = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    assert set(example) == set(ConfigFile.model_fields)
    assert set(example["channels"]["it-help"]) == set(ChannelSection.model_fields)
    assert set(example["knowledge_bases"]["handbook"]) == set(KnowledgeBaseSection.model_fields)
    assert ConfigFile.model_validate(example).confirmations == 2


@pytest.mark.parametrize("readme", READMES)
def test_every_command_of_admins_is_in_the_readme(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    assert [name for name in ACTIONS if f"`/kb {name}" not in text] == []

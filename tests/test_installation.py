"""What a newcomer installs and reads: every version is pinned, what the documents name exists and is complete."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from bot.cli import COMMANDS
from bot.config_file import ChannelSection, ConfigFile, KnowledgeBaseSection
from handlers.commands import ACTIONS

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.ja.md"]
PAGES = {
    page: [f"docs/{page}.md", f"docs/{page}.ja.md"] for page in ("administration", "command-line", "configuration")
}
DOCUMENTS = [
    *READMES,
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(f"docs/{each.name}" for each in sorted((ROOT / "docs").glob("*.md"))),
]


def needed(**platform: str) -> set[str]:
    """Every package that `kotae[dev,docs]` brings along there, as far as what is installed here tells."""
    installed = {canonicalize_name(each.name): each.requires or [] for each in distributions()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = [
        f'{each}; extra == "{extra}"' for extra, all_ in project["optional-dependencies"].items() for each in all_
    ]
    installed[canonicalize_name("kotae")] = [*project["dependencies"], *optional]
    found: set[tuple[str, str]] = set()
    waiting = [("kotae", "dev"), ("kotae", "docs")]
    while waiting:
        package, chosen = waiting.pop()
        found.add((package, chosen))
        for requirement in map(Requirement, installed.get(canonicalize_name(package), [])):
            if requirement.marker is None or requirement.marker.evaluate({**platform, "extra": chosen}):
                name = canonicalize_name(requirement.name)
                waiting += {(name, each) for each in ("", *requirement.extras)} - found
    return {package for package, _ in found} - {"kotae"}


def pinned() -> set[str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return {canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line}


@pytest.mark.parametrize(("system", "name"), [("Linux", "linux"), ("Darwin", "darwin"), ("Windows", "win32")])
def test_every_package_is_pinned(system: str, name: str) -> None:
    packages = needed(platform_system=system, sys_platform=name)
    assert {"torch", "setuptools", "playwright", "aiohttp"} <= packages
    assert packages - pinned() == set()


def test_what_builds_a_release_is_pinned_since_another_version_may_write_other_bytes() -> None:
    system = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]
    builders = {canonicalize_name(Requirement(each).name) for each in system["requires"]}
    assert {*builders, "build"} - pinned() == set()
    commands = (ROOT / "docs" / "release.md").read_text("utf-8")
    assert "SOURCE_DATE_EPOCH=" in commands
    assert 'PIP_CONSTRAINT="$PWD/constraints.txt" python -m build' in commands


@pytest.mark.parametrize("page", PAGES["configuration"])
def test_every_key_of_kotae_toml_is_on_its_page_and_what_is_there_holds(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    example = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    assert set(example) == set(ConfigFile.model_fields)
    assert set(example["channels"]["it-help"]) == set(ChannelSection.model_fields)
    assert set().union(*example["knowledge_bases"].values()) == set(KnowledgeBaseSection.model_fields)
    assert ConfigFile.model_validate(example).confirmations == 2


@pytest.mark.parametrize("page", PAGES["administration"])
def test_every_command_of_admins_is_on_its_page(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert [name for name in ACTIONS if f"`/kb {name}" not in text] == []


@pytest.mark.parametrize("page", PAGES["command-line"])
def test_every_command_of_the_shell_is_on_its_page(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert [command.name for command in COMMANDS if f"kotae {command.name}" not in text] == []


@pytest.mark.parametrize("page", PAGES["configuration"])
def test_every_extra_is_on_its_page(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert [extra for extra in extras if f"[{extra}]" not in text and f"`{extra}`" not in text] == ["test"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_module_and_folder_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    modules = {each.name for folder in ("bot", "handlers", "indexes") for each in (ROOT / folder).rglob("*.py")}
    paths = re.findall(r"`((?:bot|handlers|indexes|tests|docs)/[\w./-]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert [name for name in re.findall(r"`(\w+\.py)`", text) if name not in modules] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_links_to_is_there(document: str) -> None:
    file = ROOT / document
    links = re.findall(r"\]\(([^)#:]+)\)", file.read_text("utf-8"))
    assert [link for link in links if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("document", [each for each in DOCUMENTS if "deployment" not in each])
def test_kotae_is_called_in_one_way(document: str) -> None:
    """By its name: README.md says how the environment is activated. A server's unit and its pages name whole paths."""
    text = (ROOT / document).read_text("utf-8")
    assert re.findall(r"(?<!/opt/kotae/)\.venv/bin/(?:kotae|pip|python)|python -m bot", text) == []


def test_nothing_says_to_install_kotae_from_an_index_which_has_no_such_package_of_ours() -> None:
    files = [file for folder in ("bot", "handlers", "indexes") for file in (ROOT / folder).rglob("*.py")]
    named = re.compile(r"(?:pip|pipx|uv tool) install (?:-\S+ \S+ )*['\"]?kotae(?![\w./-])")
    found = [path for path in (*files, *(ROOT / each for each in DOCUMENTS)) if named.search(path.read_text("utf-8"))]
    assert found == []
    assert named.search("pip install -c constraints.txt 'kotae[try]'")


# The versions of Python


VERSION = re.compile(r"\b3\.\d+")


def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return loaded


def versions_tested() -> list[str]:
    """The versions of Python that every test passed with, as the package says to an index."""
    return [each.rpartition(" ")[2] for each in project()["project"]["classifiers"] if "Python :: 3." in each]


def admitted() -> list[str]:
    """The versions that it can be installed with."""
    wanted = SpecifierSet(project()["project"]["requires-python"])
    return [f"3.{minor}" for minor in range(100) if f"3.{minor}" in wanted]


def test_whoever_is_admitted_was_tested_or_is_warned() -> None:
    assert (versions_tested()[0], versions_tested()[-1]) == (admitted()[0], admitted()[-1]), (
        "nothing beyond what was tested"
    )
    assert versions_tested() == sorted(versions_tested(), key=Version)
    tools = project()["tool"]
    assert (tools["mypy"]["python_version"], tools["ruff"]["target-version"]) == (versions_tested()[0], "py311")
    head = (ROOT / "constraints.txt").read_text("utf-8").splitlines()[0]
    assert VERSION.findall(head) == [versions_tested()[0], versions_tested()[-1]]


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_says_which_versions_were_tested_and_which_were_not(readme: str) -> None:
    [line] = [each for each in (ROOT / readme).read_text("utf-8").splitlines() if each.startswith("Python")]
    said, rest = re.split("[(（]", line, maxsplit=1)
    assert VERSION.findall(said) == versions_tested()
    assert VERSION.findall(re.split("[)）]", rest)[0]) == [each for each in admitted() if each not in versions_tested()]


@pytest.mark.parametrize("document", [*DOCUMENTS, "deploy/Containerfile"])
def test_commands_name_a_version_that_was_tested(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    assert {*re.findall(r"(?:python|Python |--python |py -|PYTHON=)(3\.\d+)", text)} <= {*versions_tested()}

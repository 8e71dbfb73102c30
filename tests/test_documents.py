"""What the documents say holds: generated tables are current, links lead somewhere, commands and settings exist."""

import ast
import re
import shlex
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

import pytest
import yaml

from bot.cli import COMMANDS, parser
from bot.settings import Environment
from handlers.commands import ACTIONS
from handlers.texts import ENGLISH, JAPANESE
from tests.pages import OUTSIDE
from tests.pages.sections import SECTIONS, filled, language_of, names_on, pages, with_sections

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TOP = [ROOT / name for name in OUTSIDE]
EVERYTHING = [*TOP, *pages(), DOCS / "pictures" / "README.md"]
OTHERS = {
    "LANG",
    *(
        "HF_HOME",
        "HF_ENDPOINT",
        "HF_TOKEN",
        "HF_HUB_OFFLINE",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "XDG_CACHE_HOME",
    ),
    *("CONTRACTS_URL", "CONTRACTS_HEADER"),  # examples of what kotae.toml may name
    *("PGPASSWORD", "PGURL", "PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL", "SOURCE_DATE_EPOCH"),
    *("PYTHON", "SETS", "BENCH", "SOAK"),
}
"""Variables of other programs and of the Makefile."""
ELSEWHERE = {"Request to Install", "データ ", " テキストから"}
"""Quoted in docs/troubleshooting.md, and said by Slack or Excel."""
_LOG_LINE = re.compile(r"^[\d-]+ [\d:,]+ (?:INFO|WARNING|ERROR) +([\w.]+): (.+)$", re.MULTILINE)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def of_all(*found: Path) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", found or EVERYTHING, ids=name)


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(page: Path, *kinds: str) -> list[str]:
    """The fenced blocks of some kinds."""
    return [
        body
        for kind, body in re.findall(r"^```(\w*)\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)
        if kind in kinds
    ]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


# What is generated


@of_all(*with_sections())
def test_what_is_generated_is_as_the_code_says_now(page: Path) -> None:
    assert filled(page) == text_of(page), "run: python -m tests.pages"


def test_every_section_is_on_a_page_of_each_language() -> None:
    for language in ("en", "ja"):
        found = [each for page in with_sections() if language_of(page) == language for each in names_on(page)]
        assert sorted(found) == sorted(SECTIONS)


# Two languages, one structure


def test_every_page_is_there_in_both_languages_or_says_why_not() -> None:
    english = [page for page in pages() if language_of(page) == "en"]
    alone = {page for page in english if not page.with_suffix(".ja.md").exists()}
    assert alone == {
        page for page in english if re.search(r"^<!-- English only: \w.*-->$", text_of(page), re.MULTILINE)
    }
    assert {page for page in pages() if language_of(page) == "ja"} == {
        page.with_suffix(".ja.md") for page in english if page not in alone
    }


@of_all(ROOT / "README.md", *(page for page in pages() if page.with_suffix(".ja.md").exists()))
def test_both_languages_have_the_same_structure_and_lead_to_each_other(page: Path) -> None:
    other = page.with_suffix(".ja.md")
    for each, title, target in ((page, "日本語", other), (other, "English", page)):
        assert text_of(each).split("\n\n")[1] == f"[{title}]({target.name})"
    shape = r"^#+(?= )|^\||^!\[|^<!-- generated: [\w-]+|^```\w*"
    assert re.findall(shape, text_of(page), re.MULTILINE) == re.findall(shape, text_of(other), re.MULTILINE)


# Links


def slug(heading: str) -> str:
    """The anchor that GitHub and the site give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading)
    kept = re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", plain).lower())
    return kept.strip().replace(" ", "-")


@cache
def anchors(page: Path) -> set[str]:
    return {slug(found) for found in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


@of_all()
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)", prose(page))
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}: there are {sorted(anchors(target))}"


@of_all()
def test_a_page_that_is_there_in_english_only_leads_to_whole_pages(page: Path) -> None:
    """On the Japanese site it leads to Japanese pages, which have other headings."""
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]+\.md)#([^)\s]*)\)", prose(page)):
        target = (page.parent / path).resolve()
        is_alone = language_of(page) == "en" and not page.with_suffix(".ja.md").exists()
        assert not (is_alone and target.with_suffix(".ja.md").exists()), f"{path}#{anchor}"


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), yaml.BaseLoader)
    listed = set(re.findall(r"'?([\w/.-]+\.md)'?", str(config["nav"])))
    generated = {target for target in OUTSIDE.values() if target.endswith(".md") and ".ja." not in target}
    english = {page.name for page in pages() if language_of(page) == "en"}
    assert listed == english | generated | {"pictures/README.md"}, "a new page is to be put under nav: in mkdocs.yml"


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    readmes = [ROOT / "README.md", ROOT / "README.ja.md"]
    pages = [DOCS / f"{each}{ending}" for each in ("deployment", "configuration") for ending in (".md", ".ja.md")]
    places = [ROOT / "deploy" / "kubernetes" / "kustomization.yaml", *readmes, *pages]
    pattern = r"(?:newTag: |/kotae:|kotae-)(\d+\.[\d.]*\d)"
    found = {each.name: re.findall(pattern, text_of(each)) for each in places}
    assert all(found.values())
    assert {each for versions in found.values() for each in versions} == {version}


# Commands, settings, words


def typed(page: Path) -> list[str]:
    """What is typed after `kotae` in the page's blocks."""
    lines = [line for block in blocks(page, "sh", "console", "bat") for line in block.splitlines()]
    commands = (re.search(r"(?:^|\$ |[/\\ ])kotae (?!&)((?:[\w-]+|\"[^\"]*\")(?: .*)?)$", line) for line in lines)
    ends = r"\s+(?:&&|\|\||&$|\|).*|\s+#.*|[')]+$"
    return [re.sub(ends, "", found[1]) for found in commands if found and "git clone" not in found.string]


@of_all()
def test_every_command_that_a_page_types_is_one_that_kotae_takes(page: Path) -> None:
    for line in typed(page):
        if line.split()[0] in {command.name for command in COMMANDS}:
            assert callable(parser().parse_args(shlex.split(line)).run), line
    known = {command.name for command in COMMANDS} | {"KB.csv"}
    named = re.findall(r"`kotae ([a-z]+)", prose(page))
    assert set(named) <= known


@of_all()
def test_every_command_of_slack_that_a_page_names_is_one_of_the_bots(page: Path) -> None:
    assert set(re.findall(r"`/kb ([a-z-]+)", text_of(page))) <= set(ACTIONS)


@of_all()
def test_every_variable_that_a_page_sets_is_read_by_somebody(page: Path) -> None:
    set_there = re.findall(r"(?:^|[\s`])([A-Z][A-Z_]{3,})=", text_of(page), re.MULTILINE)
    used_there = set(re.findall(r"\$\{?([A-Z_]+)", text_of(page)))
    assert {each for each in set_there if each.lower() not in Environment.model_fields} - used_there <= OTHERS


@of_all(*(page for page in pages() if blocks(page, "python")))
def test_every_python_block_can_be_read(page: Path) -> None:
    for block in blocks(page, "python"):
        ast.parse(block)


@of_all(DOCS / "model-cache.md", DOCS / "model-cache.ja.md")
def test_every_line_of_the_log_on_a_page_is_one_that_the_code_writes(page: Path) -> None:
    lines = [found for block in blocks(page, "console") for found in _LOG_LINE.findall(block)]
    assert len(lines) > 5
    for module, message in lines:
        assert any(re.fullmatch(pattern, message) for pattern in logged_by(module)), f"{module}: {message}"


@cache
def logged_by(module: str) -> list[str]:
    """The patterns of what a module logs."""
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    formats = [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    texts = [each for each in formats if isinstance(each, str)]
    return [".+".join(map(re.escape, re.split(r"%[\d.]*[sdf]", text))) for text in texts]


@of_all(DOCS / "troubleshooting.md", DOCS / "troubleshooting.ja.md")
def test_what_is_quoted_as_said_is_said(page: Path) -> None:
    quotes = r"\"([^\"`|\n]{9,}?)\"" if language_of(page) == "en" else "「([^」`|\n]{9,}?)」"
    said = "\n".join([*ENGLISH.words.values(), *JAPANESE.words.values(), *sources()])
    quoted = [part for found in re.findall(quotes, text_of(page)) for part in re.split("…|→", found)]
    assert [each for each in quoted if each.strip() not in said and each not in ELSEWHERE] == []


@of_all(
    *(DOCS / f"{each}{ending}" for each in ("using", "administration", "auto-reply") for ending in (".md", ".ja.md"))
)
def test_what_is_bold_on_pages_for_people_is_on_a_button_or_in_a_message(page: Path) -> None:
    said = "\n".join([*ENGLISH.words.values(), *JAPANESE.words.values(), *sources()])
    bold = re.findall(r"\*\*([^*\n]+?)\*\*", prose(page))
    assert [each for each in bold if each not in said and not each.endswith((".", "。")) and each != "Mac"] == []


@cache
def sources() -> tuple[str, ...]:
    return tuple(file.read_text("utf-8") for file in sorted((ROOT / "bot").rglob("*.py")))


def test_a_wrong_command_on_a_page_would_be_found() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["backup"])

"""The hook of mkdocs: one language of the documentation as a site, from the pages as they are in the repository.

Pages are written to be read in the repository, and name files by their paths there. In a site a page has the same name
in each language, the files beside docs/ are pages, too, and what is not in the site loses its link.
"""

import posixpath
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section

from tests.pages import OUTSIDE

ROOT = Path(__file__).parents[2]
EXAMPLE = "env.example.txt"
"""Where `.env.example` is in the site."""
PICTURE = ROOT / "bot" / "playground" / "page" / "static" / "kotae.svg"
TITLES: Mapping[str, str] = {
    "Using it": "使う",
    "Running it": "動かす",
    "Calling it": "プログラムから使う",
    "Deciding on it": "導入を検討する",
    "Building it": "開発する",
    "Measured": "測定結果（英語）",
}
"""The sections of the navigation in Japanese."""

_ENDING = ".ja.md"
_LANGUAGES = re.compile(r"^\[(?:日本語|English)\]\([\w.-]+\)\n", re.MULTILINE)
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_BROKEN = re.compile(r"(?<=[^\x00-\x7f])\n(?=[^\x00-\x7f])")
"""A line break within a Japanese sentence, which HTML would show as a space."""
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Take the pages of this language, under the names that they have in the other, and the files beside docs/."""
    found = {file.src_uri: file for file in files if not file.src_uri.endswith(_ENDING)}
    written = {file.src_uri: Path(str(file.abs_src_path)) for file in files if file.src_uri.endswith(_ENDING)}
    written |= {page: ROOT / name for name, page in OUTSIDE.items()}
    for uri, path in written.items():
        ours = uri.endswith(_ENDING)
        if ours is _is_japanese(config) or not (ours or uri.replace(".md", _ENDING) in written):
            found[_named(uri)] = File.generated(config, _named(uri), content=path.read_text("utf-8"))
    found[EXAMPLE] = File.generated(config, EXAMPLE, content=(ROOT / ".env.example").read_text("utf-8"))
    found["assets/kotae.svg"] = File.generated(config, "assets/kotae.svg", abs_src_path=str(PICTURE))
    return Files(list(found.values()))


def on_nav(nav: Navigation, config: Any, files: Files) -> Navigation:
    """Translate the titles of sections."""
    del files
    for section in nav.items if _is_japanese(config) else ():
        if isinstance(section, Section):
            section.title = TITLES[section.title]
    return nav


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Make links of the repository links of the site; the line that leads to the other language goes."""
    del config
    known = {file.src_uri for file in files}
    linked = _LINK.sub(lambda found: _link(found, page.file.src_uri, known), _LANGUAGES.sub("", markdown, count=1))
    return "".join(part if part.startswith("```") else _BROKEN.sub("", part) for part in _FENCED.split(linked))


def on_page_context(context: MutableMapping[str, Any], page: Any, config: Any, nav: Any) -> MutableMapping[str, Any]:
    """Let the header lead to the same page in the other language."""
    del nav
    here, other = (".", "ja") if not _is_japanese(config) else ("..", ".")
    config.extra["alternate"] = [
        {"name": "English", "link": posixpath.normpath(f"{here}/{page.url}"), "lang": "en"},
        {"name": "日本語", "link": posixpath.normpath(f"{other}/{page.url}"), "lang": "ja"},
    ]
    return context


def _is_japanese(config: Any) -> bool:
    return bool(config.theme["language"] == "ja")


def _named(uri: str) -> str:
    return uri.removesuffix(_ENDING) + ".md" if uri.endswith(_ENDING) else uri


def _link(found: re.Match[str], source: str, known: set[str]) -> str:
    picture, text, path, anchor = found.groups(default="")
    original = next((name for name, page in OUTSIDE.items() if page == source), f"docs/{source}")
    there = posixpath.normpath(posixpath.join(posixpath.dirname(original), path))
    target = _named({**OUTSIDE, ".env.example": EXAMPLE}.get(there, there.removeprefix("docs/")))
    if target not in known:
        return text if (ROOT / there).exists() else found[0]  # mkdocs tells of what is nowhere
    return f"{picture}[{text}]({posixpath.relpath(target, posixpath.dirname(source) or '.')}{anchor})"

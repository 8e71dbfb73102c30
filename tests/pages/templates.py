"""The templates of `kotae init` that say what pages say: `kotae.toml` and `.env` in both languages."""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.init import HERE
from tests.pages import japanese
from tests.pages.sections import ROOT, variables
from tests.pages.tables import Language

_SUFFIX: dict[Language, str] = {"en": "", "ja": ".ja"}
_TOML: dict[Language, str] = {
    "en": "# Everything here is optional: remove the # of what you want. Kotae's docs/configuration.md explains more.\n"
    "# What admins set in Slack (/kb settings) wins over this file.\n",
    "ja": "# すべて任意です。変えたい行の先頭の # を取ってください。詳しくは docs/configuration.ja.md にあります。\n"
    "# Slack で管理者が変えた設定（/kb settings）は、このファイルより優先されます。\n",
}
_ENV = (
    "# kotae を起動するフォルダーに .env として置きます（kotae init が作ります）。git には入れないでください。\n"
    "# 同じ名前の環境変数があれば、そちらが優先されます。すべて任意です。\n"
    "# 2つのトークンがなければ、ローカルワークスペースが開きます。\n"
)
_LINK = re.compile(r"\[([^\]]+)\]\(([\w./-]+)\)")


def templates() -> Iterator[tuple[Path, str]]:
    """Yield each file with its text as it is generated now."""
    yield HERE / "en" / "env", _example()
    yield HERE / "ja" / "env", _ENV + "".join(_japanese(*each) for each in variables(_example()))
    for language, head in _TOML.items():
        page = (ROOT / "docs" / f"configuration{_SUFFIX[language]}.md").read_text("utf-8")
        settings = page.partition("```toml\n")[2].partition("```")[0]
        yield HERE / language / "kotae.toml", f"{head}\n{_commented_out(settings)}"


def _example() -> str:
    return (ROOT / ".env.example").read_text("utf-8")


def _japanese(names: tuple[str, ...], lines: tuple[str, ...]) -> str:
    """Return variables with their description, as a paragraph of a `.env`."""
    said = _LINK.sub(r"\1: docs/\2", japanese.ENVIRONMENT[names].replace("`", ""))
    return "\n".join(("", f"# {said}", *lines, ""))


def _commented_out(settings: str) -> str:
    return re.sub(r"^(?=.)", "#", settings, flags=re.MULTILINE)

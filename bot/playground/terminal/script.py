"""Scripts for `kotae try --script FILE`.

A script is UTF-8 text with the lines to type, as in `kotae try --terminal` (`:help` lists the commands). Blank lines
and lines that begin with `# ` are comments:

    # Hanako asks in private, and looks at the second hit
    :as hanako
    :in #it-help
    /search パスワードを忘れました
    :press 表示
    :wait 2.5
    # Everybody reads the answer to a mention
    @Kotae プリンターが動かない
"""

from __future__ import annotations

from pathlib import Path

from bot.settings import SettingsError
from indexes.messages import Translatable, reason


class ScriptError(SettingsError):
    """A script that can't be read."""


def read_script(path: Path) -> list[str]:
    """Return the lines to play. Raises ScriptError for a file that can't be opened or isn't UTF-8 text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ScriptError(Translatable("script.unreadable", file=str(path), why=reason(error))) from error
    except UnicodeDecodeError as error:
        raise ScriptError(Translatable("script.not_utf", file=str(path), byte=error.start)) from error
    return [line for line in text.splitlines() if line.strip() and not line.startswith("# ")]

"""HTML entities in cells, which exports of web pages have: ``R&amp;D``, ``9&ndash;17``."""

import html
import re
from html.entities import html5

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_SPACES = str.maketrans("\u00a0\u2002\u2003\u2009", "    ")


def without_entities(text: str) -> str:
    """Return the text with the characters that entities stand for, except < and >, which would look like tags.

    A text with code marks is left alone: it may be about entities.
    """
    if "&" not in text or "`" in text:
        return text
    return _ENTITY.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    if entity[0][1] != "#" and entity[0][1:] not in html5:  # html.unescape would read the &not of &notify;
        return entity[0]
    character = html.unescape(entity[0]).translate(_SPACES)
    return character if character and character.isprintable() and character not in {"<", ">", "\ufffd"} else entity[0]

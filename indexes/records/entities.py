"""HTML in cells, as exports of web pages have it: entities (``R&amp;D``, ``9&ndash;17``), and tags around texts."""

import html
import re
from html.entities import html5

_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_SPACES = str.maketrans("\u00a0\u2002\u2003\u2009\t", "     ")
_UNSEEN = frozenset("\r\u00ad\u200b\u200e\u200f\u2060\ufeff")
"""What shows nothing by itself, such as the place where a word may be hyphenated."""
_JOINING = frozenset("\n\u200c\u200d")
"""What isn't printable but changes how the text around it looks."""
_LEFT = frozenset({"", "<", ">", "\ufffd"})
"""What would look like a tag, and what entities of no character become."""
_TAG = re.compile(
    r"</?(?:p|div|br|hr|(?P<inline>span|font|b|strong|i|em|u)|ul|ol|li|table|thead|tbody|tr|td|th|h[1-6]|pre|o:p)\b[^<>]*>",
    re.IGNORECASE,
)


def without_entities(text: str) -> str:
    """Return the text with the characters that entities stand for, except < and >, which would look like tags.

    A text with code marks is left alone: it may be about entities. One that has nothing but tags is blank.
    """
    if "&" in text and "`" not in text:
        text = _ENTITY.sub(_character, text).strip()
    return "" if text.startswith("<") and not without_tags(text) else text


def question_text(text: str) -> str:
    """Return what the cell of a question says: without entities, and without tags if it stands in them as a whole."""
    text = without_entities(text)
    return without_tags(text) if text.startswith("<") and text.endswith(">") and "</" in text else text


def without_tags(text: str) -> str:
    """Return the text without the tags of paragraphs, lists, tables and emphasis, and the space around the rest."""
    return _TAG.sub(lambda tag: "" if tag["inline"] else " ", text).strip() if "<" in text else text


def _character(entity: re.Match[str]) -> str:
    if entity[0][1] != "#" and entity[0][1:] not in html5:  # html.unescape would read the &not of &notify;
        return entity[0]
    character = html.unescape(entity[0]).translate(_SPACES)
    if character in _UNSEEN:
        return ""
    is_shown = (character.isprintable() and character not in _LEFT) or character in _JOINING
    return character if is_shown else entity[0]

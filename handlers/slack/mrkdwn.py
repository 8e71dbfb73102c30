"""Text on its way to and from Slack: escaping, clipping, links.

Everything a person or a CSV wrote goes through `mrkdwn` last, after any shortening: NFKC after escaping would make
``<!channel>`` again out of full-width brackets.
"""

import html
import re
import time

from handlers.texts import Texts

WEB_ADDRESS = re.compile(r"https?://[^\s<>|\"'「」『』、。()()]+")
_SENTENCE_END = re.compile(r"[。．！？][」』）】]*|[.!?](?=\s)|\n+")
_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_UNSAFE_IN_LINK = {code: f"%{code:02X}" for code in (*range(33), *map(ord, "<>|`"))}
LONGEST_LINK = 1000
"""Characters of an address that becomes a link; a longer one could not be clipped, and stays text."""
ELLIPSIS = "…"

_REFERENCE = re.compile(r"<([@#!])?([^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<(?:@|!subteam\^|!here|!channel|!everyone)")
_ENDLESS_NUMBER = re.compile(r"&(?=#[0-9]{8})")
"""An entity that stands for no character, and may have more digits than Python makes a number of."""
_EMOJI = re.compile(r"(?<![^\W_])(?<!:)(?::(?=[^:]*[a-z+-])[a-z0-9_+'\-]+:)+")
_MARKS = re.compile(r"```|`")


def length(text: str) -> int:
    """Count as Slack does, in UTF-16 units: an emoji is two."""
    return len(text.encode("utf-16-le")) // 2


def escape(text: str) -> str:
    """Escape Slack's three control characters."""
    return text.translate(_SPECIAL)


def mrkdwn(text: str, limit: int) -> str:
    """Escape a text, make its http(s) addresses links, and clip so that the result has at most `limit` characters.

    Never cuts an entity or a link in two. To be shown with ``verbatim=True``, so that Slack adds no meaning of its own.
    """
    return _clipped(_pieces(text[: limit + LONGEST_LINK + 1]), limit)


def one_line(text: str, limit: int) -> str:
    """As `mrkdwn`, without line breaks and links: for titles and restated questions."""
    return _clipped([escape(char) for char in " ".join(text.split())[: limit + 1]], limit)


def _clipped(pieces: list[str], limit: int) -> str:
    if sum(map(length, pieces)) <= limit:
        return "".join(pieces)
    kept: list[str] = []
    room = limit - length(ELLIPSIS)
    for piece in pieces:
        room -= length(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + ELLIPSIS


def bold(text: str, limit: int) -> str:
    """Make a one-line text bold, unless it has asterisks, which would end the bold early."""
    title = one_line(text, limit - 2)
    return title if "*" in title or not title else f"*{title}*"


def link(url: str, label: str) -> str:
    """Make an http(s) or mailto address from a CSV a link; anything else is shown as the text it is."""
    address, *_ = url.strip().splitlines() or [""]
    if not re.match(r"(https?://|mailto:)\S", address, re.IGNORECASE):
        return one_line(address, 255)
    return f"<{escape(safe_address(address))}|{escape(label)}>"


def safe_address(address: str) -> str:
    """Encode what would end a link early."""
    return address.translate(_UNSAFE_IN_LINK)


def beginning(text: str, limit: int) -> str:
    """Return a text's beginning: up to the end of a sentence or a line, or cut with an ellipsis where none is near.

    `limit` is in the units of `length`; the whole text is returned when it fits.
    """
    if length(text) <= limit:
        return text
    head = text.encode("utf-16-le")[: 2 * (limit - length(ELLIPSIS))].decode("utf-16-le", "ignore")
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    if ends and ends[-1] >= len(head) // 2:
        return head[: ends[-1]].rstrip()
    return head.rstrip() + ELLIPSIS


def person(user: str, texts: Texts) -> str:
    """Mention somebody by their id; say so where it was removed from what is kept."""
    return f"<@{user}>" if user[:1] in {"U", "W"} else texts("person.forgotten")


def moment(at: float) -> str:
    """Return a time (seconds since the epoch), which Slack shows in the reader's own time zone."""
    otherwise = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))
    return f"<!date^{int(at)}^{{date_num}} {{time}}|{otherwise}>"


def mentions_somebody(text: str) -> bool:
    """Tell whether the text of a message mentions a person, an app, a group or everybody here."""
    return _MENTION.search(text) is not None


def is_address(text: str) -> bool:
    """Tell whether the text is an address that becomes a link: http(s) or mailto, on one line."""
    return re.fullmatch(r"(https?://|mailto:)\S+", text.strip(), re.IGNORECASE) is not None


def as_written(text: str) -> str:
    """Turn a message as Slack sends it into what its writer saw: line breaks and code kept, addresses in full."""
    without = _REFERENCE.sub(_addressed, text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    lines = [line.rstrip() for line in unescaped(without).splitlines()]
    return "\n".join(lines).strip()


def unescaped(text: str) -> str:
    """Turn entities into the characters they stand for."""
    return html.unescape(_ENDLESS_NUMBER.sub("&amp;", text))


def plain(text: str) -> str:
    """Turn a message as Slack sends it into the words a person wrote: mentions, emoji codes and code marks gone."""
    sound = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    without = _REFERENCE.sub(_spoken, sound)
    return " ".join(_EMOJI.sub(" ", _MARKS.sub(" ", unescaped(without))).split())


def has_words(text: str) -> bool:
    """Tell whether there is anything to search for: a letter or a digit of any script."""
    return any(char.isalnum() for char in text)


def _addressed(match: re.Match[str]) -> str:
    kind, target, label = match.groups()
    if kind:
        return _spoken(match).strip() if kind == "#" else ""
    return target if not label or label in target else f"{label} ({target})"


def _spoken(match: re.Match[str]) -> str:
    kind, target, label = match.groups()
    if kind == "#":
        return f" #{label} " if label else " "
    return " " if kind else f" {label or target} "


def _pieces(text: str) -> list[str]:
    """Cut into what may be clipped between: escaped characters, and whole links."""
    pieces: list[str] = []
    at = 0
    for match in WEB_ADDRESS.finditer(text):
        address = match[0].rstrip(".,;:!?")
        if len(address) > LONGEST_LINK:
            continue
        pieces += [escape(char) for char in text[at : match.start()]]
        pieces.append(f"<{escape(safe_address(address))}>")
        at = match.start() + len(address)
    return pieces + [escape(char) for char in text[at:]]

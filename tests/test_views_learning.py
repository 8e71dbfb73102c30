"""Unanswered questions and learned phrasings, as Slack would take them, however much there is to say."""

import pytest

from bot.playground.slack.block_kit.validation import check_message_blocks
from handlers.learning.views import learned_aliases, misses
from handlers.learning.views.misses import Asked, Closest, Page
from handlers.slack.blocks import Message
from handlers.texts import ENGLISH, JAPANESE, Texts

USER = "U" + "0" * 20
TEXTS = ("<!channel> & " * 500, "*質問* " * 500, "😀" * 1000, "&" * 4000, "a\nb" * 900)


def asked(text: str, number: int) -> Asked:
    closest = Closest(text, text, 1.0)
    return Asked(
        10**12 + number, text, 10**6, 10**6, USER, "C" + "0" * 20, 4e9, closest, (f"other: {text}",) * 5, reported=True
    )


def check(message: Message) -> None:
    check_message_blocks(message.payload())
    assert "<!channel>" not in str(message.payload())
    texts = [block["text"]["text"] for block in message.payload() if "text" in block]
    assert sum(len(text.encode("utf-16-le")) // 2 for text in texts) < 11_500


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE])
@pytest.mark.parametrize("text", TEXTS)
def test_a_full_page_of_misses(text: str, texts: Texts) -> None:
    full = Page([asked(text, number) for number in range(misses.SHOWN)], 10, 1000, 365, 4000, 1000, 12)
    check(misses.page(full, "/kb", texts))
    check(misses.digest(misses.Digest(full.asked, 4000, 1000, 995), 365, "/kb", texts))
    check(Message("home", misses.at_home(full, texts)))


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE])
@pytest.mark.parametrize("text", TEXTS)
def test_a_full_page_of_phrasings(text: str, texts: Texts) -> None:
    voters = (USER,) * 40
    inforce = [learned_aliases.InForce("f" * 32, text, text, text, voters, USER, 4e9)] * learned_aliases.SHOWN
    waiting = [learned_aliases.Waiting(10**12 + number, text, text, text, voters, disputed=True) for number in range(5)]
    check(learned_aliases.page(inforce, 0, 1000, waiting, texts))
    check(learned_aliases.offer(text, text, 10**12, texts))
    check(learned_aliases.page([], 0, 0, [], texts))

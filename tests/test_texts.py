"""The bot's own words: the same keys and placeholders in both languages, all of them used, none missing."""

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from bot.texts import ENGLISH, JAPANESE
from bot.texts import en as bot_en
from handlers import texts
from handlers.texts import Texts, en
from indexes import messages
from indexes.messages import en as messages_en
from indexes.text import is_japanese

HOUSE = Path(texts.__file__).parents[2]
SOURCES = [
    path
    for package in ("handlers", "indexes", "bot")
    for path in (HOUSE / package).rglob("*.py")
    if path.parent.name not in {"texts", "messages"}
]
KEY = re.compile(r"[a-z]+(?:\.[a-z_]+)+")
NEVER_ONE = {
    *("entries.other", "days.other"),
    *("misses.times", "misses.alone", "misses.again"),  # what was asked once has a sentence of its own
    *("kb.preparing", "kb.preparing_rest"),  # told of large files only
    *("upload.vanish", "upload.sure_text"),  # asked where many entries are
    *("proposal.too_many", "edit.too_long", "typeahead.cut", "source.too_many_redirects"),  # limits
    "download.short",
}
"""Sentences with a number before a plural."""
OTHER_NAMES = (".com", ".csv", ".html", ".json", ".onnx", ".toml")
"""Endings of literals with a dot that are no keys."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@cache
def written() -> list[ast.Constant | ast.JoinedStr | ast.ClassDef]:
    """The literals and the classes of all modules."""
    kinds = ast.Constant | ast.JoinedStr | ast.ClassDef
    return [
        node for path in SOURCES for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds)
    ]


def spoken() -> set[str]:
    """Every literal that looks like a key of the texts."""
    inside = ast.walk(ast.parse(Path(messages.__file__).read_text("utf-8")))
    literals = (node.value for node in (*written(), *inside) if isinstance(node, ast.Constant))
    return {each for each in literals if isinstance(each, str) and KEY.fullmatch(each)}


def built() -> set[str]:
    """The keys that are put together in f-strings, such as ``f"vote.{kind}"``."""
    prefixes = {
        str(first.value)
        for node in written()
        if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant)
    }
    return {key for key in ENGLISH.words for prefix in prefixes if key.startswith(prefix) and KEY.match(prefix + "x")}


def test_no_key_of_the_terminal_takes_the_place_of_another_one() -> None:
    assert bot_en.WORDS.keys() & texts.ENGLISH.words.keys() == set()
    assert en.WORDS.keys() & messages_en.WORDS.keys() == set()


def test_both_languages_say_the_same_things() -> None:
    assert list(ENGLISH.words) == list(JAPANESE.words)


@pytest.mark.parametrize("key", ENGLISH.words)
def test_with_the_same_placeholders(key: str) -> None:
    assert placeholders(ENGLISH.words[key]) == placeholders(JAPANESE.words[key])


@pytest.mark.parametrize("language", [ENGLISH, JAPANESE])
def test_no_text_is_empty_and_none_carries_markup_that_could_mention(language: Texts) -> None:
    for key, text in language.words.items():
        assert text.strip(), key
        assert not re.search(r"<[!@#]", text), key


def test_every_key_is_used() -> None:
    assert set(ENGLISH.words) - spoken() - built() - {"intro"} == set()


def test_every_used_key_exists() -> None:
    sections = {key.partition(".")[0] for key in ENGLISH.words}
    used = {each for each in spoken() if each.partition(".")[0] in sections and not each.endswith(OTHER_NAMES)}
    assert used - set(ENGLISH.words) == set()
    assert all(f"vote.{kind}" in ENGLISH.words for kind in ("helpful", "unhelpful", "none"))
    assert all(f"kb.age.{unit}" in ENGLISH.words for unit in ("minutes", "hours", "days"))
    assert all(f"kb.auto_reply.{mode}" in ENGLISH.words for mode in ("on", "shadow", "off"))


def test_no_sentence_says_one_entries() -> None:
    counted = r"\{(?:count|days|times|records|rows|bases|total|limit|before|missing|seconds)(?::,)?\}"
    plural = re.compile(counted + r"(?: [a-z-]+)? [a-z]+s\b")
    assert {key for key, text in en.WORDS.items() if plural.search(text)} == NEVER_ONE


def test_no_sentence_names_something_of_the_code() -> None:
    """What renames a class everywhere renames it in sentences, too, if its name is a word of English."""
    names = {node.name for node in written() if isinstance(node, ast.ClassDef)}
    joined = {name for name in names if re.match("[A-Z][a-z]+[A-Z]", name)}
    assert "AskedQuestion" in joined
    for language in (ENGLISH, JAPANESE):
        for key, text in language.words.items():
            assert joined.isdisjoint(re.findall(r"[A-Za-z]+", text)), key


def test_japanese_texts_are_japanese() -> None:
    own = [key for key, text in JAPANESE.words.items() if is_japanese(re.sub(r"\{\w+\}|`[^`]*`", "", text))]
    wordless = {
        *("audit.where", "answer.asked", "learned.one", "synonyms.quote", "search.knows_one", "search.topics"),
        *("check.text", "doctor.packages", "doctor.pgvector_fault", "doctor.system", "doctor.system_file"),
        *("doctor.table", "forget.done", "forget.versions_within", "restore.size", "tokens.sees"),
        *("status.remark", "status.source"),
        *("terminal.note.place", "terminal.at_place", "terminal.full_stop", "terminal.prompt.direct"),
        *("terminal.beginning", "terminal.prompt.channel", "wrong.also", "wrong.line", "wrong.nothing", "wrong.option"),
        *("audit.before", "database.other", "kind.pdf", "list.comma", "list.quoted", "model.in_folder", "synonyms.or"),
    }
    assert set(JAPANESE.words) - set(own) <= wordless
    naming_headers = {"csv.no_columns"}
    assert {key for key, text in ENGLISH.words.items() if is_japanese(text)} == naming_headers


@pytest.mark.parametrize("locale", ["ja", "ja-JP", "JA-jp"])
def test_japanese_locales(locale: str) -> None:
    assert texts.for_locale(locale) is texts.JAPANESE


@pytest.mark.parametrize("locale", ["en-US", "en-GB", "de-DE", "", "jv-ID"])
def test_all_others_read_english(locale: str) -> None:
    assert texts.for_locale(locale) is texts.ENGLISH


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("VPNにつながらない", texts.JAPANESE),
        ("ﾊﾟｽﾜｰﾄﾞ", texts.JAPANESE),
        ("印刷", texts.JAPANESE),
        ("How do I print?", texts.ENGLISH),
        ("ERR-4012", texts.ENGLISH),
        ("", texts.ENGLISH),
        ("How do I say パスワード?", texts.JAPANESE),
    ],
)
def test_questions_are_answered_in_their_language(question: str, words: Texts) -> None:
    assert texts.for_question(question) is words


def test_unknown_keys_and_missing_values_are_refused() -> None:
    with pytest.raises(KeyError):
        texts.ENGLISH("no.such.key")
    with pytest.raises(KeyError):
        texts.ENGLISH("kb.unknown")


def test_values_are_put_in_as_they_are() -> None:
    assert texts.ENGLISH("kb.unknown", action="{0} {action}") == "I don't know `{0} {action}`."

"""Completing what is typed, by the index alone."""

import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest

from indexes import FaissSearch
from indexes.completion.completion import SHORT, Completion, complete
from indexes.completion.nearness import COMPARED, INSIDE, nearness
from indexes.completion.romaji import from_romaji
from indexes.loaded import LoadedKnowledgeBase
from indexes.maintenance import Maintenance
from indexes.records import Source
from indexes.registry import Registry
from indexes.retrieval import readings
from tests.benchmarks import helpdesk
from tests.benchmarks.corpus import write_csv
from tests.sets.completion import KINDS, halves

ROWS = """\
id,question,answer,category,aliases
key,鍵をなくしたらどうしますか？,総務に連絡してください。,総務,
vpn,VPN につながりません,ルーターを再起動してください。,IT,リモート接続
password,パスワードを忘れました,再設定ページを開いてください。,IT,
room,会議室を予約したい,予約システムから申請します。,総務,
wifi,How do I connect to the office Wi-Fi?,Choose Sample-Office.,IT,
mfa,How do I set up two-factor authentication?,Scan the code.,IT,2FA
badge,Where do I get a new badge?,At the front desk.,Office,
"""
ALPHABET = "かぎをなくした予約ab "


def opened(folder: Path, **files: str) -> Mapping[str, LoadedKnowledgeBase]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    registry = Registry(lambda: [Source(name, folder / f"{name}.csv") for name in files], folder / "_synonyms.csv")
    maintenance = Maintenance(registry, folder / "data")
    maintenance.load().result()
    maintenance.close()
    return registry.loaded


@pytest.fixture
def loaded(tmp_path: Path) -> Mapping[str, LoadedKnowledgeBase]:
    return opened(tmp_path, faq=ROWS)


@pytest.fixture
def _without_dictionary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "fugashi", None)  # as if it weren't installed
    readings._dictionary.cache_clear()
    yield
    readings._dictionary.cache_clear()


def ids(found: Sequence[Completion]) -> list[str]:
    return [each.record.id for each in found]


# -- Romaji ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kana"),
    [
        ("kagi wo nakushita", "かぎをなくした"),
        ("かぎをなk", "かぎをな"),
        ("かぎをなくsh", "かぎをなく"),
        ("pasuwa-do", "ぱすわーど"),
        ("kitte", "きって"),
        ("kin'en", "きんえん"),
        ("kinnen", "きんねん"),
        ("shinnkansenn", "しんかんせん"),
        ("shinkansen", "しんかんせん"),
        ("konna", "こんな"),
        ("konnna", "こんな"),
        ("kyouryoku", "きょうりょく"),
        ("jisho", "じしょ"),
        ("vpn ni tsunagaranai", "vpnにつながらない"),
        ("err-4012", "err-4012"),
        ("reset password", "reset password"),
        ("鍵", "鍵"),
        ("", ""),
    ],
)
def test_romaji_is_read_as_an_input_method_reads_it(typed: str, kana: str) -> None:
    assert from_romaji(typed) == kana


# -- Nearness --------------------------------------------------------------------------------------


def edits(typed: str, text: str) -> int:
    """The edits between two texts, swaps included, as in the textbook."""
    rows: list[list[int]] = [[*range(len(text) + 1)]]
    for at, letter in enumerate(typed, start=1):
        row = [at]
        for end, other in enumerate(text, start=1):
            row.append(min(rows[-1][end - 1] + (letter != other), rows[-1][end] + 1, row[-1] + 1))
            if at > 1 and end > 1 and (letter, typed[at - 2]) == (text[end - 2], other):
                row[-1] = min(row[-1], rows[-2][end - 2] + 1)
        rows.append(row)
    return rows[-1][-1]


def expected(typed: str, text: str) -> float:
    """`nearness` by all beginnings and all parts of a text."""
    at_beginning = min(edits(typed, text[:end]) for end in range(len(text) + 1))
    inside = min(edits(typed, text[start:end]) for start in range(len(text) + 1) for end in range(start, len(text) + 1))
    near = [max((1 - each / len(typed) - 0.6) / 0.4, 0) for each in (at_beginning, inside)]
    return max(near[0], INSIDE * near[1])


def test_it_is_the_share_of_edits_to_a_beginning_or_a_part() -> None:
    choose = random.Random(5)
    for _ in range(60):
        typed = "".join(choose.choices(ALPHABET, k=choose.randint(1, 7)))
        others = ["".join(choose.choices(ALPHABET, k=choose.randint(0, 9))) for _ in range(3)]
        texts = [*others, f"か{typed}した", typed]
        assert nearness(typed, texts) == pytest.approx([expected(typed, text) for text in texts])


def test_nothing_typed_is_near_nothing_and_only_the_first_letters_count() -> None:
    assert nearness("", ["a"]).tolist() == [0.0]
    assert nearness("a", []).tolist() == []
    assert nearness("あ" * COMPARED + "xxxx", ["あ" * 200]).tolist() == [1.0]
    assert nearness("\ud83d", ["\ud83d", "🛜"]).tolist() == [1.0, 0.0]


# -- Completing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "row"),
    [
        ("かぎをな", "key"),
        ("かぎなをく", "key"),
        ("kagiwonak", "key"),
        ("鍵をn", "key"),
        ("かいぎし", "room"),
        ("kaigishitsu", "room"),
        ("りもーと", "vpn"),
        ("rimo-to", "vpn"),
        ("リモト", "vpn"),
        ("pasuwa-dow", "password"),
        ("ﾊﾟｽﾜｰﾄﾞ", "password"),
        ("wf-fi", "wifi"),
        ("how do i conn", "wifi"),
        ("how do i ste", "mfa"),
        ("2f", "mfa"),
        ("where do i get a nw", "badge"),
        ("bagde", "badge"),
        ("BADGE?!", "badge"),
    ],
)
def test_the_row_is_found_by_kana_romaji_half_words_and_typos(
    loaded: Mapping[str, LoadedKnowledgeBase], typed: str, row: str
) -> None:
    assert ids(complete(loaded, ["faq"], typed, 5))[0] == row


@pytest.mark.usefixtures("_without_dictionary")
@pytest.mark.parametrize(("typed", "row"), [("pasuwa-dow", "password"), ("りもーと", "vpn"), ("鍵をn", "key")])
def test_without_the_dictionary_all_but_the_readings_of_kanji_is_found(tmp_path: Path, typed: str, row: str) -> None:
    loaded = opened(tmp_path, faq=ROWS)
    assert ids(complete(loaded, ["faq"], typed, 5))[0] == row
    assert complete(loaded, ["faq"], "かいぎし", 5) == []


@pytest.mark.parametrize("typed", ["", "   ", "？！", "ー", "\ud83d", "\x00", "zzzzqqq", "ん" * 5000, "🛜"])
def test_what_means_nothing_finds_nothing(loaded: Mapping[str, LoadedKnowledgeBase], typed: str) -> None:
    assert complete(loaded, ["faq"], typed, 5) == []


def test_a_row_that_begins_so_comes_before_one_with_the_same_words(tmp_path: Path) -> None:
    rows = "id,question,answer\n" + "".join(f"{n},Is the printer {n} a printer?,a{n}\n" for n in range(20))
    loaded = opened(tmp_path, faq=f"{rows}x,Printer queue of the printer,b\n")
    assert ids(complete(loaded, ["faq"], "printer q", 1)) == ["x"]
    assert ids(complete(loaded, ["faq"], "printer", 1)) == ["x"]


def test_only_the_named_knowledge_bases_are_completed_and_twins_count_once(tmp_path: Path) -> None:
    twin, own = "twin,VPN につながりません,ルーターを再起動してください。", "own,VPN の申請,申請書を出します。"
    other = f"id,question,answer\n{twin}\n{own}\n"
    loaded = opened(tmp_path, faq=ROWS, other=other)
    assert {each.knowledge_base for each in complete(loaded, ["other", "gone"], "vpn", 5)} == {"other"}
    both = complete(loaded, ["faq", "other", "faq"], "vpn", 5)
    assert sorted(ids(both)) == ["own", "vpn"]
    assert [(loaded[each.knowledge_base].index.records[each.row]) for each in both] == [each.record for each in both]
    assert complete(loaded, [], "vpn", 5) == []
    assert complete({}, ["faq"], "vpn", 5) == []


def test_synonyms_are_completed(tmp_path: Path) -> None:
    (tmp_path / "_synonyms.csv").write_text("original,normalized\n合言葉,パスワード\n", encoding="utf-8")
    loaded = opened(tmp_path, faq=ROWS)
    assert ids(complete(loaded, ["faq"], "合言葉を忘れ", 5))[0] == "password"


def test_a_snapshot_completes_as_what_it_was_made_from(tmp_path: Path) -> None:
    first = opened(tmp_path, faq=ROWS)
    again = opened(tmp_path, faq=ROWS)
    for typed in ("かぎをな", "how do", "vp"):
        found, same = (complete(one, ["faq"], typed, 5) for one in (first, again))
        assert found == same != []


@pytest.mark.parametrize("length", range(3, SHORT + 1))
def test_a_swap_or_a_letter_too_many_in_a_short_text_is_mended(tmp_path: Path, length: int) -> None:
    choose = random.Random(length)
    words = ["".join(choose.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(30)]
    loaded = opened(tmp_path, faq="id,question,answer\n" + "".join(f"{word},{word},{word}\n" for word in words))
    for word in words:
        typed = word[:length]
        swapped = typed[:-2] + typed[-1] + typed[-2]
        for each in (swapped, f"{typed[:1]}{typed}"):
            assert word in ids(complete(loaded, ["faq"], each, 5)), each


@pytest.mark.long("indexes many rows")
def test_half_of_a_question_is_enough_among_thousands_and_takes_milliseconds(tmp_path: Path) -> None:
    with FaissSearch(write_csv(tmp_path / "faq.csv", list(helpdesk.rows(3000))), None, data_dir=tmp_path) as searching:
        loaded = searching._registry.loaded
        typed = [*islice(halves(searching.index.records), 300)]
        complete(loaded, ["faq"], "パスワード", 5)  # the first text also loads the dictionary
        started = time.thread_time()
        found = [record.id in ids(complete(loaded, ["faq"], text, 5)) for record, _, text in typed]
        spent = (time.thread_time() - started) / len(typed)
    kinds = {kind: [hit for hit, (_, each, _) in zip(found, typed, strict=True) if each == kind] for kind in KINDS}
    assert {kind: sum(hits) / len(hits) >= 0.9 for kind, hits in kinds.items()} == dict.fromkeys(KINDS, True)
    assert spent < 0.03


def test_scores_are_comparable_between_knowledge_bases(loaded: Mapping[str, LoadedKnowledgeBase]) -> None:
    for each in complete(loaded, ["faq"], "how do i", 5):
        assert 0 < each.score <= 1.5
        assert 0 <= each.near <= 1


def test_a_row_is_the_answer_to_its_own_question(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(f"{ROWS}blank,,Only an answer.,,\n", encoding="utf-8")
    with FaissSearch(tmp_path / "faq.csv", None, data_dir=tmp_path / "data") as searching:
        registry = searching._registry
        answer = registry.answer_of("faq", "vpn")
        assert answer is not None
        assert [hit.record.id for hit in answer.hits] == ["vpn"]
        assert answer.question.text == "VPN につながりません"
        assert answer.is_certain(0.9)
        assert registry.answer_of("faq", "gone") is None
        assert registry.answer_of("gone", "vpn") is None
        blank = registry.answer_of("faq", "blank")
        assert blank is not None
        assert blank.hits[0].record.answer == "Only an answer."

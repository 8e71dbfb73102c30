import tracemalloc
from collections import Counter
from math import log, sqrt
from random import Random

import numpy as np
import pytest

from indexes.records import Record
from indexes.retrieval.counting import count
from indexes.retrieval.inverted import View
from indexes.retrieval.lexical import LexicalIndex
from indexes.retrieval.matching import Match, highest, numbered
from indexes.retrieval.synonyms import Synonyms, read_synonyms
from indexes.retrieval.tokens import character_tokens, script_tokens, spell, word_key, words
from indexes.text import normalize


def spelled(text: str) -> Counter[str]:
    known = {word_key(word): word for word in words(text)}
    return Counter(known.get(key) or spell(key) for key in script_tokens([text]).keys.tolist())


def characters(text: str) -> Counter[str]:
    return Counter(map(spell, character_tokens([text]).keys.tolist()))


def test_japanese_is_cut_by_script_and_hiragana_is_dropped() -> None:
    assert spelled("有給休暇のルールは?") == Counter(
        ["有", "給", "休", "暇", "有給", "給休", "休暇", "ルー", "ール", "ルール"]
    )


def test_a_boilerplate_of_hiragana_has_no_tokens() -> None:
    assert not spelled("どうすればいいですか")


def test_latin_words_stand_beside_japanese() -> None:
    assert spelled("vpnに接続") == Counter(["vpn", "接", "続", "接続"])


@pytest.mark.parametrize("written", ["err-4012", "err_4012", "err4012"])
def test_a_code_is_found_however_it_is_joined(written: str) -> None:
    assert set(words(written)) >= {"err4012", "err", "4012"}


def test_apostrophes_do_not_split_words() -> None:
    assert list(words("what's o'brien's don't")) == ["what", "obrien", "dont"]


def test_other_scripts() -> None:
    assert list(words("größe c++ naïve привет")) == ["größe", "c++", "naïve", "привет"]
    assert spelled("비밀번호") == Counter(["비", "밀", "번", "호", "비밀", "밀번", "번호"])


def test_character_grams_keep_to_words_and_know_their_borders() -> None:
    assert characters("ab c") == Counter(["ab", " ab", "ab ", " c "])


def test_tokens_of_many_texts_are_those_of_each() -> None:
    texts = ["パスワード", "", "reset it"]
    together = character_tokens(texts)
    for number, text in enumerate(texts):
        assert sorted(together.keys[together.texts == number]) == sorted(character_tokens([text]).keys)


def test_a_word_is_never_taken_for_an_n_gram_or_another_word() -> None:
    keys = {word_key(word) for word in ("vpn", "Vpn", "zebra", "ab")}
    assert len(keys) == 4
    assert keys.isdisjoint(character_tokens(["vpn zebra ab"]).keys.tolist())


def test_characters_that_are_no_letters_are_gaps_wherever_unicode_has_them() -> None:
    assert characters("ab\U000e0100cd") == characters("ab cd")
    assert characters("𠮟る") == Counter(["𠮟る", " 𠮟る", "𠮟る "])
    assert spelled("𠮟責") == Counter(["𠮟", "責", "𠮟責"])
    assert not len(character_tokens(["\U0010ffff\ud800"]).keys)


def view(*texts: str) -> View:
    return View(list(count(script_tokens(texts), len(texts))))


def test_cosine_and_coverage_by_hand() -> None:
    index = view("red apple", "green apple", "blue blue sky")
    rare, common, unknown = log(4 / 1.5), log(4 / 2.5), log(4 / 0.5)
    cosine, coverage = Match(index, script_tokens(["red apple pie"]).keys).found()
    assert cosine[0] == pytest.approx((rare + common) / (sqrt(rare + common + unknown) * sqrt(rare + common)))
    assert cosine[1] == pytest.approx(common / (sqrt(rare + common + unknown) * sqrt(rare + common)))
    assert cosine[2] == 0
    assert coverage == pytest.approx(np.array([rare + common, common, 0]) / (rare + common + unknown))


def test_repeated_words_count_damped() -> None:
    index = view("red apple", "green apple", "blue blue sky")
    cosine, _ = Match(index, script_tokens(["blue"]).keys).found()
    assert cosine[2] == pytest.approx((1 + log(2)) / sqrt((1 + log(2)) ** 2 + 1))


def test_texts_score_the_same_whether_all_postings_are_read_or_theirs_are_looked_up() -> None:
    texts = [f"common {'even' if number % 2 == 0 else 'odd'} word{number}" for number in range(40)]
    index = view(*texts)
    keys = script_tokens(["common even word7 nonsense"]).keys
    exact = Match(index, keys, affordable=10**9)
    assert exact.texts.tolist() == list(range(40))
    for affordable in (0, 60, 61, 64):
        some = np.array([3, 7, 39])
        for side, wanted in zip(Match(index, keys, affordable).some(some), exact.found(), strict=True):
            assert side == pytest.approx(wanted[some])


def test_a_rough_match_reads_the_rarest_terms_and_at_least_one() -> None:
    texts = [f"common {'even' if number % 2 == 0 else 'odd'} word{number}" for number in range(40)]
    match = Match(view(*texts), script_tokens(["common even word7"]).keys, affordable=0)
    for most, rows in ((0, [7]), (21, [7]), (22, sorted({7, *range(0, 40, 2)})), (10**9, list(range(40)))):
        assert match.rough(most).nonzero()[0].tolist() == rows
    assert match.rough() == pytest.approx(match.some(np.arange(40))[1], abs=1e-6)


@pytest.mark.parametrize("end", [40, 10**6])
def test_values_are_numbered_in_their_order(end: int) -> None:
    values = np.array([7, 3, 7, 39, 0], dtype=np.int32)
    distinct, places = numbered(values, end)
    assert distinct[places].tolist() == values.tolist()
    assert distinct.tolist() == sorted(set(distinct.tolist()))


def test_many_texts_score_the_same_as_few() -> None:
    """Of many texts only those that have a term are kept; of few, all."""
    few = [f"word{number} {'red' if number % 3 else 'blue'}" for number in range(300)]
    small, padded = view(*few), view(*few, *["green"] * 40_000)
    keys = script_tokens(["word7 red"]).keys
    assert len(Match(padded, keys).texts) == 300
    some = np.array([0, 7, 8, 299])
    for index in (small, padded):
        match = Match(index, keys)
        assert match.is_read
        for read, looked_up in zip(match.some(some), Match(index, keys, affordable=0).some(some), strict=True):
            assert read == pytest.approx(looked_up)
    assert Match(padded, keys).some(np.array([40_299]))[0].tolist() == [0]


@pytest.mark.parametrize("values", [[0, 0, 0], [], [0, 3, 0, 1, 2], [1] * 100_000, [*range(100_000)]])
def test_the_highest_of_many_values(values: list[int]) -> None:
    places = highest(np.array(values, dtype=np.float32), 400)
    found, others = np.array(values)[places], np.delete(np.array(values), places)
    assert len(places) >= min(sum(value > 0 for value in values), 200)
    assert len(places) <= 800
    assert len(found) == 0 or found.min() >= max(others.max(initial=0), 1e-9)


def record(number: int, question: str, answer: str = "", **more: tuple[str, ...]) -> Record:
    return Record(id=str(number), question=question, answer=answer, **more)  # type: ignore[arg-type]


def best(lexical: LexicalIndex, question: str) -> int:
    rows = np.arange(len(lexical))
    return int(lexical.query(normalize(question)).score(rows).total.argmax())


def test_finds_words_wherever_a_record_has_them() -> None:
    lexical = LexicalIndex(
        [
            record(0, "パスワードを忘れました", "ポータルから再設定してください"),
            record(1, "VPNにつながらない", "証明書の期限を確認します", keywords=("GlobalProtect",)),
            record(2, "経費の締め日", "毎月25日です", aliases=("精算はいつまで",)),
            record(3, "エラー ERR-4012", "再起動で直ります"),
        ],
        Synonyms(),
    )
    assert [best(lexical, q) for q in ("パスワードを再設定したい", "証明書の期限", "globalprotect")] == [0, 1, 1]
    assert [best(lexical, q) for q in ("精算はいつ?", "err4012", "ERR‐4012 とは")] == [2, 3, 3]


def test_typos_are_forgiven() -> None:
    lexical = LexicalIndex([record(0, "reset your password"), record(1, "book a meeting room")], Synonyms())
    assert best(lexical, "pasword rest") == 0
    assert best(lexical, "metting rom") == 1


def test_width_and_composition_do_not_matter() -> None:
    lexical = LexicalIndex([record(0, "ﾊﾟｽﾜｰﾄﾞの変更"), record(1, "プリンターの変更")], Synonyms())
    plain = lexical.query(normalize("パスワードの変更")).score(np.array([0])).cosines
    assert plain[0] == pytest.approx(1)
    assert lexical.query(normalize("ﾊﾟｽﾜｰﾄﾞの変更")).score(np.array([0])).cosines == pytest.approx(plain)


def test_synonyms_apply_to_records(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "_synonyms.csv"  # type: ignore[operator]
    path.write_text("original,normalized\nパスコード,パスワード\n", encoding="utf-8")
    synonyms = read_synonyms(path)
    lexical = LexicalIndex([record(0, "プリンター"), record(1, "パスコードの変更")], synonyms)
    asked = lexical.query(synonyms.apply(normalize("パスワードの変更")))
    assert asked.score(np.array([1])).cosines[0] == pytest.approx(1)


def test_every_score_is_between_zero_and_one_and_identity_is_one() -> None:
    records = [record(n, q) for n, q in enumerate(["abc abc def", "抽選の結果", "カタカナ", "?", ""])]
    lexical = LexicalIndex(records, Synonyms())
    for number in range(3):
        scores = lexical.query(records[number].question).score(np.arange(5))
        parts = np.concatenate([scores.cosines, scores.coverages])
        assert parts.min() >= 0
        assert parts.max() <= 1 + 1e-12
        assert parts[:, number] == pytest.approx(np.ones(8))


@pytest.mark.parametrize("question", ["", "?", "🎉🎉", "どう", "zebra"])
def test_a_question_that_shares_nothing_scores_zero(question: str) -> None:
    lexical = LexicalIndex([record(0, "VPN"), record(1, "経費")], Synonyms())
    assert not lexical.query(question).score(np.array([0, 1])).total.any()
    assert not len(lexical.query(question).best(5))


def test_best_rows_agree_with_scoring_all_of_them() -> None:
    records = [record(n, f"item {n % 7} of box {n}", f"shelf {n % 3}") for n in range(60)]
    lexical = LexicalIndex(records, Synonyms())
    asked = lexical.query("item 3 of box 17 on shelf 2")
    total = asked.score(np.arange(60)).total
    assert set(asked.best(5)) <= set(np.flatnonzero(total >= np.sort(total)[-5]))
    assert total.argmax() == 17


def help_desk(count: int, seed: int = 3) -> list[Record]:
    """Return different rows that share most of their words, as those of a large help desk do; some have aliases."""
    random = Random(seed)
    things = [
        f"{name} {letter}{n}"
        for name in ("プリンター", "scanner", "会議室", "laptop")
        for letter in "ADK"
        for n in range(90)
    ]
    matters = ["を交換したい", "が動かない", "の申請方法", " does not start", "の充電", " password reset"]
    moments = ["", "出張中に", "today ", "在宅勤務で"]
    told = [random.choice(moments) + random.choice(things) + random.choice(matters) for _ in range(count)]
    return [
        record(n, text, f"{text}: guide {n}", aliases=(f"{random.choice(things)} ({n})",) if n % 5 == 0 else ())
        for n, text in enumerate(told)
    ]


def garbled(text: str, random: Random) -> str:
    """Return a text without some of its letters."""
    return "".join(letter for letter in text if random.random() > 0.1)


@pytest.fixture(scope="module")
def large() -> LexicalIndex:
    return LexicalIndex(help_desk(12_000), Synonyms())


@pytest.mark.parametrize("seed", range(4))
def test_a_question_that_is_not_affordable_finds_the_best_of_all(large: LexicalIndex, seed: int) -> None:
    random = Random(seed)
    rows = np.arange(len(large))
    for asked in random.sample(help_desk(12_000), 25):
        text = normalize(garbled(asked.question, random))
        query = large.query(text, affordable=0)
        found = np.sort(query.score(query.best(50)).total)[::-1]
        wanted = np.sort(large.query(text, affordable=10**9).score(rows).total)[::-1]
        assert found[:10] == pytest.approx(wanted[:10], abs=5e-4)


def test_both_ways_are_the_same_where_all_postings_are_read(large: LexicalIndex) -> None:
    rows = np.arange(len(large))
    for asked in help_desk(12_000)[::500]:
        query = large.query(normalize(asked.question), affordable=10**9)
        best = query.best(50)
        total = query.score(rows).total
        assert np.sort(total[best]) == pytest.approx(np.sort(total)[-50:])


def test_rivals_are_found_behind_hundreds_of_rows_with_one_answer() -> None:
    records = [record(n, f"reset the password of box {n}", "use the portal") for n in range(900)]
    records += [record(900, "reset the password of the door", "ask security"), record(901, "the door of box 5", "push")]
    lexical = LexicalIndex(records, Synonyms())
    answers = np.array([0] * 900 + [1, 2])
    for affordable in (0, 10**9):
        best = lexical.query("reset the password of box 5", affordable).best(50, answers, 3)
        assert {900, 901} <= set(best.tolist())
        assert len(best) <= 52


@pytest.mark.long("indexes many rows")
def test_what_a_question_takes_hardly_grows_with_the_rows() -> None:
    """Scores of every row in eight arrays of float64 were 300 bytes per row."""
    taken = []
    for rows in (3_000, 30_000):
        lexical = LexicalIndex(help_desk(rows), Synonyms())
        lexical.query("プリンター a7が動かない").best(50)
        tracemalloc.start()
        lexical.query("プリンター a7が動かない").best(50)
        taken.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert taken[1] - taken[0] < 27_000 * 30


def test_where_the_texts_are_cut_for_counting_makes_no_difference() -> None:
    random = Random(5)
    pool = ["vpn", "err-4012", "経費", "精算", "パスワード", "printer", "c++", "会議室"]
    told = [" ".join(random.choices(pool, k=4)) for _ in range(1300)]
    aliases = {512: tuple(f"{told[n]} alias{n}" for n in range(700))}
    records = [record(n, text, f"box {n}", aliases=aliases.get(n, ())) for n, text in enumerate(told)]
    lexical = LexicalIndex(records, Synonyms())
    for row in (0, 511, 512, 513, 1023, 1024, 1299):
        scores = lexical.query(normalize(told[row])).score(np.array([row]))
        assert scores.cosines[:2, 0] == pytest.approx(1)
        assert scores.coverages[:, 0] == pytest.approx(1)
    assert lexical.query("alias699").best(1).tolist() == [512]
    assert lexical.query("box 1299").score(np.array([1299])).coverages[2:, 0] == pytest.approx(1)
    words_of_alias = {word: has for word, _, has in lexical.shared_words("alias3 zebra", 512)}
    assert words_of_alias == {"alias3": True, "alias": True, "3": True}

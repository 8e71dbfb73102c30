"""Synonyms: what is replaced, what is left alone, and what a row must not be."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexes.errors import UnusableFileError
from indexes.retrieval.synonyms import MOST_CHARACTERS, Synonyms, read_synonyms
from indexes.text import normalize
from tests.pathological import slow

MFA = Synonyms([("MFA", "MFA多要素認証"), ("二段階認証", "MFA多要素認証"), ("PW", "パスワード"), ("VPN", "社内VPN")])


def told(synonyms: Synonyms) -> tuple[tuple[int, str, bool], ...]:
    return tuple((problem.line, str(problem.message), problem.skipped) for problem in synonyms.problems)


def read(folder: Path, text: str) -> Synonyms:
    path = folder / "_synonyms.csv"
    path.write_bytes(text.encode())
    return read_synonyms(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UnusableFileError) as caught:
        read(folder, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mfaを設定", "mfa多要素認証を設定"),
        ("二段階認証のmfa", "mfa多要素認証のmfa多要素認証"),
        ("mfa多要素認証を設定", "mfa多要素認証を設定"),  # it stands there already
        ("社内vpnとvpn", "社内vpnと社内vpn"),
        ("pwを忘れた", "パスワードを忘れた"),
        ("pwd, opw, pw2, p w", "pwd, opw, pw2, p w"),  # Latin phrases are whole words
        ("(pw)/pw_", "(パスワード)/パスワード_"),
        ("関係のない質問", "関係のない質問"),
        ("", ""),
    ],
)
def test_whole_phrases_are_replaced_once(text: str, expected: str) -> None:
    assert MFA.apply(text) == expected


def test_the_longest_phrase_wins() -> None:
    synonyms = Synonyms([("有給", "休暇"), ("有給休暇", "年次休暇"), ("sign in", "login"), ("sign in page", "portal")])
    assert synonyms.apply("有給と有給休暇") == "休暇と年次休暇"
    assert synonyms.apply("the sign in page and sign in") == "the portal and login"


def test_nothing_is_replaced_twice_so_circles_are_harmless() -> None:
    synonyms = Synonyms([("a社", "b社"), ("b社", "a社")])
    assert synonyms.apply("a社とb社") == "b社とa社"


def test_a_latin_target_does_not_run_into_its_neighbours() -> None:
    synonyms = Synonyms([("多要素認証", "mfa"), ("社内", "in-house")])
    assert synonyms.apply("windows多要素認証2段階") == "windows mfa 2段階"
    assert synonyms.apply("社内多要素認証") == "in-house mfa"


def test_phrases_are_no_patterns() -> None:
    synonyms = Synonyms([("c++", "シープラス"), (".net", "ドットネット"), ("(株)", "株式会社")])
    assert synonyms.apply("c++と.netとcpp") == "シープラスとドットネットとcpp"
    assert synonyms.apply(normalize("㈱と（株）")) == "株式会社と株式会社"


def test_rows_match_whatever_their_width_and_case() -> None:
    assert Synonyms([("ＰＣ", "ﾊﾟｿｺﾝ")]).apply(normalize("Ｐｃが重い")) == "パソコンが重い"


def test_the_pairs_found_are_told_as_written() -> None:
    assert MFA.applied("pwとmfaとpw") == (("PW", "パスワード"), ("MFA", "MFA多要素認証"))
    assert MFA.applied("mfa多要素認証") == ()
    assert Synonyms().applied("pw") == ()


def test_without_rows_nothing_changes() -> None:
    assert len(Synonyms()) == 0
    assert Synonyms().apply("pw") == "pw"


def test_the_digest_depends_on_what_is_replaced_only() -> None:
    assert Synonyms([("A", "b"), ("c", "d")]).digest == Synonyms([("ｃ", "d"), ("a", "B")]).digest
    assert len({Synonyms().digest, Synonyms([("a", "b")]).digest, Synonyms([("b", "a")]).digest}) == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932", "euc_jp", "utf-16"])
def test_a_file_is_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "_synonyms.csv"
    path.write_bytes("Original,NORMALIZED,備考\r\n二要素認証,多要素認証,説明です\r\n".encode(encoding))
    synonyms = read_synonyms(path)
    assert (len(synonyms), synonyms.problems) == (1, ())
    assert synonyms.apply("二要素認証") == "多要素認証"


def test_only_a_header_is_a_table_without_rows(tmp_path: Path) -> None:
    assert len(read(tmp_path, "original,normalized\n")) == 0


def test_bad_rows_are_left_out_and_named_by_line(tmp_path: Path) -> None:
    synonyms = read(
        tmp_path,
        'original,normalized\nPW,パスワード\n"a\nb",\n,c\nPC,ｐｃ\nｐｗ,暗証番号\npw,パスワード\nx,y,z\n入館証,カード\n',
    )
    assert len(synonyms) == 2
    assert synonyms.apply("pwと入館証") == "パスワードとカード"
    assert told(synonyms) == (
        (3, "original and normalized must both be filled in", True),
        (5, "original and normalized must both be filled in", True),
        (6, '"PC" and "ｐｃ" are the same to the search already; the row is not needed', True),
        (7, '"ｐｗ" becomes "パスワード" already in line 2; keep one of the two rows', True),
        (8, '"pw" becomes "パスワード" already in line 2; keep one of the two rows', True),
        (9, "3 fields, the header has 2; put quotation marks around a cell that contains the delimiter", True),
    )


def test_chains_are_pointed_out(tmp_path: Path) -> None:
    synonyms = read(tmp_path, "original,normalized\nPC,パソコン\nパソコン,端末\n")
    assert synonyms.apply("pcとパソコン") == "パソコンと端末"
    assert told(synonyms) == (
        (2, '"パソコン" becomes "端末" in line 3, but rows are not chained; write "端末" here', False),
    )


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    mend = "the first row must be original,normalized, each other row a word and what it stands for"
    assert refusal(tmp_path, "質問,回答\na,b\n") == f'_synonyms.csv: no column named "original"; {mend}'
    assert refusal(tmp_path, "original,to\na,b\n") == f'_synonyms.csv: no column named "normalized"; {mend}'
    assert refusal(tmp_path, "original,normalized,Original\na,b,c\n").startswith("_synonyms.csv: two columns")
    assert refusal(tmp_path, "") == "_synonyms.csv: the file is empty; give it a header row first"
    with pytest.raises(UnusableFileError, match="no such file"):
        read_synonyms(tmp_path / "gone.csv")


LATIN = "0123456789abcdefghijklmnopqrstuvwxyz"
PHRASES = st.text("abVPN2社内認証パ ー.+()", min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(st.tuples(PHRASES, PHRASES), max_size=6), st.text("abvpn2社内認証パ ー.+()", max_size=30))
def test_normalized_in_normalized_out_and_reported_as_done(pairs: list[tuple[str, str]], text: str) -> None:
    synonyms = Synonyms(pairs)
    before = normalize(text)
    after = synonyms.apply(before)
    assert normalize(after) == after
    if not synonyms.applied(before):
        assert after == before


@settings(deadline=None)
@given(st.text("abvpn2社内認証パ ー", max_size=30))
def test_applying_twice_changes_nothing_more_without_chains(text: str) -> None:
    synonyms = Synonyms([("vpn", "社内vpn接続"), ("認証", "認証a"), ("パ", "ab パ")])
    once = synonyms.apply(normalize(text))
    assert synonyms.apply(once) == once


@settings(deadline=None)
@given(st.lists(st.tuples(PHRASES, PHRASES), max_size=6), st.text("abvpn2社内認証パ ー.+()\0\ud800", max_size=30))
def test_the_first_and_longest_whole_phrase_is_found(pairs: list[tuple[str, str]], text: str) -> None:
    """As an expression with all phrases as alternatives finds them, which takes phrases x characters."""
    synonyms = Synonyms(pairs)
    phrases = {normalize(phrase) for pair in synonyms.pairs for phrase in pair}
    alternatives = [
        "".join(["(?<![0-9a-z])" * (phrase[0] in LATIN), re.escape(phrase), "(?![0-9a-z])" * (phrase[-1] in LATIN)])
        for phrase in sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    ]
    written = {normalize(original): (original, target) for original, target in synonyms.pairs}
    found = re.findall("|".join(alternatives), text) if alternatives else []
    assert synonyms.applied(text) == tuple(dict.fromkeys(written[phrase] for phrase in found if phrase in written))


def test_many_synonyms_cost_no_more_than_few(tmp_path: Path) -> None:
    """The time of a question, whatever the number of rows: with one expression it was 11 ms, and 16 s for an ack."""
    question = "how do i reset my password? " * 100
    few, many = (read(tmp_path, rows(count)) for count in (100, 50_000))
    assert len(many) == 50_000
    assert many.problems == ()
    few_seconds, many_seconds = (min(seconds(synonyms, question) for _ in range(5)) for synonyms in (few, many))
    assert many_seconds < 20 * few_seconds


def test_too_many_synonyms_are_cut_with_a_message(tmp_path: Path) -> None:
    synonyms = read(tmp_path, rows(100_000))
    [problem] = synonyms.problems
    assert len(synonyms) == problem.line - 2
    assert sum(len(original) + len(target) for original, target in synonyms.pairs) <= MOST_CHARACTERS
    assert str(problem.message).startswith("the rows above have 1,000,000 characters, as many as are used; this row")
    assert synonyms.apply("word1 is") == "w1 is"


@pytest.mark.parametrize("nested", ["社", "a", "a "])
def test_phrases_within_phrases_are_found_in_linear_time(nested: str) -> None:
    synonyms = Synonyms([(nested * count + "終", "x") for count in range(1, 1_000)])
    assert not slow(synonyms.apply)
    assert not slow(lambda text: synonyms.apply(text.replace(text[:1], nested)))


def rows(count: int) -> str:
    return "original,normalized\n" + "".join(f"word{number},w{number}\n" for number in range(count))


def seconds(synonyms: Synonyms, question: str) -> float:
    started = time.thread_time()
    synonyms.apply(question)
    return time.thread_time() - started

import pytest

from indexes.retrieval.chunking import chunks


def test_a_short_answer_is_its_only_part() -> None:
    assert chunks("Restart it.") == ("Restart it.",)
    assert chunks("") == ("",)


@pytest.mark.parametrize(
    ("answer", "width"),
    [
        ("Sentence number one. Is it two? Yes! " * 60, 500),
        ("再起動します。直りましたか？はい！" * 60, 180),
        ("x" * 3_000, 500),
        ("Version 3.11 of node.js\n\n" * 80, 500),
    ],
)
def test_parts_are_whole_sentences_that_fit_and_lose_nothing(answer: str, width: int) -> None:
    found = chunks(answer)
    assert len(found) > 1
    assert max(map(len, found)) <= width
    assert "".join("".join(found).split()) == "".join(answer.split())
    assert all(part in answer for part in found)


def test_sentences_are_not_cut() -> None:
    found = chunks("これは一つの文です。" * 40)
    assert all(part.endswith("。") for part in found)


def test_a_very_long_answer_has_a_limit() -> None:
    assert len(chunks("x" * 100_000)) == 24


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("Ask 田中 at the desk on the first floor. " * 60, 500),
        ("Excel のマクロを有効にして、ブックを開き直してください。" * 60, 180),
        ("비밀번호를 잊어버린 경우 관리자에게 문의하세요. " * 60, 180),
    ],
)
def test_parts_are_as_long_as_the_letters_of_most_of_the_text_allow(text: str, width: int) -> None:
    longest = max(map(len, chunks(text)))
    assert width / 2 < longest <= width

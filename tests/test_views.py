"""Messages and tabs as Slack would take them, whatever is in the records."""

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.playground import live_mentions
from bot.playground.slack.block_kit.validation import check_message_blocks, check_view
from bot.playground.slack.text import visible_text
from handlers.answers.views import guide
from handlers.answers.views.answers import answer, folded, volunteered
from handlers.answers.views.reactions import VOTES
from handlers.home.views import home
from handlers.result import Entry, ReplyOptions, Result
from handlers.slack.blocks import Message
from handlers.texts import ENGLISH, JAPANESE, Texts
from indexes.records import Record

PARTS = [
    "<!channel>",
    "<@U0123456789>",
    "&",
    "<",
    "*",
    "https://example.com/?a=1&b=2",
    "😀",
    "長い文",
    "\n",
    "word ",
    "x" * 200,
]
cells = st.builds(
    lambda parts, times: ("".join(parts) * times).strip(),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=6),
    st.sampled_from([1, 1, 3, 100]),
)
maybe = st.just("") | cells
records = st.builds(
    Record,
    id=st.just("r"),
    question=maybe,
    answer=cells.filter(bool),
    category=maybe,
    url=maybe | cells.map(lambda text: f"https://example.com/{text}") | st.just("https://example.com/" + "&" * 600),
    updated=maybe,
    owner=maybe,
    details=st.dictionaries(cells, maybe, max_size=7),
)
entries = st.builds(Entry, st.none() | records, cells, st.sampled_from([0.0, 0.39, 0.4, 0.7, 0.9, 1.0]))
results = st.builds(
    Result,
    question=cells,
    entries=st.lists(entries, max_size=3),
    threshold=st.just(0.9),
    question_id=st.none() | st.just(2**31),
)
languages = st.sampled_from([ENGLISH, JAPANESE])


def assert_legal(message: Message) -> None:
    check_message_blocks(message.payload())
    assert 0 < len(message.text) <= 4000
    assert live_mentions({"text": message.text, "blocks": message.payload()}) == []


votes = st.dictionaries(st.sampled_from(["U1", "U2", "U3"]), st.sampled_from([*VOTES, "none", "hit_1", "hit_2"]))
found = st.none() | st.just("") | st.just("https://kotae.slack.com/archives/C1/p1?thread_ts=1.2&cid=C1")
surroundings = st.builds(
    ReplyOptions,
    reader=st.sampled_from(["", "U1"]),
    restate=st.booleans(),
    channel=st.sampled_from(["", "C1"]),
    ask=st.booleans(),
    edit=st.booleans(),
    votes=votes,
    shared=found,
    asked=found,
)


@given(results, languages, surroundings, st.none() | st.frozensets(st.integers(1, 3)))
@settings(max_examples=100, deadline=None)
def test_every_answer_is_legal(
    result: Result, texts: Texts, setting: ReplyOptions, shown: frozenset[int] | None
) -> None:
    assert_legal(answer(result, texts, setting, shown))


@given(results.filter(lambda result: bool(result.entries)), languages)
@settings(max_examples=50, deadline=None)
def test_every_volunteered_and_folded_answer_is_legal(result: Result, texts: Texts) -> None:
    assert_legal(volunteered(result, texts))
    assert_legal(folded(result, texts))


@given(
    results,
    st.lists(records, max_size=5),
    st.lists(st.tuples(cells, st.lists(cells, max_size=6)), max_size=25),
    languages,
)
@settings(max_examples=25, deadline=None, phases=[Phase.generate])
def test_every_home_tab_is_legal(
    result: Result, often: list[Record], known: list[tuple[str, list[str]]], texts: Texts
) -> None:
    topics = [guide.Topic(name, 3, tuple(categories)) for name, categories in known]
    most = [home.Often("kb", record, 7) for record in often]
    view = home.home(
        topics, most, answer(result, texts, ReplyOptions("U1", restate=True, in_view=True)), "/search", "<@UBOT>", texts
    )
    check_view(view.to_dict())
    assert set(live_mentions(view.to_dict())) <= {"<@UBOT>"}
    check_message_blocks(guide.usage("/search", "<@UBOT>", topics, texts).payload())
    check_message_blocks(guide.introduction("/search", "<@UBOT>", topics, texts).payload())


# -- What exactly is shown -------------------------------------------------------------------------


def entry(number: int, confidence: float, **fields: Any) -> Entry:
    facts = {"id": f"r{number}", "question": f"Question {number}", "answer": f"Answer {number}", **fields}
    return Entry(Record(**facts), "kb", confidence)


def shown(message: Message) -> list[str]:
    return visible_text(message.payload()).splitlines()


def test_a_sure_answer() -> None:
    result = Result("why?", [entry(1, 0.953), entry(2, 0.2), entry(3, 0.1)], 0.9, 17)
    assert shown(answer(result, ENGLISH, ReplyOptions("U1", restate=True))) == [
        ":mag: why?",
        "Question 1",
        "Answer 1",
        "Strong match (95%) · from kb",
        "Also close:",
        "Question 2",
        "Show",
        "Question 3",
        "Show",
        "👍 Helpful",
        "👎 Not helpful",
    ]


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.9, "Strong match (90%)"), (0.89, "Possible match (89%)"), (0.4, "Possible match (40%)")],
)
def test_the_strength_in_words(confidence: float, words: str) -> None:
    message = answer(Result("why?", [entry(1, confidence)], 0.9, 17), ENGLISH)
    assert f"{words} · from kb" in shown(message)


def test_an_uncertain_answer_has_everything_folded() -> None:
    message = answer(Result("why?", [entry(1, 0.39), entry(2, 0.1)], 0.9, 17), ENGLISH)
    assert shown(message)[:5] == [
        "I found nothing certain. The closest are:",
        "Question 1",
        "Show",
        "Question 2",
        "Show",
    ]
    assert message.text == "I found nothing certain. The closest are:"


def test_answers_of_which_one_is_likely_the_right_one_are_begun() -> None:
    records = [Record(str(number), f"Question {number}", f"Do *this*\n{number} times.") for number in (1, 2)]
    found = [Entry(record, "kb", confidence) for record, confidence in zip(records, (0.35, 0.2), strict=True)]
    assert shown(answer(Result("why?", found, 0.9, 17), ENGLISH))[:5] == [
        "I found nothing certain, but it is probably one of these:",
        "Question 1",
        "> Do *this* 1 times.",
        "Show",
        "Question 2",
    ]


def test_no_answer_at_all() -> None:
    message = answer(Result("why?", [], 0.9, 17), ENGLISH)
    assert shown(message) == ["I found nothing about this. Try other words, or ask a colleague."]


def test_everything_a_record_says_about_itself() -> None:
    first = entry(
        1,
        1.0,
        category="IT",
        url="https://example.com/",
        updated="2026-04-01",
        owner="Desk",
        details={"Note": "n", "Empty": ""},
    )
    assert shown(answer(Result("why?", [first], 0.9, 17), ENGLISH))[2:4] == [
        "Note: n",
        "Strong match (100%) · from kb · IT · updated 2026-04-01 · owner: Desk · <https://example.com/|link>",
    ]


def test_without_a_question_the_answer_stands_alone() -> None:
    message = answer(Result("why?", [entry(1, 1.0, question="", answer="Only text.\nMore.")], 0.9, 17), ENGLISH)
    assert shown(message)[:2] == ["Only text.", "More."]


def test_what_could_not_be_remembered_has_no_buttons() -> None:
    result = Result("why?", [entry(1, 1.0), entry(2, 0.1)], 0.9, None)
    for message in (answer(result, ENGLISH), volunteered(result, ENGLISH)):
        assert "button" not in str(message.payload())


def test_buttons_carry_the_question_and_the_ranks_to_show() -> None:
    message = answer(Result("why?", [entry(1, 1.0), entry(2, 0.1), entry(3, 0.1)], 0.9, 17), ENGLISH)
    values = {block["accessory"]["value"] for block in message.payload() if "accessory" in block}
    assert values == {"17:12", "17:13"}


def test_a_removed_record_is_said_to_be_gone() -> None:
    gone = Entry(None, "kb", 1.0)
    message = answer(Result("why?", [gone, entry(2, 0.1)], 0.9, 17), ENGLISH)
    assert shown(message)[0] == "_This entry has been changed or removed since._"
    assert shown(volunteered(Result("why?", [gone], 0.9, 17), JAPANESE)) == [
        "_この項目はその後、変更または削除されました。_"
    ]


def test_a_folded_answer_names_what_was_folded() -> None:
    assert shown(folded(Result("why?", [entry(1, 1.0)], 0.9, 17), ENGLISH)) == ["Folded away: Question 1", "Show again"]
    assert shown(folded(Result("why?", [], 0.9, 17), ENGLISH))[0] == "Folded away: why?"


def test_a_knowledge_base_is_summed_up_by_its_most_frequent_categories() -> None:
    rows = [Record(id=str(n), question="q", answer="a", category=category) for n, category in enumerate("bbbaacdefg")]
    rows.append(Record(id="x", question="q", answer="a"))
    assert guide.topic("kb", rows) == guide.Topic("kb", 11, ("b", "a", "c", "d", "e"))

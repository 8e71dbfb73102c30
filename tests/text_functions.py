"""The functions that take a text, and how each is called with one: what test_linear_functions runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.playground.slack import text as playground_text
from bot.playground.slack.sample_workspace import sample_workspace
from bot.playground.terminal import mrkdwn as terminal
from handlers import learned, misses, uploads
from handlers.journal.learned import phrasing_id
from handlers.texts import ENGLISH, for_question
from handlers.views import answers, editing, message, published, reading, rich, text, written
from handlers.views import learned as learned_views
from handlers.views.results import Entry, Result
from indexes import export, grouping, matching, names, snapshot, synonyms, tokens
from indexes import text as indexed_text
from indexes.confidence import judge
from indexes.index import Hit, Index, Question
from indexes.parts import parts
from indexes.records import Record, checking, columns, habits, parse_records
from indexes.records.layout import Layout, encodable
from indexes.synonyms import Synonyms

WORKSPACE = sample_workspace("Kotae")
NOW = datetime(2026, 1, 31, tzinfo=UTC)
FILE = Path("faq.csv")
FEW = 10


def quoted(cell: str) -> bytes:
    """Return a CSV with the text in a cell."""
    written_cell = '"' + cell.replace('"', '""') + '"'
    return f"id,question,answer\nA-1,{written_cell},{written_cell}\n".encode("utf-8", "surrogatepass")


def records(cell: str) -> tuple[Record, ...]:
    """Return what a CSV with the text in its cells is read as; a text that is blank is no row."""
    return parse_records(quoted(f"q {cell}"), FILE).records


def laid_out(cell: str) -> object:
    """Lay a CSV out that has the text in its cells, and take its row apart."""
    data = quoted(f"q {cell}")
    layout = Layout.of(data, parse_records(data, FILE))
    return layout.cells(2), layout.appended({"question": f"other {cell}"}), layout.changed(2, {"answer": f"a {cell}"})


def result(cell: str) -> Result:
    """Return a hit that has the text in every cell, found with the text as the question."""
    record = Record("1", cell, cell, category=cell, url=cell, updated=cell, owner=cell, details={cell: cell})
    return Result(cell, [Entry(record, "faq", 0.95)], 0.9, 7)


def searched(cell: str) -> object:
    """Search for the text in an index of records that have it."""
    index = Index("faq", [Record("1", cell, cell, aliases=(cell,)), Record("2", "other", "thing")], Synonyms())
    question = Question(cell, indexed_text.normalize(cell))
    return judge(question, index.search(question))


def judged(cell: str) -> object:
    """Judge a hit that has the text in its cells."""
    record = Record("1", cell, cell, aliases=(cell,), keywords=(cell,))
    return judge(Question(cell, cell), [Hit(record, "faq", 0.5, None, 0.5, 0.5)] * 2)


SYNONYMS = Synonyms([("vpn", "virtual network"), ("ア", "イ"), ("a-", "b"), ("1.", "one"), ("  ", "x")])

RUN: dict[str, Callable[[str], object]] = {
    "bot.playground.terminal.mrkdwn.clean": terminal.clean,
    "bot.playground.terminal.mrkdwn.plain": terminal.plain,
    "bot.playground.terminal.mrkdwn.mrkdwn": lambda cell: terminal.mrkdwn(cell, WORKSPACE),
    "bot.playground.terminal.mrkdwn.snippet": lambda cell: terminal.snippet(cell, WORKSPACE),
    "bot.playground.terminal.mrkdwn.cuts": lambda cell: terminal.cuts(cell, 80),
    "bot.playground.slack.text.escape": playground_text.escape,
    "bot.playground.slack.text.as_typed": lambda cell: playground_text.as_typed(cell, {"@": "U1"}.get),
    "bot.playground.slack.text.separate_mention": lambda cell: playground_text.separate_mention(cell, "Kotae"),
    "handlers.journal.learned.phrasing_id": lambda cell: phrasing_id("faq", "1", cell),
    "handlers.learned.may_learn": lambda cell: learned.may_learn(Record("1", cell, cell, aliases=(cell,)), f"x{cell}"),
    "handlers.misses.looks_like_a_question": misses.looks_like_a_question,
    "handlers.texts.for_question": for_question,
    "handlers.uploads.new_name": uploads.new_name,
    "handlers.views.answers.headline": answers.headline,
    "handlers.views.editing.digest": editing.digest,
    "handlers.views.learned.offer": lambda cell: learned_views.offer(cell, cell, 1, ENGLISH),
    "handlers.views.message.section": message.section,
    "handlers.views.message.context": message.context,
    "handlers.views.message.menu_key": message.menu_key,
    "handlers.views.message.notice": message.notice,
    "handlers.views.message.fitting": lambda cell: message.fitting(cell.split(" "), ENGLISH),
    "handlers.views.message.listed": lambda cell: message.listed(cell.split(" "), ENGLISH),
    "handlers.views.published.shared": lambda cell: published.shared(result(cell), frozenset({1}), cell, ENGLISH),
    "handlers.views.published.call": lambda cell: published.call(1, cell, cell, ["U1"], [cell] * 3, ENGLISH),
    "handlers.views.published.closed": lambda cell: published.closed(1, cell, cell, ENGLISH),
    "handlers.views.rich.rich": lambda cell: rich.rich(cell, cell, cell),
    "handlers.views.rich.matched": lambda cell: rich.matched(cell, cell, f"x{cell}"),
    "handlers.views.text.length": text.length,
    "handlers.views.text.escape": text.escape,
    "handlers.views.text.mrkdwn": lambda cell: text.mrkdwn(cell, 3_000),
    "handlers.views.text.one_line": lambda cell: text.one_line(cell, 3_000),
    "handlers.views.text.bold": lambda cell: text.bold(cell, 3_000),
    "handlers.views.text.link": lambda cell: text.link(f"https://{cell}", cell),
    "handlers.views.text.safe_address": text.safe_address,
    "handlers.views.text.beginning": lambda cell: text.beginning(cell, 1_000),
    "handlers.views.text.is_address": text.is_address,
    "handlers.views.text.as_written": text.as_written,
    "handlers.views.text.unescaped": text.unescaped,
    "handlers.views.text.plain": text.plain,
    "handlers.views.text.has_words": text.has_words,
    "handlers.views.written.parse": written.parse,
    "handlers.views.written.tidy": written.tidy,
    "indexes.export.export_table": lambda cell: export.export_table(quoted(cell), "faq.csv"),
    "indexes.grouping.by_letters": lambda cell: grouping.by_letters([cell, f"x{cell}"]),
    "indexes.names.composed": names.composed,
    "indexes.names.folded": names.folded,
    "indexes.names.find_name": lambda cell: names.find_name(cell, ["faq", cell]),
    "indexes.names.same_name": lambda cell: names.same_name(cell, f"x{cell}"),
    "indexes.parts.parts": parts,
    "indexes.records.checking.alike": lambda cell: [list(found) for found in checking.alike([cell, f"x{cell}"])],
    "indexes.records.checking.numbers": checking.numbers,
    "indexes.records.columns.is_known": columns.is_known,
    "indexes.records.columns.assign_roles": lambda cell: columns.assign_roles(["question", cell], "faq.csv"),
    "indexes.records.columns.refuse_duplicates": lambda cell: columns.refuse_duplicates(["question", cell], "faq.csv"),
    "indexes.records.habits.next_id": lambda cell: habits.next_id([cell] * FEW),
    "indexes.records.habits.written_today": lambda cell: habits.written_today([cell] * FEW, NOW),
    "indexes.records.layout.encodable": lambda cell: encodable(parse_records(quoted("q"), FILE), "answer", cell),
    "indexes.snapshot.passage_key": snapshot.passage_key,
    "indexes.synonyms.parse_synonyms": lambda cell: synonyms.parse_synonyms(
        quoted(f"x{cell}").replace(b"id,question,answer", b"id,original,normalized"), "s.csv"
    ),
    "indexes.text.in_form": lambda cell: indexed_text.in_form("NFC", cell),
    "indexes.text.normalize": indexed_text.normalize,
    "indexes.text.sameness": indexed_text.sameness,
    "indexes.text.is_japanese": indexed_text.is_japanese,
    "indexes.tokens.words": lambda cell: list(tokens.words(cell)),
    "indexes.tokens.word_key": tokens.word_key,
    "indexes.tokens.runs": lambda cell: list(tokens.runs(cell)),
    "indexes.tokens.count_words": tokens.count_words,
    "indexes.tokens.script_tokens": lambda cell: tokens.script_tokens([cell, cell]),
    "indexes.tokens.character_tokens": lambda cell: tokens.character_tokens([cell, cell]),
}
"""By module and name."""

PATHS: dict[str, Callable[[str], object]] = {
    "a CSV is read": records,
    "a CSV is edited": laid_out,
    "a CSV is searched": searched,
    "a hit is judged": judged,
    "an answer is shown": lambda cell: answers.answer(result(cell), ENGLISH),
    "an answer is volunteered": lambda cell: answers.volunteered(result(cell), ENGLISH),
    "an answer is folded away": lambda cell: answers.folded(result(cell), ENGLISH),
    "a whole answer is shown": lambda cell: reading.whole(result(cell).entries[0], ENGLISH),
    "words are marked": lambda cell: list(matching.Matcher(cell).spans(f"x{cell}")),
    "synonyms are applied": lambda cell: (SYNONYMS.apply(cell), SYNONYMS.applied(cell)),
}
"""Where a text goes in with something around it."""

NOT_A_TEXT: dict[str, tuple[str, ...]] = {
    "names, ids, addresses and values of the configuration, or what an admin typed behind /kb": (
        "bot.env_file",
        "bot.settings",
        "handlers.downloads",
        "handlers.journal.forgetting",
        "handlers.learned",
        "handlers.misses",
        "handlers.pending",
        "handlers.texts.for_locale",
        "handlers.uploads",
        "handlers.versions",
        "handlers.views.dashboard",
        "handlers.views.message.button",
        "handlers.views.text.person",
        "handlers.views.uploads",
        "handlers.views.versions",
        "indexes.records.decoding",
        "indexes.records.table",
    ),
    "counts, names and states that are laid out; texts in them go through views.text": (
        "handlers.views.admin",
        "handlers.views.answers.folded",
        "handlers.views.answers.volunteered",
        "handlers.views.editing",
        "handlers.views.guide",
        "handlers.views.home",
        "handlers.views.misses",
        "handlers.views.proposals",
        "handlers.views.reactions",
        "handlers.views.reasons",
        "handlers.views.removal",
        "handlers.views.reports",
        "handlers.views.settings",
        "handlers.views.waiting",
    ),
    "the local Slack's terminal draws messages, whose texts are 3,000 characters at most": (
        "bot.playground.terminal.mrkdwn",
    ),
    "run as a whole, among PATHS": ("indexes.confidence.judge", "indexes.records.editing"),
    "the same as by_letters, with vectors": ("indexes.grouping.by_meaning",),
}
"""Functions, and modules in which no other function takes a text, by the reason why they are not run."""

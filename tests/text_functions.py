"""The functions that take a text, and how each is called with one: what test_linear_functions runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot import logs
from bot.playground.slack import text as playground_text
from bot.playground.slack.sample_workspace import sample_workspace
from bot.playground.terminal import mrkdwn as terminal
from handlers.admin import quiet
from handlers.answers.views import answers, full_answer, published
from handlers.entries.views import editing
from handlers.files import sources
from handlers.images import blocks as images
from handlers.learning import learned_aliases, misses
from handlers.learning.store.learned_aliases import alias_id
from handlers.learning.views import learned_aliases as learned_views
from handlers.result import Entry, Result
from handlers.slack import blocks, markup_parser, mrkdwn, rich_text
from handlers.slack.message_text import message_text
from handlers.store import psycopg_connection
from handlers.texts import ENGLISH, for_question, for_questions
from handlers.typeahead.views import form
from indexes import names
from indexes import text as indexed_text
from indexes.clarification.labels import labels
from indexes.completion import romaji
from indexes.completion.completion import complete
from indexes.completion.nearness import nearness
from indexes.confidence.confidence import with_confidence
from indexes.confidence.decision import reasons
from indexes.confidence.explanation import explain, format_explanation
from indexes.loaded import LoadedKnowledgeBase
from indexes.records import (
    Record,
    Source,
    checking,
    columns,
    conventions,
    dates,
    has_answer,
    header_names,
    owners,
    parse_records,
    pictures,
    placeholders,
)
from indexes.records.cells import cell_text
from indexes.records.csv_editor import CsvEditor, encodable
from indexes.records.entities import question_text, without_entities, without_tags
from indexes.registry import unknown_knowledge_base
from indexes.retrieval import clustering, folding, highlighting, readings, synonyms, tokens
from indexes.retrieval.chunking import chunks
from indexes.retrieval.details import shared_with_details
from indexes.retrieval.index import Hit, Index, Question
from indexes.retrieval.lexical import LexicalIndex
from indexes.retrieval.synonyms import Synonyms
from indexes.storage import export, round_trip, snapshot, stored_index
from indexes.storage.import_preview import preview_knowledge_base
from indexes.synonym_mining import terms
from indexes.synonym_mining.cases import KnownQuestion
from indexes.synonym_mining.knowledge import Knowledge, as_written
from indexes.synonym_mining.mining import mine

WORKSPACE = sample_workspace("Kotae")
NOW = datetime(2026, 1, 31, tzinfo=UTC)
FILE = Path("faq.csv")
FEW = 10


def quoted(cell: str) -> bytes:
    """Return a CSV with the text in a cell."""
    written_cell = '"' + cell.replace('"', '""') + '"'
    return f"id,question,answer\nA-1,{written_cell},{written_cell}\n".encode("utf-8", "surrogatepass")


def stored(cell: str) -> object:
    """Store a knowledge base that has the text in its cells, and read its records again."""
    base = parse_records(quoted(f"q {cell}"), FILE)
    sections = stored_index.sections_of(base, Index("faq", base.records, Synonyms()), {})
    again, _, _ = stored_index.opened(Source("faq", FILE), base.digest, sections, Synonyms())
    return tuple(again.records)


def records(cell: str) -> Sequence[Record]:
    """Return what a CSV with the text in its cells is read as; a text that is blank is no row."""
    return parse_records(quoted(f"q {cell}"), FILE).records


def sent_back(cell: str) -> object:
    """Upload a CSV again that has the text in its cells."""
    data, source = quoted(cell), Source("faq", FILE)
    file, exported, ids = export.tables(data, source, ())
    rows = [file.header, *zip(*exported.columns, strict=True), ("A-2", f"'{cell}", cell)]
    return round_trip.take_back(rows, file, exported, ids)


def laid_out(cell: str) -> object:
    """Lay a CSV out that has the text in its cells, and take its row apart."""
    data = quoted(f"q {cell}")
    editor = CsvEditor.of(data, parse_records(data, FILE))
    return editor.cells(2), editor.appended({"question": f"other {cell}"}), editor.changed(2, {"answer": f"a {cell}"})


def result(cell: str) -> Result:
    """Return a hit that has the text in every cell, found with the text as the question."""
    record = Record("1", cell, cell, category=cell, url=cell, updated=cell, owner=cell, details={cell: cell})
    return Result(cell, [Entry(record, "faq", 0.95)], 0.9, 7)


def asking_back(cell: str) -> Result:
    """Return two hits to choose from, with the text in every cell and as their labels."""
    [entry] = result(cell).entries
    return replace(result(cell), entries=[replace(entry, label=cell)] * 2)


def pictured(cell: str) -> Record:
    """Return a record that has the text wherever it may name a picture."""
    return Record("1", cell, f"{cell} ![{cell}](https://{cell})", image=f"![{cell}](https://{cell}) https://{cell}")


def searched(cell: str) -> object:
    """Search for the text in an index of records that have it."""
    index = Index("faq", [Record("1", cell, cell, aliases=(cell,)), Record("2", "other", "thing")], Synonyms())
    question = Question(cell, indexed_text.normalize(cell))
    return with_confidence(question, index.search(question))


def explained(cell: str) -> object:
    """Explain the hit of a question that is the text."""
    index = Index("faq", [Record("1", cell, cell), Record("2", "other", "thing")], SYNONYMS)
    question = Question(cell, indexed_text.normalize(cell))
    hits = with_confidence(question, index.search(question))
    return [format_explanation(explain(index, question, hit)) for hit in hits[:1]], reasons(question, hits, 0.9)


def previewed(cell: str) -> object:
    """Compare a CSV that has the text in its cells with one that has it with something before it."""
    before = parse_records(quoted(f"p {cell}"), FILE).records
    return preview_knowledge_base(Source("faq", FILE), quoted(f"q {cell}"), FILE.name, before)


def judged(cell: str) -> object:
    """Judge a hit that has the text in its cells."""
    record = Record("1", cell, cell, aliases=(cell,), keywords=(cell,))
    return with_confidence(Question(cell, cell), [Hit(record, "faq", 0.5, None, 0.5, 0.5)] * 2)


def mined(cell: str) -> object:
    """Look for synonyms where the text is in questions and cells."""
    records = [Record(str(n), f"{cell} {n}", cell, aliases=(cell,)) for n in range(3)]
    questions = [KnownQuestion(n, f"{cell} laptop {n}", "faq", str(n), f"U{n}") for n in range(3)]
    return mine({"faq": Knowledge(records, LexicalIndex(records, Synonyms()))}, questions, Synonyms())


SYNONYMS = Synonyms([("vpn", "virtual network"), ("ア", "イ"), ("a-", "b"), ("1.", "one"), ("  ", "x")])


def completed(cell: str) -> object:
    """Complete the text to a row that has it in its cells."""
    base = parse_records(quoted(f"q {cell}"), FILE)
    index = Index("faq", base.records, Synonyms())
    loaded = {"faq": LoadedKnowledgeBase(Source("faq", FILE), base, index, None, 0.0, None)}
    return complete(loaded, ["faq"], cell, FEW)


RUN: dict[str, Callable[[str], object]] = {
    "bot.logs.without_secrets": logs.without_secrets,
    "bot.playground.terminal.mrkdwn.clean": terminal.clean,
    "bot.playground.terminal.mrkdwn.plain": terminal.plain,
    "bot.playground.terminal.mrkdwn.mrkdwn": lambda cell: terminal.mrkdwn(cell, WORKSPACE),
    "bot.playground.terminal.mrkdwn.snippet": lambda cell: terminal.snippet(cell, WORKSPACE),
    "bot.playground.terminal.mrkdwn.cuts": lambda cell: terminal.cuts(cell, 80),
    "bot.playground.slack.text.escape": playground_text.escape,
    "bot.playground.slack.text.as_typed": lambda cell: playground_text.as_typed(cell, {"@": "U1"}.get),
    "bot.playground.slack.text.separate_mention": lambda cell: playground_text.separate_mention(cell, "Kotae"),
    "handlers.learning.store.learned_aliases.alias_id": lambda cell: alias_id("faq", "1", cell),
    "handlers.learning.learned_aliases.may_be_alias": lambda cell: learned_aliases.may_be_alias(
        Record("1", cell, cell, aliases=(cell,)), f"x{cell}"
    ),
    "handlers.admin.quiet.span": quiet.span,
    "handlers.learning.misses.looks_like_a_question": misses.looks_like_a_question,
    "handlers.texts.for_question": for_question,
    "handlers.texts.for_questions": lambda cell: for_questions([cell, cell]),
    "handlers.files.sources.new_name": sources.new_name,
    "handlers.answers.views.answers.headline": answers.headline,
    "handlers.entries.views.editing.digest": editing.digest,
    "handlers.learning.views.learned_aliases.offer": lambda cell: learned_views.offer(cell, cell, 1, ENGLISH),
    "handlers.images.blocks.as_link": lambda cell: images.as_link(f"https://{cell}", cell),
    "indexes.records.pictures.hindrance": lambda cell: pictures.hindrance(f"https://{cell}"),
    "indexes.records.pictures.has_address": pictures.has_address,
    "indexes.records.pictures.picture_problems": lambda cell: list(pictures.picture_problems(pictured(cell), cell)),
    "handlers.slack.blocks.section": blocks.section,
    "handlers.slack.blocks.context": blocks.context,
    "handlers.slack.blocks.menu_key": blocks.menu_key,
    "handlers.slack.blocks.notice": blocks.notice,
    "handlers.slack.blocks.fitting": lambda cell: blocks.fitting(cell.split(" "), ENGLISH),
    "handlers.slack.blocks.listed": lambda cell: blocks.listed(cell.split(" "), ENGLISH),
    "handlers.answers.views.published.shared": lambda cell: published.shared(
        result(cell), frozenset({1}), cell, ENGLISH
    ),
    "handlers.answers.views.published.call": lambda cell: published.call(1, cell, cell, ["U1"], [cell] * 3, ENGLISH),
    "handlers.answers.views.published.closed": lambda cell: published.closed(1, cell, cell, ENGLISH),
    "handlers.slack.rich_text.rich": lambda cell: rich_text.rich(cell, cell, cell),
    "handlers.slack.rich_text.matched": lambda cell: rich_text.matched(cell, cell, f"x{cell}"),
    "handlers.slack.mrkdwn.length": mrkdwn.length,
    "handlers.slack.mrkdwn.escape": mrkdwn.escape,
    "handlers.slack.mrkdwn.mrkdwn": lambda cell: mrkdwn.mrkdwn(cell, 3_000),
    "handlers.slack.mrkdwn.one_line": lambda cell: mrkdwn.one_line(cell, 3_000),
    "handlers.slack.mrkdwn.bold": lambda cell: mrkdwn.bold(cell, 3_000),
    "handlers.slack.mrkdwn.link": lambda cell: mrkdwn.link(f"https://{cell}", cell),
    "handlers.slack.mrkdwn.safe_address": mrkdwn.safe_address,
    "handlers.slack.mrkdwn.beginning": lambda cell: mrkdwn.beginning(cell, 1_000),
    "handlers.slack.mrkdwn.is_address": mrkdwn.is_address,
    "handlers.slack.mrkdwn.mentions_somebody": mrkdwn.mentions_somebody,
    "handlers.slack.mrkdwn.as_written": mrkdwn.as_written,
    "handlers.slack.mrkdwn.unescaped": mrkdwn.unescaped,
    "handlers.slack.mrkdwn.plain": mrkdwn.plain,
    "handlers.slack.mrkdwn.has_words": mrkdwn.has_words,
    "handlers.slack.markup_parser.parse": markup_parser.parse,
    "handlers.slack.message_text.message_text": lambda cell: [
        message_text({"text": f"<@U1> {cell}", "blocks": [{"type": "rich_text_section", "text": cell}]}),
        message_text({"text": "", "attachments": [{"is_share": True, "text": cell}]}),
    ],
    "handlers.slack.markup_parser.tidy": markup_parser.tidy,
    "indexes.storage.round_trip.table_without_export": lambda cell: round_trip.table_without_export(
        quoted(cell), ",", FILE, quoted(cell)
    ),
    "indexes.storage.round_trip.take_back": sent_back,
    "indexes.storage.export.harmless": export.harmless,
    "indexes.storage.export.export_table": lambda cell: export.export_table(quoted(cell), "faq.csv"),
    "indexes.retrieval.clustering.group_by_letters": lambda cell: clustering.group_by_letters([cell, f"x{cell}"]),
    "indexes.names.composed": names.composed,
    "indexes.names.folded": names.folded,
    "indexes.names.find_name": lambda cell: names.find_name(cell, ["faq", cell]),
    "indexes.names.without_ending": names.without_ending,
    "indexes.names.same_name": lambda cell: names.same_name(cell, f"x{cell}"),
    "indexes.retrieval.chunking.chunks": chunks,
    "indexes.records.checking.similar_pairs": lambda cell: [
        list(found) for found in checking.similar_pairs([cell, f"x{cell}"])
    ],
    "indexes.clarification.labels.labels": lambda cell: labels(
        cell, [Record("1", cell, cell, details={"note": cell}), Record("2", f"x{cell}", cell, details={"note": cell})]
    ),
    "indexes.records.checking.numbers": checking.numbers,
    "indexes.records.dates.read_day": dates.read_day,
    "indexes.records.dates.read_days": lambda cell: dates.read_days([cell, f"1/2/{cell}"]),
    "indexes.records.dates.day_comes_first": lambda cell: dates.day_comes_first([cell] * FEW),
    "indexes.records.owners.named_owners": owners.named_owners,
    "indexes.records.owners.without_ids": owners.without_ids,
    "indexes.records.placeholders.is_placeholder": placeholders.is_placeholder,
    "indexes.records.columns.is_known": columns.is_known,
    "indexes.records.header_names.read_header": header_names.read_header,
    "indexes.records.header_names.bare": header_names.bare,
    "indexes.records.cells.cell_text": cell_text,
    "indexes.records.entities.without_entities": without_entities,
    "indexes.records.entities.without_tags": without_tags,
    "indexes.records.entities.question_text": question_text,
    "indexes.records.columns.named_columns": lambda cell: columns.named_columns(["question", cell], {}, "faq.csv"),
    "indexes.records.columns.guess_columns": lambda cell: columns.guess_columns(["x", cell], [[cell]] * 2, {}),
    "indexes.records.columns.data_in_header": lambda cell: columns.data_in_header([cell, "x"], [[f"x{cell}"]] * 2),
    "indexes.records.columns.other_separator": lambda cell: columns.other_separator([cell], [cell]),
    "indexes.records.columns.usual_names": lambda cell: columns.usual_names([cell]),
    "indexes.records.columns.no_columns": lambda cell: columns.no_columns([cell], "faq.csv"),
    "indexes.records.columns.closest_name": lambda cell: columns.closest_name("answer", [cell, f"x{cell}"]),
    "indexes.records.columns.refuse_duplicates": lambda cell: columns.refuse_duplicates(["question", cell], "faq.csv"),
    "indexes.records.conventions.next_id": lambda cell: conventions.next_id([cell] * FEW),
    "indexes.records.conventions.format_date": lambda cell: conventions.format_date([cell] * FEW, NOW),
    "indexes.records.csv_editor.encodable": lambda cell: encodable(parse_records(quoted("q"), FILE), "answer", cell),
    "handlers.store.psycopg_connection.storable": psycopg_connection.storable,
    "indexes.storage.stored_index.sections_of": stored,
    "indexes.storage.stored_index.opened": stored,
    "indexes.storage.snapshot.passage_key": snapshot.passage_key,
    "indexes.retrieval.synonyms.parse_synonyms": lambda cell: synonyms.parse_synonyms(
        quoted(f"x{cell}").replace(b"id,question,answer", b"id,original,normalized"), "s.csv"
    ),
    "indexes.text.unicode_form": lambda cell: indexed_text.unicode_form("NFC", cell),
    "indexes.text.normalize": indexed_text.normalize,
    "indexes.text.match_key": indexed_text.match_key,
    "indexes.text.is_japanese": indexed_text.is_japanese,
    "indexes.retrieval.details.shared_with_details": lambda cell: shared_with_details(
        cell, Record("1", "q", "a", details={"note": cell})
    ),
    "indexes.retrieval.readings.is_in_kana": readings.is_in_kana,
    "indexes.retrieval.readings.in_kana": readings.in_kana,
    "indexes.retrieval.readings.dictionary_words": readings.dictionary_words,
    "indexes.synonym_mining.knowledge.as_written": lambda cell: as_written(cell[-9:], cell),
    "indexes.synonym_mining.terms.is_japanese": terms.is_japanese,
    "indexes.retrieval.folding.singular": folding.singular,
    "indexes.retrieval.folding.singular_words": folding.singular_words,
    "indexes.retrieval.folding.verbatim_key": folding.verbatim_key,
    "indexes.retrieval.folding.folded_letters": folding.folded_letters,
    "indexes.retrieval.folding.joined": folding.joined,
    "indexes.completion.romaji.from_romaji": romaji.from_romaji,
    "indexes.completion.nearness.nearness": lambda text: nearness(text, [text, f"a {text}"]),
    "indexes.completion.completion.complete": completed,
    "handlers.typeahead.views.form.row_option": lambda text: form.row_option(text, 1, Record(text, text, text, text)),
    "handlers.typeahead.views.form.row_value": lambda text: form.row_value(text, 1, Record(text, text, text)),
    "handlers.typeahead.views.form.search_option": lambda text: form.search_option(text, ENGLISH),
    "indexes.retrieval.tokens.words": lambda cell: list(tokens.words(cell)),
    "indexes.retrieval.tokens.word_key": tokens.word_key,
    "indexes.retrieval.tokens.runs": lambda cell: list(tokens.runs(cell)),
    "indexes.retrieval.tokens.count_words": tokens.count_words,
    "indexes.retrieval.tokens.script_tokens": lambda cell: tokens.script_tokens([cell, cell]),
    "indexes.retrieval.tokens.character_tokens": lambda cell: tokens.character_tokens([cell, cell]),
}
"""By module and name."""

PATHS: dict[str, Callable[[str], object]] = {
    "a CSV is read": records,
    "a CSV is edited": laid_out,
    "a CSV is searched": searched,
    "a CSV is compared": previewed,
    "a hit is judged": judged,
    "a hit is explained": explained,
    "a knowledge base is unknown": lambda cell: str(unknown_knowledge_base(cell, [cell]).message),
    "an answer is shown": lambda cell: answers.answer(result(cell), ENGLISH),
    "a question back is shown": lambda cell: answers.answer(asking_back(cell), ENGLISH),
    "an answer is volunteered": lambda cell: answers.volunteered(result(cell), ENGLISH),
    "an answer is folded away": lambda cell: answers.folded(result(cell), ENGLISH),
    "a whole answer is shown": lambda cell: full_answer.whole(result(cell).entries[0], ENGLISH),
    "it is told whether a row has an answer": lambda cell: has_answer(Record("1", "?", cell)),
    "words are marked": lambda cell: list(highlighting.Matcher(cell).spans(f"x{cell}")),
    "synonyms are looked for": mined,
    "synonyms are applied": lambda cell: (SYNONYMS.apply(cell), SYNONYMS.applied(cell)),
}
"""Where a text goes in with something around it."""

NOT_A_TEXT: dict[str, tuple[str, ...]] = {
    "names, ids, addresses and values of the configuration, or what an admin typed behind /kb": (
        "bot.env_file",
        "bot.logs.log_to_stderr",
        "bot.settings",
        "handlers.admin.quiet",
        "handlers.admin.settings",
        "handlers.files.downloads",
        "handlers.privacy.store.forgetting",
        "handlers.remote.addresses",
        "handlers.remote.body",
        "handlers.store.recovery.recover",
        "handlers.store.tokens",
        "handlers.learning.learned_aliases",
        "handlers.learning.misses",
        "handlers.files.pending",
        "handlers.texts.for_locale",
        "handlers.files.sources",
        "handlers.files.versions",
        "handlers.home.views.dashboard",
        "handlers.slack.blocks.button",
        "handlers.typeahead.views.form.ask",
        "handlers.typeahead.views.form.chosen",
        "handlers.typeahead.views.form.texts_of",
        "handlers.slack.mrkdwn.person",
        "handlers.files.views.uploads",
        "handlers.files.views.versions",
        "indexes.checked_json",
        "indexes.confidence.evaluation",
        "indexes.encoder",
        "indexes.environment",
        "indexes.messages",
        "indexes.storage.versions.forget_author",
        "indexes.records.checking.format_report",
        "indexes.records.decoding",
        "indexes.records.stored.with_aliases",
        "indexes.storage.blocks",
        "indexes.storage.recipe",
        "indexes.storage.sections",
        "indexes.storage.snapshot.described",
        "indexes.records.reading",
        "indexes.records.table",
        "indexes.records.workbook",
    ),
    "counts, names and states that are laid out; texts in them go through views.text": (
        "handlers.admin.views.admin",
        "handlers.admin.views.features",
        "indexes.clarification.clarification",
        "handlers.answers.views.answers.folded",
        "handlers.answers.views.answers.volunteered",
        "handlers.entries.views.editing",
        "handlers.answers.views.guide",
        "handlers.home.views.home",
        "handlers.learning.views.misses",
        "handlers.synonyms.views.synonyms",
        "handlers.freshness.views.reviews",
        "handlers.learning.views.proof",
        "handlers.entries.views.proposals",
        "handlers.answers.views.reactions",
        "handlers.answers.views.reasons",
        "handlers.answers.views.shadow",
        "handlers.files.views.removal",
        "handlers.admin.views.recovery",
        "handlers.admin.views.replicas",
        "handlers.admin.views.reports",
        "handlers.admin.views.settings",
        "handlers.admin.views.waiting",
    ),
    "the local Slack's terminal draws messages, whose texts are 3,000 characters at most": (
        "bot.playground.terminal.mrkdwn",
    ),
    "asks the rows' own questions through functions that are run": ("indexes.comparison",),
    "run as a whole, among PATHS": (
        "indexes.confidence.decision",
        "indexes.confidence.explanation",
        "indexes.registry.unknown_knowledge_base",
        "indexes.storage.import_preview",
        "indexes.retrieval.synonyms_editing",
        "indexes.synonym_mining.mining",
        "indexes.confidence.confidence.with_confidence",
        "indexes.records.checking.check_file",
        "indexes.records.editing",
        "indexes.records.layouts",
        "indexes.records.reading",
    ),
    "the same as group_by_letters, with vectors": ("indexes.retrieval.clustering.group_by_meaning",),
}
"""Functions, and modules in which no other function takes a text, by the reason why they are not run."""

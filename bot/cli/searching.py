"""`kotae search`, `kotae eval` and `kotae check`: what works on CSV files alone."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.command import FAILED, OK, Command, positive, print_json
from bot.cli.progress import progress_bar
from bot.extras import install
from bot.terminal import terminal_texts, told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.config_file import KnowledgeBaseSection
    from bot.settings import Settings
    from indexes.records import CheckReport
    from indexes.registry import Answer
    from indexes.search import FaissSearch


def _search(options: Namespace, settings: "Settings") -> int:
    with _opened(settings, options.csv, settings.model) as knowledge_base:
        answer = knowledge_base.answer(options.question, options.top_k)
        explanations = [knowledge_base.explain(answer, hit) for hit in answer.hits] if options.explain else []
        name, threshold = knowledge_base.name, _threshold(settings)
        why = _why(knowledge_base, answer, threshold) if options.explain else ()
    if options.json:
        print_json(_as_json(answer, name, threshold, explanations, why))
    else:
        _print_answer(answer, threshold, explanations, why)
    return OK


def _why(knowledge_base: "FaissSearch", answer: "Answer", threshold: float) -> "tuple[Translatable, ...]":
    """Say why the first hit is given unasked or not, and whether who asks is asked back."""
    from indexes.clarification.clarification import asked_back, clarification

    back = clarification(answer, threshold, ())
    return (*([asked_back(back.labels)] if back else []), *knowledge_base.why(answer, threshold))


def _threshold(settings: "Settings") -> float:
    from indexes.confidence.confidence import THRESHOLD

    return settings.config.threshold if settings.config.threshold is not None else THRESHOLD


def _as_json(
    answer: "Answer",
    name: str,
    threshold: float,
    explanations: Sequence[dict[str, Any]],
    why: "Sequence[Translatable]",
) -> dict[str, object]:
    from bot.reasons import in_both_languages

    return {
        "query": answer.question.text,
        "normalized_query": answer.question.normalized,
        "knowledge_base": name,
        "encoder": answer.encoder or "lexical",
        "threshold": threshold,
        **({"why": in_both_languages(why)} if why else {}),
        "hits": [
            {
                "rank": rank,
                "score": round(float(hit.score), 6),
                "confidence": round(float(hit.confidence), 6),
                "record": hit.record.as_dict(),
                **({"explanation": explanations[rank - 1]} if explanations else {}),
            }
            for rank, hit in enumerate(answer.hits, start=1)
        ],
        "seconds": round(answer.seconds, 6),
    }


def _print_answer(
    answer: "Answer", threshold: float, explanations: Sequence[dict[str, Any]], why: "Sequence[Translatable]"
) -> None:
    from handlers.texts import for_question
    from indexes.confidence.explanation import format_explanation

    texts = terminal_texts()
    if why:
        print(*map(for_question(answer.question.text).say, why), sep="\n", end="\n\n")
    elif not answer.is_certain(threshold):
        print(texts("found.nothing_certain"), end="\n\n")
    for rank, hit in enumerate(answer.hits, start=1):
        print(texts("found.hit", rank=rank, title=hit.record.title, confidence=hit.confidence, score=hit.score))
        print("   " + hit.record.answer.replace("\n", "\n   ") + "\n")
        if explanations:
            print("   " + format_explanation(explanations[rank - 1]).replace("\n", "\n   ") + "\n")


def _eval(options: Namespace, settings: "Settings") -> int:
    from bot.evaluate import format_evaluation, plot, run
    from indexes.confidence.evaluation import read_queries

    model = None if options.encoder == "lexical" else options.encoder or settings.model
    queries = read_queries(options.queries)
    with _opened(settings, options.csv, model) as knowledge_base:
        evaluation = run(knowledge_base, queries, _threshold(settings))
    if options.plot:
        try:
            plot(evaluation, options.plot)
        except ImportError:
            print(told(Translatable("lacks.plot", command=install("plot"))), file=sys.stderr)
            return FAILED
    if options.json:
        print_json(evaluation.measures)
    else:
        print(format_evaluation(evaluation))
    return OK


def _check(options: Namespace, settings: "Settings") -> int:
    from indexes.records import format_report

    reports = [_report(_file(settings, path), settings) for each in options.csv for path in _named(each)]
    if options.json:
        print_json([report.as_dict() for report in reports])
    else:
        words = terminal_texts().words
        print("\n\n".join(format_report(report, words) for report in reports))
    return OK if all(report.usable for report in reports) else FAILED


def _named(path: Path) -> list[Path]:
    """Return the files of a pattern such as knowledge/*.csv, which a shell may leave as it is; Windows' do."""
    if path.exists() or not any(sign in path.name for sign in "*?["):
        return [path]
    return sorted(path.parent.glob(path.name)) or [path]


def _report(path: Path, settings: "Settings") -> "CheckReport":
    from indexes.records import check_file
    from indexes.retrieval.synonyms import check_synonyms

    if path.name == settings.synonyms.name:
        return check_synonyms(path)
    section = _section(settings, path)
    return check_file(path, section.sheet, section.columns.by_role)


def _convert(options: Namespace, settings: "Settings") -> int:
    from indexes.names import ENDING, is_workbook
    from indexes.records import parse_records, read_bytes
    from indexes.records.editing import replace_csv
    from indexes.records.workbook import as_csv, read_sheet

    path: Path = options.workbook
    target = path.with_suffix(ENDING)
    if not is_workbook(path):
        print(told(Translatable("convert.no_workbook", file=path.name)), file=sys.stderr)
        return FAILED
    if target.exists():
        print(told(Translatable("convert.exists", file=str(target))), file=sys.stderr)
        return FAILED
    section = _section(settings, path)
    data, sheet = read_bytes(path), options.sheet or section.sheet
    count = len(parse_records(data, path, sheet, section.columns.by_role).records)
    replace_csv(target, as_csv(read_sheet(data, path.name, sheet)), "")
    print(told(Translatable("convert.done", file=str(target), count=count)))
    print(told(Translatable("convert.move", file=path.name)), file=sys.stderr)
    return OK


@contextmanager
def _opened(settings: "Settings", path: Path, model: str | None) -> Iterator["FaissSearch"]:
    """Open a file as the bot does, with its model or another one, or lexically with None."""
    from indexes.search import FaissSearch

    csv = _file(settings, path)
    section = _section(settings, csv)
    with (
        progress_bar("Encoding") as progress,
        FaissSearch(
            csv,
            model,
            revision=settings.revision if model == settings.model else None,
            data_dir=settings.environment.data_dir,
            synonyms=settings.chosen_synonyms,
            sheet=section.sheet,
            columns=section.columns.by_role,
            compiled=settings.compiled_models is not None,
            precision=settings.environment.encoder_precision,
            progress=progress,
        ) as knowledge_base,
    ):
        yield knowledge_base


def _file(settings: "Settings", path: Path) -> Path:
    """Return a file; by its name alone, this replica's copy of one that a shared database holds."""
    if path.exists() or not settings.is_shared:
        return path
    copies = [settings.knowledge_dir / name for name in (path.name, f"{path.name}.csv")]
    return next((copy for copy in copies if copy.exists()), path)


def _section(settings: "Settings", path: Path) -> "KnowledgeBaseSection":
    """Return what kotae.toml says about a file: the sheet of a workbook, and which columns are which."""
    from bot.config_file import KnowledgeBaseSection
    from indexes.names import name_of, same_name

    sections = settings.config.knowledge_bases
    known = same_name(name_of(path), sections)
    return sections[known] if known else KnowledgeBaseSection()


def _search_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("csv", type=Path, metavar="KB.csv")
    parser.add_argument("question")
    parser.add_argument("--top-k", type=positive, default=3, metavar="N", help="number of hits (default: 3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say why it would be given unasked or not, and why each hit was found",
    )


def _eval_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("csv", type=Path, metavar="KB.csv")
    parser.add_argument(
        "queries",
        type=Path,
        metavar="QUERIES",
        help=".jsonl or .csv: query, relevant (ids), kind (answerable, near, far, or partial: left out)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--encoder", metavar="NAME", help="another model, or lexical (default: the configured one)")
    parser.add_argument("--plot", type=_png, metavar="OUT.png", help="also draw confidence against being right")


def _png(text: str) -> Path:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a picture, such as out.png")
    return Path(text)


def _convert_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("workbook", type=Path, metavar="KB.xlsx")
    parser.add_argument(
        "--sheet", default="", metavar="NAME", help="default: kotae.toml's, else the first that isn't hidden"
    )


def _check_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("csv", type=Path, nargs="+", metavar="KB.csv")
    parser.add_argument("--json", action="store_true", help="print JSON")


COMMANDS = (
    Command(
        "search",
        _search,
        "Search one CSV.",
        'search knowledge/it-help.csv "VPNにつながらない" --json',
        _search_arguments,
    ),
    Command(
        "eval",
        _eval,
        "Measure answers and silence on questions with known answers.",
        "eval KB.csv queries.jsonl",
        _eval_arguments,
    ),
    Command(
        "check",
        _check,
        "Validate CSV files and workbooks, problems by line.",
        "check knowledge/*.csv",
        _check_arguments,
    ),
    Command(
        "convert",
        _convert,
        "Write a workbook's sheet as a CSV beside it, so that its entries can be edited in Slack.",
        "convert knowledge/it-help.xlsx",
        _convert_arguments,
    ),
)

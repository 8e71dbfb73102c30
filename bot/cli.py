"""The command line. Results go to stdout, logs and progress to stderr; exit 0 done, 1 failed, 2 wrong usage.

What takes long to import is imported by the command that needs it.
"""

import argparse
import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.settings import Settings
    from indexes.encoder import Progress
    from indexes.registry import Answer

log = logging.getLogger(__name__)

OK, FAILED = 0, 1
MOST_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    from bot.settings import SettingsError, load_settings
    from indexes.errors import KnowledgeBaseError

    try:
        settings = load_settings()
        _log_to_stderr(settings.environment.log_level)
        exit_code: int = options.run(options, settings)
    except (KnowledgeBaseError, SettingsError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kotae",
        description="A Slack bot that answers from your team's CSV knowledge bases. Without a command: serve when both"
        " Slack tokens are set, otherwise try.",
        epilog='Example: kotae search knowledge/it-help.csv "VPNにつながらない"',
    )
    parser.set_defaults(run=_start, knowledge=None, terminal=False, no_open=False, port=0, script=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: object, what: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what, epilog=f"Example: {example}")
        sub.set_defaults(run=run)
        return sub

    command("serve", _serve, "Connect to Slack and answer until stopped.", "kotae serve")
    trial = command(
        "try", _try, "Talk to the bot in a local workspace in the browser; no Slack account needed.", "kotae try"
    )
    trial.add_argument(
        "--knowledge",
        type=Path,
        metavar="DIR",
        help="folder with your CSV files (default: KNOWLEDGE_DIR, or the samples where there is none)",
    )
    trial.add_argument("--terminal", action="store_true", help="talk in this terminal instead of the browser")
    trial.add_argument("--no-open", action="store_true", help="only print the page's address")
    trial.add_argument("--port", type=_port, default=0, metavar="N", help="of the page (default: any free one)")
    trial.add_argument(
        "--script", type=Path, metavar="FILE", help="play a conversation: one line for each thing typed, as in :help"
    )
    search = command(
        "search", _search, "Search one CSV.", 'kotae search knowledge/it-help.csv "VPNにつながらない" --json'
    )
    search.add_argument("csv", type=Path, metavar="KB.csv")
    search.add_argument("question")
    search.add_argument("--top-k", type=_positive, default=3, metavar="N", help="number of hits (default: 3)")
    search.add_argument("--json", action="store_true", help="print JSON")
    search.add_argument("--explain", action="store_true", help="say why each hit was found, and how sure it is")
    evaluation = command(
        "eval", _eval, "Measure answers and silence on questions with known answers.", "kotae eval KB.csv queries.jsonl"
    )
    evaluation.add_argument("csv", type=Path, metavar="KB.csv")
    evaluation.add_argument("queries", type=Path, metavar="QUERIES", help=".jsonl or .csv: query, relevant (ids), kind")
    evaluation.add_argument("--json", action="store_true", help="print JSON")
    evaluation.add_argument("--encoder", metavar="NAME", help="another model, or lexical (default: the configured one)")
    evaluation.add_argument("--plot", type=Path, metavar="OUT.png", help="also draw confidence against being right")
    check = command("check", _check, "Validate CSV files, problems by line.", "kotae check knowledge/*.csv")
    check.add_argument("csv", type=Path, nargs="+", metavar="KB.csv")
    check.add_argument("--json", action="store_true", help="print JSON")
    manifest = command(
        "manifest", _manifest, "Print the Slack app manifest to paste.", "kotae manifest --search-command /kb-search"
    )
    manifest.add_argument("--search-command", metavar="/NAME", help="instead of SEARCH_COMMAND")
    manifest.add_argument("--admin-command", metavar="/NAME", help="instead of ADMIN_COMMAND")
    manifest.add_argument("--agent", action="store_true", help="as an agent, with suggested questions (paid plans)")
    connecting = command(
        "connect",
        _connect,
        "Make the Slack app, ask for its tokens without showing them, try them and write them into .env. An app"
        " configuration token makes the app; it is asked for, or taken from SLACK_CONFIG_TOKEN, and kept nowhere. When"
        " the input is a pipe, each answer is a line of it.",
        "kotae connect",
    )
    connecting.add_argument(
        "--app", default="", metavar="ID", help="an app that exists, such as A0123456789: ask for its tokens only"
    )
    connecting.add_argument("--search-command", metavar="/NAME", help="instead of SEARCH_COMMAND")
    connecting.add_argument("--admin-command", metavar="/NAME", help="instead of ADMIN_COMMAND")
    connecting.add_argument("--agent", action="store_true", help="as an agent, with suggested questions (paid plans)")
    connecting.add_argument("--replace", action="store_true", help="even though .env has tokens")
    connecting.add_argument("--no-open", action="store_true", help="only print the pages' addresses")
    command("doctor", _doctor, "Check tokens, scopes, channels, CSVs, model, disk and database.", "kotae doctor")
    command("status", _status, "Say how the running bot is.", "kotae status")
    forget = command("forget", _forget, "Remove a person from everything that is kept.", "kotae forget U012AB3CD")
    forget.add_argument("user", type=_user, metavar="USER", help="a Slack user id; in a profile: … > Copy member ID")
    model = command("model", _model_list, "Look after the downloaded models.", "kotae model list")
    actions = model.add_subparsers(title="actions", metavar="ACTION")
    for name, run, what, example in (
        ("list", _model_list, "List downloaded models with their sizes and folders.", "list"),
        ("download", _model_download, "Download a model (default: the configured one).", "download"),
        ("clear", _model_clear, "Delete a downloaded model.", "clear all-MiniLM-L6-v2"),
    ):
        action = actions.add_parser(name, help=what, description=what, epilog=f"Example: kotae model {example}")
        action.set_defaults(run=run)
        if name != "list":
            action.add_argument("name", nargs="?" if name == "download" else None, metavar="NAME")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _user(text: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no Slack user id such as U012AB3CD")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {MOST_PORT}")
    return int(text)


def _start(options: argparse.Namespace, settings: "Settings") -> int:
    if settings.environment.connects_to_slack:
        return _serve(options, settings)
    return _try(options, settings)


def _serve(_: argparse.Namespace, settings: "Settings") -> int:
    from bot.serve import serve

    return serve(settings)


def _try(options: argparse.Namespace, settings: "Settings") -> int:
    try:
        import aiohttp  # noqa: F401 - asked here to explain its absence
    except ImportError:
        print("The local workspace needs one more package: pip install 'kotae[try]'", file=sys.stderr)
        return FAILED
    from bot.playground.trial import Showing, run_trial

    piped = not sys.stdin.isatty() and not options.no_open
    showing = Showing(options.terminal or piped, not options.no_open, options.port, options.script)
    return run_trial(settings, options.knowledge, showing)


def _search(options: argparse.Namespace, settings: "Settings") -> int:
    from indexes.confidence.confidence import THRESHOLD
    from indexes.search import FaissSearch

    threshold = settings.config.threshold if settings.config.threshold is not None else THRESHOLD
    with (
        _progress("Encoding") as progress,
        FaissSearch(
            options.csv,
            settings.model,
            revision=settings.revision,
            data_dir=settings.environment.data_dir,
            synonyms=settings.chosen_synonyms,
            progress=progress,
        ) as knowledge_base,
    ):
        answer = knowledge_base.answer(options.question, options.top_k)
        explanations = [knowledge_base.explain(answer, hit) for hit in answer.hits] if options.explain else []
        name = knowledge_base.name
    if options.json:
        print(json.dumps(_as_json(answer, name, threshold, explanations), ensure_ascii=False, indent=2))
    else:
        _print_answer(answer, threshold, explanations)
    return OK


def _as_json(
    answer: "Answer", name: str, threshold: float, explanations: Sequence[dict[str, Any]]
) -> dict[str, object]:
    return {
        "query": answer.question.text,
        "normalized_query": answer.question.normalized,
        "knowledge_base": name,
        "encoder": answer.encoder or "lexical",
        "threshold": threshold,
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


def _print_answer(answer: "Answer", threshold: float, explanations: Sequence[dict[str, Any]]) -> None:
    from indexes.confidence.explanation import format_explanation

    if not answer.is_certain(threshold):
        print("Nothing certain; the closest are:\n")
    for rank, hit in enumerate(answer.hits, start=1):
        print(f"{rank}. {hit.record.title}  (confidence {hit.confidence:.2f}, score {hit.score:.2f})")
        print("   " + hit.record.answer.replace("\n", "\n   ") + "\n")
        if explanations:
            print("   " + format_explanation(explanations[rank - 1]).replace("\n", "\n   ") + "\n")


def _eval(options: argparse.Namespace, settings: "Settings") -> int:
    from bot.evaluate import format_evaluation, plot, run
    from indexes.confidence.confidence import THRESHOLD
    from indexes.confidence.evaluation import read_queries
    from indexes.search import FaissSearch

    model = None if options.encoder == "lexical" else options.encoder or settings.model
    threshold = settings.config.threshold if settings.config.threshold is not None else THRESHOLD
    queries = read_queries(options.queries)
    with (
        _progress("Encoding") as progress,
        FaissSearch(
            options.csv,
            model,
            data_dir=settings.environment.data_dir,
            synonyms=settings.chosen_synonyms,
            progress=progress,
        ) as knowledge_base,
    ):
        evaluation = run(knowledge_base, queries, threshold)
    if options.plot:
        try:
            plot(evaluation, options.plot)
        except ImportError:
            print("--plot needs one more package: pip install 'kotae[plot]'", file=sys.stderr)
            return FAILED
    print(json.dumps(evaluation.measures, indent=2) if options.json else format_evaluation(evaluation))
    return OK


def _check(options: argparse.Namespace, _: "Settings") -> int:
    from indexes.records import check_file, format_report

    reports = [check_file(path) for path in options.csv]
    if options.json:
        print(json.dumps([report.as_dict() for report in reports], ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(format_report(report) for report in reports))
    return OK if all(report.usable for report in reports) else FAILED


def _manifest(options: argparse.Namespace, settings: "Settings") -> int:
    from bot.manifest import manifest, warnings
    from bot.settings import command_name

    search = command_name(options.search_command or settings.environment.search_command)
    admin = command_name(options.admin_command or settings.environment.admin_command)
    print(json.dumps(manifest(search, admin, agent=options.agent), ensure_ascii=False, indent=2))
    for warning in warnings(search, admin):
        print(f"Note: {warning}", file=sys.stderr)
    return OK


def _connect(options: argparse.Namespace, settings: "Settings") -> int:
    from slack_sdk.errors import SlackClientError

    from bot.connect import ConnectError, Dialogue, Wanted, connect
    from bot.settings import command_name

    wanted = Wanted(
        options.app,
        command_name(options.search_command or settings.environment.search_command),
        command_name(options.admin_command or settings.environment.admin_command),
        agent=options.agent,
        replace=options.replace,
        open_pages=not options.no_open,
    )
    try:
        connect(settings, wanted, Dialogue(sys.stdin, lambda text: print(text, flush=True)), Path(".env"))
    except ConnectError as error:
        print(error, file=sys.stderr)
    except SlackClientError as error:
        print(f"{settings.environment.slack_api_url} gave no answer ({error})", file=sys.stderr)
    except OSError as error:
        print(f"Not done: {error}. Check the network, the proxy, and that .env can be written", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    else:
        return OK
    return FAILED


def _doctor(_: argparse.Namespace, settings: "Settings") -> int:
    from bot.doctor import examine

    failed = False
    for finding in examine(settings):
        print(finding, flush=True)
        failed = failed or finding.is_failure
    return FAILED if failed else OK


def _status(_: argparse.Namespace, settings: "Settings") -> int:
    from bot.status import format_status, read_status

    status = read_status(settings.environment.data_dir)
    if status is None:
        print(f"No bot is running with DATA_DIR = {settings.environment.data_dir}", file=sys.stderr)
        return FAILED
    print(format_status(status))
    return OK


def _forget(options: argparse.Namespace, settings: "Settings") -> int:
    from bot.forget import forget, still_named

    places = list(forget(settings, options.user))
    for place in places:
        print(place, file=sys.stderr if place.failure else sys.stdout)
    for where in still_named(settings, options.user):
        print(f"Still named in {where}: change that by hand", file=sys.stderr)
    print("Not touched: messages in Slack, logs, and backups that you made yourself", file=sys.stderr)
    return FAILED if any(place.failure for place in places) else OK


def _model_list(_: argparse.Namespace, __: "Settings") -> int:
    from indexes.encoder import cache_directory, cached_models

    found = cached_models()
    if not found:
        print(f"No model has been downloaded to {cache_directory()}", file=sys.stderr)
    for model in found:
        note = "" if model.complete else "  (incomplete: run kotae model download)"
        print(f"{model.name}  {model.size / 1e6:.0f} MB  {model.path}{note}")
    return OK


def _model_download(options: argparse.Namespace, settings: "Settings") -> int:
    from indexes.encoder import DEFAULT_MODEL, download_model

    name = options.name or settings.model or DEFAULT_MODEL
    print(download_model(name, settings.revision if name == settings.model else None))
    return OK


def _model_clear(options: argparse.Namespace, _: "Settings") -> int:
    from indexes.encoder import clear_model

    freed = clear_model(options.name)
    if not freed:
        print(f"{options.name} is not among the downloaded models; see: kotae model list", file=sys.stderr)
        return FAILED
    print(f"Deleted {options.name}: {freed / 1e6:.0f} MB freed")
    return OK


def _log_to_stderr(level: str) -> None:
    """Log to stderr. Slack's SDK stays at INFO at least: at DEBUG it logs questions and response_urls."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr)
    for name in ("slack_bolt", "slack_sdk"):
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.INFO))
    for name in (
        "alembic",
        "asyncio",
        "faiss",
        "httpcore2",
        "httpx2",
        "sentence_transformers",
        "transformers",
        "urllib3",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def _progress(what: str) -> "Iterator[Progress]":
    """Show a bar on stderr, from the first progress made: texts done, how many a second, and the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f} texts/s," if task.speed else "")

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn(), TextColumn("left"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)

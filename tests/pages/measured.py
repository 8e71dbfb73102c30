"""Sections that quote what was measured, from the tables of docs/performance.md."""

from collections.abc import Mapping

from tests.pages.figures import figures
from tests.pages.tables import Language, table

Rows = tuple[tuple[str, ...], ...]
"""The header and the rows of a table, or one cell: a sentence."""

MEASURED: Mapping[str, Mapping[Language, Rows]] = {
    "in-short": {
        "en": (
            (
                "On two cores: a restart with 10,000 rows searches by meaning after {ready} s, a question takes {question} ms, 16 people at once get {crowd} answers a second, and the whole bot takes {memory} MB with a small model compiled.",
            ),
        ),
        "ja": (
            (
                "2コアでの実測値です。1万行での再起動から意味で検索できるまで {ready} 秒、質問1件に {question} ミリ秒、16人が同時に聞いて毎秒 {crowd} 件、ボット全体のメモリーは小さな変換済みモデルで {memory} MB です。",
            ),
        ),
    },
    "beside-a-script": {
        "en": (
            ("", "a plain script: encode, FAISS, cosine", "Kotae"),
            (
                "restart with 10,000 rows until meaning is searched",
                "{ready_script} s (it encodes everything)",
                "{ready} s",
            ),
            ("first answer after a restart", "{ready_script} s", "{words} s, by words"),
            ("one changed row of 10,000", "{changed_script} s", "{changed} s, one text encoded"),
            ("16 people at once, questions a second", "{crowd_script}, encoding alone", "{crowd}, the whole search"),
            (
                "one question; of txtai and LangChain {txtai} and {langchain} ms",
                "–",
                "{beside} ms; in 8 bits {beside_8} ms",
            ),
        ),
        "ja": (
            ("", "単純なスクリプト（エンコードして FAISS、コサイン類似度）", "Kotae"),
            ("再起動から意味で検索できるまで（1万行）", "{ready_script} 秒（毎回すべてエンコード）", "{ready} 秒"),
            ("再起動から最初の回答まで", "{ready_script} 秒", "{words} 秒（言葉の一致）"),
            ("1万行のうち1行を変更", "{changed_script} 秒", "{changed} 秒（エンコードは1文）"),
            ("16人が同時に質問（1秒あたり）", "{crowd_script} 件（エンコードのみ）", "{crowd} 件（検索全体）"),
            (
                "質問1件（txtai は {txtai}、LangChain は {langchain} ミリ秒）",
                "–",
                "{beside} ミリ秒、8ビットで {beside_8} ミリ秒",
            ),
        ),
    },
    "of-models": {
        "en": (
            ("", "all-MiniLM-L6-v2", "the default's architecture"),
            ("restart until meaning is searched, 10,000 rows", "{ready} s ({ready_torch} s)", "–"),
            (
                "memory of the whole bot, 1,000 rows",
                "{memory} MB ({memory_torch} MB)",
                "{memory_twin} MB ({memory_twin_torch} MB), and some 280 MB for the real tokenizer",
            ),
            ("one question, in 1,000 rows", "–", "{question} ms ({question_torch} ms); in 8 bits {question_8} ms"),
        ),
        "ja": (
            ("", "all-MiniLM-L6-v2", "既定のモデルと同じ構造"),
            ("再起動から意味で検索できるまで（1万行）", "{ready} 秒（{ready_torch} 秒）", "–"),
            (
                "ボット全体のメモリー（1,000行）",
                "{memory} MB（{memory_torch} MB）",
                "{memory_twin} MB（{memory_twin_torch} MB）。実際のトークナイザーではさらに約 280 MB",
            ),
            (
                "質問1件（1,000行）",
                "–",
                "{question} ミリ秒（{question_torch} ミリ秒）、8ビットなら {question_8} ミリ秒",
            ),
        ),
    },
}
"""By the section's name; the names of figures are those of `figures.PLACES`."""


def measured(name: str, language: Language) -> str:
    """Return a section with the figures of today."""
    known = figures()
    header, *rows = ([cell.format_map(known) for cell in row] for row in MEASURED[name][language])
    return table(header, rows, numbers=True) if rows else header[0]

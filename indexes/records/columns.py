"""Assigning roles to columns by common Japanese and English header names."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from indexes.errors import UnusableFileError
from indexes.messages import Translatable
from indexes.text import normalize

_NAMES: Mapping[str, str] = {
    # In order of preference: of two headers for one role, the one named first here gets it.
    "question": (
        "質問 question 質問内容 質問文 questions よくある質問 ご質問 faq q "
        "問い合わせ 問合せ 問合わせ お問い合わせ お問合せ お問合わせ "
        "問い合わせ内容 問合せ内容 お問い合わせ内容 inquiry query "
        "件名 subject タイトル title 題名 表題 見出し heading トピック topic 名称 名前 name"
    ),
    "answer": (
        "回答 answer 回答内容 回答文 answers 答え 答 こたえ ご回答 a 返答 返信 response reply "
        "解決策 解決方法 対処法 対処方法 対応方法 solution resolution "
        "本文 body 内容 content contents コンテンツ 説明 説明文 description "
        "テキスト text 文章 詳細 detail details"
    ),
    "id": "id no no. # 番号 管理番号 識別子 ナンバー number key faqid 質問番号 faq番号 通番 連番",
    "category": "カテゴリ カテゴリー category categories 分類 区分 ジャンル 種別 section",
    "url": "url リンク link links urls 参照url 関連url 参考url リンク先 参照先 関連リンク 参考リンク href",
    "keywords": "キーワード keywords keyword タグ tags tag 検索キーワード 検索語",
    "aliases": "言い換え 別の聞き方 aliases alias 別名 同義質問 類似質問 言いかえ 別表現 paraphrases variants",
    "updated": (
        "更新日 最終更新日 最終更新 更新日時 最終更新日時 updated lastupdated updatedat updatedon modified lastmodified"
    ),
    "owner": "担当 担当者 担当部署 担当部門 担当者名 担当チーム owner owners 管理者 maintainer",
}
_RANKS: Mapping[str, tuple[str, int]] = {
    name: (role, rank) for role, names in _NAMES.items() for rank, name in enumerate(names.split())
}
_INNER_SPACE = re.compile(r"[\s_-]+")
_SHOWN_HEADERS = 12
_CLOSE = 0.5
"""Least share of letters in common between a misspelt header and a name: 解答 and 回答 share half."""
_LONGEST_HEADER = 40

MAX_COLUMNS = 200
"""Far beyond any FAQ; more columns mean a wrong delimiter or a wrong file."""


def is_known(header: str) -> bool:
    """Return whether the header is a known name of a role."""
    return _rank(header) is not None


def assign_roles(header: Sequence[str], name: str) -> dict[str, str]:
    """Return the header as written by role, in file order; raises UnusableFileError without a searchable column."""
    refuse_duplicates(header, name)
    best: dict[str, tuple[int, str]] = {}
    for title in header:
        if ranked := _rank(title):
            role, rank = ranked
            best[role] = min(best.get(role, (rank, title)), (rank, title), key=lambda entry: entry[0])
    if not {"question", "answer"} & best.keys():
        shown = tuple(Translatable("list.quoted", text=title) for title in header[:_SHOWN_HEADERS])
        more = ("…",) if len(header) > _SHOWN_HEADERS else ()
        raise UnusableFileError("csv.no_columns", file=name, headers=(*shown, *more))
    chosen = {title: role for role, (_, title) in best.items()}
    return {chosen[title]: title for title in header if title in chosen}


def closest_name(role: str, headers: Sequence[str]) -> tuple[str, str] | None:
    """Return the header that is most similar to a name of the role, and that name; None if none is similar."""
    pairs = (
        (_likeness(_bare(header), name), header, name)
        for header in headers
        for name in _NAMES[role].split()
        if len(header) <= _LONGEST_HEADER
    )
    likeness, header, name = max(pairs, default=(0.0, "", ""), key=lambda pair: pair[0])
    return (header, name) if likeness >= _CLOSE else None


def _likeness(header: str, name: str) -> float:
    """Return the share of the longer text's letters that both have in the same order."""
    shared = sum(block.size for block in SequenceMatcher(None, header, name).get_matching_blocks())
    return shared / max(len(header), len(name))


def refuse_duplicates(header: Sequence[str], name: str) -> None:
    """Raise UnusableFileError if two headers are the same."""
    seen: set[str] = set()
    for title in header:
        if normalize(title) in seen:
            raise UnusableFileError("csv.same_columns", file=name, column=title)
        seen.add(normalize(title))


def _rank(header: str) -> tuple[str, int] | None:
    return _RANKS.get(_bare(header))


def _bare(header: str) -> str:
    return _INNER_SPACE.sub("", normalize(header))

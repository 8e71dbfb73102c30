"""The names that columns have in Japanese and English FAQ files, and reading a header as one of them.

They were collected from exports of help desks, chat bots and wikis, from glossaries, and from training data for
language models. Answers that a machine wrote (bot reply, AI回答) are left out: nobody has approved them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from indexes.text import normalize

NAMES: Mapping[str, tuple[str, ...]] = {
    # Groups in order of preference, and within a group too: of two headers for one role, the one named first gets it.
    "question": (
        (
            "質問 question 質問内容 質問文 questions よくある質問 ご質問 faq q "
            "問い合わせ 問合せ 問合わせ お問い合わせ お問合せ お問合わせ "
            "問い合わせ内容 問合せ内容 お問い合わせ内容 inquiry query "
            "問 問い とい 設問 設問文 疑問 疑問点 質問事項 ご相談 相談 相談内容 ご相談内容 聞きたいこと 知りたいこと "
            "inquiries enquiry enquiries queries ask instruction instructions prompt prompts utterance utterances 発話 "
            "お尋ね 質疑 質疑内容 しつもん プロンプト 指示 指示文"
        ),
        (
            "problem problems issue issues 問題 問題文 問題点 症状 事象 現象 トラブル トラブル内容 困りごと "
            "お困りごと お困り事 "
            "用件 ご用件 symptom symptoms error エラー エラー内容 ケース case シナリオ シナリオ名 scenario "
            "input inputs user human "
            "困っていること 困ったこと 困り事 悩み お悩み やりたいこと ご意見 意見 ご要望 要望 依頼内容 ご依頼内容 "
            "入力 入力文 inputtext userinput "
            "エラーメッセージ errormessage 不具合 不具合内容 problemstatement problemdescription"
        ),
        (
            "件名 subject タイトル title 題名 表題 見出し heading トピック topic 名称 名前 name "
            "用語 用語名 専門用語 単語 語句 言葉 ことば 略語 見出し語 項目 項目名 term terms word phrase "
            "acronym abbreviation "
            "記事タイトル 記事名 記事の題名 質問タイトル 質問件名 articletitle articlename pagetitle questiontitle "
            "ページタイトル ワード shortdescription terminology concept glossaryterm 手順名 手続き名 手続名 制度名 "
            "作業名 簡単な説明"
        ),
    ),
    "answer": (
        (
            "回答 answer 回答内容 回答文 answers 答え 答 こたえ ご回答 a 返答 返信 response reply "
            "解答 解答文 解答内容 応答 応答文 返事 アンサー completion completions output outputs responses replies "
            "お答え ご返答 ご返信 答弁 正解 正答 かいとう ans 出力 出力文"
        ),
        (
            "解決策 解決方法 対処法 対処方法 対応方法 solution resolution "
            "解決 解決法 解決手順 対処 対処内容 対応 対応策 対応内容 対応手順 対策 処置 手順 案内 ご案内 "
            "案内文 案内内容 アドバイス "
            "solutions resolutions fix fixes workaround remedy advice assistant gpt "
            "解決内容 解消方法 復旧方法 復旧手順 回避策 回避方法 対処手順 処理方法 操作方法 操作手順 やり方 助言 "
            "resolutionnotes closenotes"
        ),
        (
            "本文 body 内容 content contents コンテンツ 説明 説明文 description "
            "テキスト text 文章 詳細 detail details "
            "説明内容 解説 意味 定義 meaning meanings definition definitions explanation explanations "
            "記事本文 記事内容 記事の内容 articlebody articlecontent articletext articledetails "
            "htmlcontent htmlbody bodyhtml contenthtml "
            "用語説明 用語解説 用語の説明 用語の解説 用語の意味 語義 ページ本文 fullform expansion standsfor"
        ),
    ),
    "id": (
        (
            "id no no. # 番号 管理番号 識別子 ナンバー number key faqid 質問番号 faq番号 通番 連番 "
            "questionid 質問id 質問no 質問no. faqno faqno. articleid 記事id 整理番号 項番"
        ),
    ),
    "category": (
        (
            "カテゴリ カテゴリー category categories 分類 区分 ジャンル 種別 section "
            "大分類 大カテゴリ 大カテゴリー カテゴリ名 カテゴリー名 分類名 分野 categoryname categorypath "
            "質問カテゴリ 質問カテゴリー 質問分類 問い合わせ種別 お問い合わせ種別 問合せ種別 問合せ区分 大項目"
        ),
    ),
    "url": (
        (
            "url リンク link links urls 参照url 関連url 参考url リンク先 参照先 関連リンク 参考リンク href "
            "articleurl 記事url ページurl pageurl faqurl 参照リンク 掲載url 公開url"
        ),
    ),
    "image": (
        (
            "画像 image 画像url imageurl images 画像urls imageurls 画像リンク imagelink 画像アドレス "
            "picture pictures 写真 photo photos スクリーンショット screenshot screenshots スクショ キャプチャ 図 図版 "
            "参考画像 説明画像 添付画像 イメージ img figure pictureurl photourl screenshoturl 写真url"
        ),
    ),
    "keywords": (
        (
            "キーワード keywords keyword タグ tags tag 検索キーワード 検索語 "
            "labels ラベル ハッシュタグ 検索ワード 検索用キーワード 検索タグ searchkeywords searchterms "
            "同義語 類義語 synonyms synonym"
        ),
    ),
    "aliases": (
        (
            "言い換え 別の聞き方 aliases alias 別名 同義質問 類似質問 言いかえ 別表現 paraphrases variants "
            "類義質問 類似の質問 質問の言い換え 別の言い方 similarquestions "
            "言い換え表現 類似質問文 質問バリエーション alternativequestions"
        ),
    ),
    "updated": (
        (
            "更新日 最終更新日 最終更新 更新日時 最終更新日時 updated lastupdated updatedat updatedon "
            "modified lastmodified "
            "更新年月日 updateddate dateupdated lastupdateddate "
            "最終確認日 最終確認 確認日 確認済み日 最終レビュー日 最終点検日 "
            "lastchecked checkedon lastreviewed reviewedon "
            "lastverified verifiedon lastreviewdate verifieddate "
            "最終編集日 最終編集日時 改訂日 改定日 修正日 lastedited lasteditedtime lastediteddate lastmodifieddate "
            "modifieddate datemodified modifiedat modifiedon"
        ),
    ),
    "review_by": (
        (
            "確認期限 見直し期限 見直期限 レビュー期限 次回確認日 次回確認 次回見直し日 次回見直し "
            "次回レビュー日 見直し予定日 確認予定日 掲載期限 公開期限 "
            "reviewby reviewdue reviewdueby reviewduedate nextreview nextreviewdate nextreviewon checkby verifyby "
            "nextcheck nextcheckdate updateby"
        ),
    ),
    "owner": (
        (
            "担当 担当者 担当部署 担当部門 担当者名 担当チーム owner owners 管理者 maintainer "
            "担当課 担当係 担当窓口 所管課 所管部署 主管部署"
        ),
    ),
}
"""Names by role: normalized, without spaces, hyphens and underscores."""

_LOOKUP: Mapping[str, tuple[str, int, int]] = {
    name: (role, group, rank)
    for role, groups in NAMES.items()
    for group, names in enumerate(groups)
    for rank, name in enumerate(names.split())
}

_WORDS_BEFORE = """
    the a your our their user users user's customer customers customer's client clients employee staff member student
    visitor guest caller people original main full long short official standard expected ideal correct right best
    accepted approved final reference gold canned article kb knowledge support agent sample example common frequent
    typical frequently asked popular public internal faq faqs qa q&a sme human written
"""
_BEFORE = frozenset(_WORDS_BEFORE.split())
"""English words before a question or an answer that leave it one."""
_WORDS_AFTER = """
    text texts body content string html markdown md plain sentence sentences message column field value data title
    en eng english ja jp jpn japanese
"""
_ABOUT = frozenset({"faq", "faqs", "qa", "q&a"})
"""What a question or an answer may be of: FAQ回答 is an answer, FAQ alone a question."""
_AFTER = frozenset(_WORDS_AFTER.split())
"""English words after it."""
_JAPANESE_BEFORE = re.compile(
    r"(?:想定|予想|主な|代表的な|よくある|頻出|頻度の高い|実際の|具体的な|お?客(?:様|さま)?|顧客|ユーザー?|利用者様?|社員|従業員|職員"
    r"|市民|住民|町民|村民|区民|県民|保護者|患者|学生|生徒|受講者|参加者|会員|申請者|相談者|現場|部署|部門|一般|標準|基本|公式|正式|模範|正し"
    r"|最終|確定|掲載|公開|社内|社外|当社|弊社|自社|担当者?|事務局|運営|窓口|サポート|ナレッジ|記事|定型|共通|参考|代表|簡易|詳細"
    r"|期待(?:する|される)?|よく(?:聞かれる|いただく|受ける|寄せられる|来る)|一次|二次|初回|その"
    r"|faq|qa|q&a)(?:様|さま|ら|さん)?(?:からの?|への?|向けの?|用の?|側の?|の|な|い)?"
)
"""Japanese words before it, with their particle."""
_JAPANESE_AFTER = re.compile(
    r"(?:の?(?:文章?|文言|本文|全文|原文|内容|事項|例|例文|案|欄|要旨|概要|データ|項目|テキスト|メッセージ|日本語|英語|和文|英文))\Z"
)
_BRACKETED = re.compile(r"[(\[{<【〔「『〈《≪]([^()\[\]{}<>【】〔〕「」『』〈〉《》≪≫]*)[)\]}>】〕」』〉》≫]")
_MARKS = " *※★☆●○■□◆◇◎▼▲▽△↓↑・:;.,_-#'\"\t“”‘’\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
_PICTURES = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0e\ufe0f\u200d]+")
"""Emoji, as in headers of Notion: ❓ Question."""
_LEADING_NUMBER = re.compile(r"\d{1,3}(?:[.)\s:_-]+|(?=[^\x00-\x7f]))")
_CUSTOM = "__c"
"""Behind a field of one's own in Salesforce."""
_DIGITS = "0123456789"
_LONGEST_NUMBER = 3
_APART = re.compile(
    r"[/|\\・,、&+;:=\n\r]|\s[-~]\s|→|\bor\b|\band\b|または|及び|および|と(?=お?ご?回答|お?ご?質問)"
    r"|(?<=\b[qa])\.(?=\s?[^\x00-\x7f])"
)
_SCRIPTS = re.compile(r"(?<=[a-z])[\s_-]?(?=[^\x00-\x7f])|(?<=[^\x00-\x7f])[\s_-]?(?=[a-z])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPACES = re.compile(r"[\s_-]+")
_LONGEST = 120
"""Characters; a longer header is a text."""
_MODIFIED_GROUPS = 1
"""Words around a name are looked through for its first group only: a user name is no question."""


@dataclass(frozen=True, slots=True, order=True)
class HeaderName:
    """What a header was read as. The lowest of a role gets it: `group`, then `distance` from the name, then `rank`."""

    group: int
    distance: int
    rank: int
    role: str


def read_header(header: str) -> HeaderName | None:
    """Return what a header is called, or None if it isn't known.

    In order: the whole header; without notes in brackets, marks and numbers; a part of it in another language; without
    words around it (question text, お客様からの質問). A header that names two roles (質問/回答) is neither.
    """
    return None if len(header) > _LONGEST else _read_short(header)


@lru_cache(maxsize=1 << 10)  # at each reading of a file, and an edit has several, its first rows are looked through
def _read_short(header: str) -> HeaderName | None:
    whole = normalize(_CAMEL.sub(" ", header)) if not header.isupper() else normalize(header)
    if found := _known(whole, 0) or _known(_without_notes(whole), 1):
        return found
    parts = [found for part in _parts(header) if (found := _known(part, 2) or _modified(part))]
    outer = _modified(_without_notes(whole))
    if outer:
        parts.append(outer)
    roles = {part.role for part in parts}
    return min(parts) if len(roles) == 1 else None


def bare(header: str) -> str:
    """Return a header in the form of the names."""
    return _SPACES.sub("", normalize(header))


def _known(text: str, distance: int) -> HeaderName | None:
    found = _LOOKUP.get(_SPACES.sub("", text))
    return HeaderName(found[1], distance, found[2], found[0]) if found else None


def _without_notes(text: str) -> str:
    """Remove notes in brackets, marks at both ends, and a number before or after; what is all in brackets stays."""
    text = _PICTURES.sub(" ", text).removesuffix(_CUSTOM)
    kept = _BRACKETED.sub(" ", text).strip(_MARKS) or _BRACKETED.sub(r"\1", text)
    kept = re.split(r"[(\[【「※]", kept, maxsplit=1)[0].strip(_MARKS) or kept  # an open bracket, or a note after ※
    return _without_number(kept.strip(_MARKS))


def _without_number(text: str) -> str:
    if leading := _LEADING_NUMBER.match(text):
        text = text[leading.end() :]
    kept = text.rstrip(_DIGITS)
    if kept == text or len(text) - len(kept) > _LONGEST_NUMBER:
        return text.strip(_MARKS)
    kept = kept.rstrip(_MARKS)
    return kept.removesuffix("no").strip(_MARKS) or kept


def _parts(header: str) -> Iterator[str]:
    """Yield the normalized parts between slashes, lines, brackets, and where the script changes."""
    apart = _BRACKETED.sub(r"/\1/", _CAMEL.sub(" ", header) if not header.isupper() else header)
    for piece in _APART.split("\n".join(normalize(line) for line in apart.splitlines())):
        yield _without_notes(piece)
        scripts = _SCRIPTS.split(_without_notes(piece))
        if len(scripts) > 1 and all(_SPACES.sub("", part) in _LOOKUP or part in _AFTER for part in scripts):
            yield from scripts[1:] if scripts[0] in _ABOUT else scripts


def _modified(text: str) -> HeaderName | None:
    """Return the name that is left without the words around it; only of questions and answers."""
    for core in (*_english_cores(text), *_japanese_cores(text)):
        found = _known(core, 3)
        if found and found.role in {"question", "answer"} and found.group < _MODIFIED_GROUPS and len(core) > 1:
            return found
    return None


def _english_cores(text: str) -> Iterator[str]:
    words = [word for word in _SPACES.split(text) if word]
    first = next((place for place, word in enumerate(words) if word not in _BEFORE), len(words))
    last = next((place for place in range(len(words), 0, -1) if words[place - 1] not in _AFTER), 0)
    for start, end in ((first, len(words)), (0, last), (first, last)):
        if start < end and (start, end) != (0, len(words)):
            yield " ".join(words[start:end])


def _japanese_cores(text: str) -> Iterator[str]:
    text = _SPACES.sub("", text)
    before = text
    while match := _JAPANESE_BEFORE.match(before):
        before = before[match.end() :]
        yield before
        yield _JAPANESE_AFTER.sub("", before)
    yield _JAPANESE_AFTER.sub("", text)

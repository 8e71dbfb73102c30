"""Detecting placeholders: answers that somebody has yet to write."""

import re
import unicodedata

from indexes.records.entities import without_tags
from indexes.records.model import Record
from indexes.text import normalize, unicode_form

_LONGEST = 40
"""Characters; a longer text is no placeholder."""
_UNDER_WORK = "🚧⏳⌛"
"""Pictures beside, or instead of, words such as 準備中."""
_SHEET_ERROR = re.compile(r"#[A-Z_]{2,16}[!?]|#GETTING_DATA|#エラー!?|Err:\d{3}")
"""What Excel, LibreOffice and Google Sheets write for a formula that failed."""
_DASHES = "ー─━⋯↑⬆"
"""Letters and symbols used as dashes, dots or ditto marks; other ones are punctuation."""
_BLANK_SIGNS = frozenset("x○〇●×□■△")
"""Two or more of one of these are a placeholder; a single ○ or × is an answer in many tables."""
_WRITTEN = "記入 追記 回答 連絡 掲載 公開 更新 案内 お知らせ 通知 決定 作成 確認 記載 ご案内 ご連絡 ご回答 ご確認"
_LATER = "後日|追って|近日中?に?|後ほど|のちほど|あとで|後で"
_WAITING = """
    tbd tba tbc tbw todo fixme wip pending unknown dummy placeholder na nil null nan undefined ref value name div0
    tobedetermined tobeannounced tobeconfirmed tobedecided tobewritten toberevised tobeadded tobefilledin
    comingsoon tocome tofollow workinprogress inprogress underconstruction underreview inpreparation notyet
    notyetdecided notyetavailable notavailableyet noansweryet noanswer undecided asabove seeabove sameasabove ditto
    answerpending pendinganswer awaitinganswer needsanswer answerneeded underdevelopment loremipsum
    tobeupdated tobeprovided tobeclarified tobecompleted
"""
_ENGLISH = frozenset(_WAITING.split())
_ABOUT = "(?:(?:回答|内容|文面|原稿|詳細)は?)?"
_JAPANESE = re.compile(
    r"(?:現在|只今|ただいま|ただ今|目下)?"
    rf"(?:{_ABOUT}(?:未定|未確定|未回答|未記入|未入力|未作成|未決定)|不明|空欄|空白|ダミー|プレースホルダー?"
    r"|同[上左前]|(?:上|左|右|上記|前|↑)?(?:に|と)?同じ|以下同文|々|ヽ|ゝ|仝|保留|仮|仮置き|仮回答"
    r"|(?:ここに)?(?:回答|答え|本文|テキスト)(?:を(?:入力|記入)(?:してください)?|が入ります)|(?:後|あと)で書く"
    rf"|{_ABOUT}(?:調整|準備|作成|確認|検討|記入|執筆|作業|更新|整備|編集|回答準備|問い合わせ|問合せ|対応|工事|保留)中"
    r"|(?:調整|確認|検討)して(?:います|おります)"
    r"|要(?:確認|調査|記入|追記|検討|回答)|(?:回答|確認|連絡|返答)待ち|(?:回答|答え|記載|記入|情報)(?:なし|無し)"
    rf"|(?:{'|'.join(_WRITTEN.split())})(?:予定|します|いたします|致します)"
    rf"|{_ABOUT}(?:{_LATER})(?:{'|'.join(_WRITTEN.split())})?(?:予定|します|いたします|致します)?)"
    r"(?:です|となります|となっております|になります|しています|しております)?"
)


def has_answer(record: Record) -> bool:
    """Return whether a row has an answer: not blank, not just a dash, a question mark, "TBD" or 未定.

    なし, None, No and × are answers.
    """
    return not is_placeholder(record.answer)


def may_be_volunteered(record: Record) -> bool:
    """Return whether the bot may post a row unasked: it has a question and an answer, and they aren't guessed."""
    return bool(record.question) and not record.guessed and has_answer(record)


def is_placeholder(text: str) -> bool:
    """Return whether a text is blank, or stands where somebody has yet to write one."""
    text = without_tags(text)
    if len(text) > _LONGEST:
        return False
    if _SHEET_ERROR.fullmatch(unicode_form("NFKC", text.strip())):
        return True
    said = "".join(filter(_says_something, normalize(text)))
    if len(said) > 1 and len(set(said)) == 1 and said[0] in _BLANK_SIGNS:
        return True
    return not said.strip(_DASHES) or said in _ENGLISH or _JAPANESE.fullmatch(said) is not None


def _says_something(character: str) -> bool:
    """Return whether this is a letter, a digit or a sign such as ○ or €: no punctuation or space."""
    if character in _UNDER_WORK:
        return False
    return character.isalnum() or (not character.isascii() and unicodedata.category(character).startswith("S"))

"""Headers as help desks, chat bots, wikis, glossaries and training data write them."""

import pytest

from indexes.records.header_names import read_header

QUESTIONS = """
質問|問|問い|設問|疑問|質問文|質問内容（原文）|質問（窓口より）|質問(必須)|質問※|■質問|【質問】|質問１
質問 2|1. 質問|質問①|ご質問の内容|想定質問|市民からのご質問|お客様の質問|よくあるご質問|質問・要望
質問 / Question|Question（質問）|質問 Question|質問\\nQuestion|用語|専門用語|単語|症状|シナリオ名|相談内容
記事タイトル|question text|question_text|QuestionText|QUESTION_TEXT|Question 1|Question*|question:|Q.|Ｑ
FAQ Question|faq_question|Customer's question|Question\\n(as asked)|prompt|Prompts|instruction|input|utterance
term|Article Title|article_name|questionEn|Question [EN]|Problem|Issue|FAQ質問|❓ Question|質問❓|“Question”
①質問|1質問|Q. 質問|Ｑ．質問|お尋ねの内容|質疑|よく聞かれる質問|期待する質問|質問↓|質問 ▼|プロンプト|指示文
入力|困っていること|ご要望|質問・ご意見|\u200e質問
質問No.1|1. ■質問|質問 No. 2|エラーメッセージ|Problem statement|簡単な説明|しつもん|手続き名
ページタイトル|ワード|Glossary term|Question__c|FAQ_Question__c|Input text|Short description
"""
ANSWERS = """
回答|答|答え|解答|回答文|回答（職員向け）|【回答】|回答１|回答(1)|回答（日本語）|公式回答|標準回答例|模範解答
ご回答内容|回答文案|意味・解説|回答・本文|説明|定義|意味|解説|対処|回答 / Answer|answer text|answer_text
AnswerText|Answer (approved)|Answer - EN|A.|Ａ|a1|FAQ Answer|faq_answer|expected_answer|correct answer
Support Answer|completion|output|response|html_content|Article Details|Body (HTML)|meaning|definition
Resolution|Fix|FAQ回答|QA回答|✅ Answer
②回答|A.回答|お答え|ご返答|ご返信内容|正解|出力|期待する回答|一次回答|期待される回答|操作方法|回避策|用語解説|Ans.|Answer__c
Resolution notes|Close notes|Full form|答弁要旨|回答No.1|その回答|助言
"""
OTHERS = """
質問者|回答者|質問日|回答日|回答期限|回答状況|回答済み|回答有無|未回答|誤回答|AI回答|追加質問|関連質問|質問数
質問カテゴリ|備考|社員番号|お客様名|製品|特徴|質問/回答|質問と回答|Question/Answer|Bot_Reply|anser|item|info
Answered by|Answer date|Wrong answer|Related questions|number of questions|user name|Updated by|Notes
質問日時|回答_ステータス|正式名称|1問1答|更新時間|U.S.A.|No.質問
"""


def listed(table: str) -> list[str]:
    return [name.replace("\\n", "\n") for line in table.strip().splitlines() for name in line.split("|")]


def role(header: str) -> str:
    found = read_header(header)
    return found.role if found else ""


@pytest.mark.parametrize("header", listed(QUESTIONS))
def test_a_question_is_known_however_it_is_written(header: str) -> None:
    assert role(header) == "question"


@pytest.mark.parametrize("header", listed(ANSWERS))
def test_an_answer_is_known_however_it_is_written(header: str) -> None:
    assert role(header) == "answer"


@pytest.mark.parametrize("header", listed(OTHERS))
def test_what_only_mentions_questions_and_answers_is_neither(header: str) -> None:
    assert role(header) not in {"question", "answer"}


@pytest.mark.parametrize("header", ["question id", "質問番号", "Article ID", "FAQ No."])
def test_the_number_of_a_question_is_its_id(header: str) -> None:
    assert role(header) == "id"


def test_the_plainest_name_is_preferred() -> None:
    found = [read_header(header) for header in ("質問", "質問１", "想定質問", "問題", "件名")]
    assert found == sorted(one for one in found if one)

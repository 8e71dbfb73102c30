"""What spreadsheets and exports leave in a CSV: unknown headers, none at all, missing cells, other encodings, HTML."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from indexes.errors import UnusableFileError
from indexes.records import KnowledgeBase, check_file, may_be_volunteered, parse_records, read_records
from indexes.records.editing import change

FILE = Path("faq.csv")


def read(content: str | bytes) -> KnowledgeBase:
    return parse_records(content if isinstance(content, bytes) else content.encode(), FILE)


def refused(content: str | bytes) -> str:
    with pytest.raises(UnusableFileError) as caught:
        read(content)
    return str(caught.value)


def told(found: KnowledgeBase) -> list[tuple[int, str, bool]]:
    return [(problem.line, str(problem.message), problem.skipped) for problem in found.problems]


# Headers that nobody knows


@pytest.mark.parametrize(
    ("header", "question", "answer"),
    [
        ("thing,about it", "thing", "about it"),
        ("商品,特長", "商品", "特長"),
        ("番号,商品,色,特長", "商品", "特長"),
        ("qestion,anser", "qestion", "anser"),
        ("anser,qestion", "qestion", "anser"),
        ("Room,Floor,What is in it", "Room", "What is in it"),
    ],
)
def test_unknown_headers_are_guessed_said_and_never_volunteered(header: str, question: str, answer: str) -> None:
    titles = header.split(",")
    cells = {"番号": "12", "色": "赤", "Floor": "3", answer: "A longer text about this one", question: "Short name"}
    found = read(f"{header}\n{','.join(cells.get(title, 'x y') for title in titles)}\n")
    assert (found.columns["question"], found.columns["answer"], found.guessed) == (question, answer, True)
    assert (found.records[0].question, found.records[0].answer) == (cells[question], cells[answer])
    assert not may_be_volunteered(found.records[0])
    assert [(line, skipped) for line, _, skipped in told(found)] == [(1, False)]
    assert f'"{question}" is taken for the question and "{answer}" for the answer' in told(found)[0][1]


def test_a_known_header_is_never_guessed_away() -> None:
    found = read("質問,何か\n何時まで？,18時\n")
    assert (found.columns, found.guessed) == ({"question": "質問"}, False)
    assert found.records[0].details == {"何か": "18時"}


def test_chosen_columns_are_read_and_may_be_volunteered() -> None:
    text = "商品,特長,id\n椅子,軽い,7\n".encode()
    found = parse_records(text, FILE, chosen={"question": "商品", "answer": "特長"})
    assert found.columns == {"question": "商品", "answer": "特長", "id": "id"}
    assert may_be_volunteered(found.records[0])
    assert found.problems == ()


def test_a_chosen_column_wins_over_a_known_name() -> None:
    found = parse_records("件名,質問,回答\nt,q,a\n".encode(), FILE, chosen={"question": "件名"})
    assert (found.records[0].question, found.records[0].details) == ("t", {"質問": "q"})


def test_a_chosen_column_that_does_not_exist_is_refused_with_the_ones_that_do() -> None:
    with pytest.raises(UnusableFileError) as caught:
        parse_records("件名,本文\na,b\n".encode(), FILE, chosen={"question": "題"})
    assert str(caught.value) == (
        'kotae.toml: knowledge_bases.faq.columns.question = "題": faq.csv has no such column; '
        'its first row has "件名", "本文"'
    )


@pytest.mark.parametrize(
    "text",
    [
        "Where do I park?,Behind the house\nWho pays?,We do\n",
        "駐車場はどこですか,裏にあります\n料金はいくらですか,無料です\n",
        "料金を教えてください。,無料\n場所,裏\n",
        "1,Parking,Behind\n2,Paying,Nothing\n",
        "2024-04-01,Opening,Hall A\n2024-05-01,Closing,Hall B\n",
        "Parking,Behind the house\nParking,In the street\n",
    ],
)
def test_a_file_without_a_header_says_that_the_first_row_looks_like_data(text: str) -> None:
    assert refused(text).startswith("faq.csv:1: the first row looks like data (")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("Question|Answer|\nWhere?|Here|\n", "|"),
        ("Thing | Info\nWhere | Here, there\n", "|"),
        ("Question|Answer, in short|Tags, comma\nWhere, exactly?|Here|a\nWho?|We|b\n", "|"),
        ("| Question | Answer |\n| --- | --- |\n| Where? | Here, there |\n", "|"),
        ("質問｜回答\nどこ｜ここ\n", "｜"),
        ("質問，回答\nどこ，ここ\n", "，"),
        ("質問、回答\nどこ、ここ\n", "、"),
        ("Question^Answer\nWhere?^Here\n", "^"),
    ],
)
def test_another_separator_is_named(text: str, separator: str) -> None:
    assert refused(text).startswith(f'faq.csv:1: the columns are separated by "{separator}"; save the file with commas')


def test_a_header_with_a_name_too_few_is_named() -> None:
    assert refused("質問,回答\nどこ,2階,本社\n何時,9時,支社\n").startswith(
        "faq.csv:1: the header names 2 columns, but 2 rows have 3 cells; name the other columns"
    )
    found = read("質問,回答\nどこ,2階,本社\n誰,総務\n何時,9時,支社\n")
    assert [record.question for record in found.records] == ["誰"]
    assert {message for _, message, _ in told(found)} == {
        "3 fields, the header has 2; name the column that the header lacks"
    }


@pytest.mark.parametrize("rows", ["よくある質問,,\n番号,質問,回答\n1,a,b\n", "本文,,,\n番号,,本文,題名\n1,,a,b\n"])
def test_a_title_above_the_header_is_pointed_out_even_if_it_is_a_known_name(rows: str) -> None:
    assert refused(rows).endswith("Or: line 2 looks like the header: delete the lines above it")


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("基本情報,,内容,\n番号,分類,質問,回答\n1,席,替えたい,申請\n", 2),
        ("番号,分類,FAQ,\n,,質問,回答\n1,席,替えたい,申請\n", 2),
        ("質問,,回答,\n質問文,分類,回答文,担当\n替えたい,席,申請,総務\n", 2),
        ("社内FAQ,,最終更新: 2026-04-01\n,,\n番号,質問,回答\n1,替えたい,申請\n", 3),
        ("Ticket,,Body,\nID,Tags,Question,Answer\n1,seat,Change it?,Ask\n", 2),
    ],
)
def test_the_lower_line_of_a_header_in_two_lines_is_named(rows: str, line: int) -> None:
    message = (
        "looks like the header, but line 1 was read as it; put all names of columns into one line above the entries"
    )
    assert (line, message, False) in told(read(rows))


@pytest.mark.parametrize(
    "text",
    [
        "用語,説明\n質問,たずねること\n番号,順番を表す数\n",
        "question,answer\nTitle,Content\nWhat is an id?,A number\n",
        "英語,日本語,説明\nAnswer,回答,返事\nImage,画像,絵\n",
        "本文,部署\nタイトルの付け方,総務\n",
    ],
)
def test_rows_about_columns_are_no_header(text: str) -> None:
    assert told(read(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Q,席を替えたい\nA,申請する\nQ,鍵をなくした\nA,総務へ\n",
        "質問,内容\nQ1,席を替えたい\nA1,申請する\nQ2,鍵をなくした\nA2,総務へ\n",
        "Answer,Text\nQuestion,Where?\nAnswer,Here\nQuestion,When?\n",
    ],
)
def test_questions_and_answers_below_each_other_are_told(text: str) -> None:
    assert [(line, message.partition(";")[0]) for line, message, _ in told(read(text))] == [
        (1, f'the column "{text.partition(",")[0]}" has only names such as Q and A')
    ]


def test_chosen_columns_are_not_doubted() -> None:
    text = "表題,,本文,\n質問文,分類,回答文,担当\na,b,c,d\n".encode()
    found = parse_records(text, FILE, chosen={"question": "表題", "answer": "本文"})
    assert told(found) == []


# Cells


def test_blank_cells_that_a_spreadsheet_left_out_are_blank_and_said_once() -> None:
    found = read('質問,回答,分類,更新者\n一,ア,x,y\n二,イ,z\n"三\n行",ウ\n四\n五,オ,,\n')
    assert [(record.question, record.answer, record.category) for record in found.records] == [
        ("一", "ア", "x"),
        ("二", "イ", "z"),
        ("三\n行", "ウ", ""),
        ("四", "", ""),
        ("五", "オ", ""),
    ]
    message = "this row and 2 others end before the last column; their missing cells are blank"
    assert told(found) == [(3, message, False)]


def test_a_short_row_that_swallowed_others_is_still_refused() -> None:
    found = read('質問,回答,分類\n"一,ア,x\n"二",イ\n三,ウ,z\n')
    assert [record.question for record in found.records] == ["三"]
    assert [(line, skipped) for line, _, skipped in told(found)] == [(2, True)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_row_without_its_last_cells_can_be_changed(tmp_path: Path, line_end: str) -> None:
    path = tmp_path / "faq.csv"
    path.write_bytes(line_end.join(["質問,回答,分類", "一,ア", "二", ""]).encode())
    base = read_records(path)
    first = change(base, base.records[0].id, {"category": "総務"}, datetime.now(UTC)).knowledge_base
    change(first, first.records[1].id, {"answer": "イ"}, datetime.now(UTC))
    assert path.read_bytes() == line_end.join(["質問,回答,分類", "一,ア,総務", "二,イ", ""]).encode()


def test_rows_are_the_same_only_when_every_column_is() -> None:
    found = read("質問,回答,拠点\n窓口,受付,東京\n窓口,受付,大阪\n窓口,受付,東京\n")
    assert [record.details for record in found.records] == [{"拠点": "東京"}, {"拠点": "大阪"}]
    assert len({record.id for record in found.records}) == 2
    assert told(found) == [(4, "the same question and answer as in line 2", True)]


def test_check_warns_of_merged_cells(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(
        "分類,質問,回答\n席,席を替えたい,1. 申請\n,,2. 承認\n,,3. 移動\n,鍵をなくした,総務へ\n", encoding="utf-8"
    )
    report = check_file(path)
    assert [(problem.line, problem.skipped) for problem in report.problems] == [(3, False)]
    assert str(report.problems[0].message).startswith('no question in 2 row(s) below "席を替えたい" (line 2)')
    assert report.records == 4


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("R&amp;D", "R&D"),
        ("9&ndash;17&nbsp;Uhr", "9–17 Uhr"),
        ("It&#8217;s &pound;5", "It’s £5"),
        ("a &lt;b&gt; tag", "a &lt;b&gt; tag"),
        ("write `&nbsp;`", "write `&nbsp;`"),
        ("Q&A & more; AT&T;", "Q&A & more; AT&T;"),
        ("&#0; &#1; &unknown;", "&#0; &#1; &unknown;"),
        ("&nbsp;", ""),
        ("&nbsp;9 to 5&nbsp;", "9 to 5"),
        ("Donau&shy;dampf&#8203;schiff", "Donaudampfschiff"),
        ("one&#13;&#10;two&#9;three", "one\ntwo three"),
        ("&#128104;&zwj;&#128187;", "👨\u200d💻"),
        ("<p>&nbsp;</p>", ""),
        ("<div><br /></div>\n", ""),
        ("<name> <id>", "<name> <id>"),
        ("/a?x=1&notify;&copyright=2&sect=3", "/a?x=1&notify;&copyright=2&sect=3"),
    ],
)
def test_entities_are_the_characters_they_stand_for(written: str, read_as: str) -> None:
    found = read(f'question,answer,note\n"{written}",x,"{written}"\n')
    assert (found.records[0].question, found.records[0].details.get("note", "")) == (read_as, read_as)


@pytest.mark.parametrize(
    "nothing", ["\u200b", "\ufeff", "\u200e\u00a0\u200f", "\u2060 \u00ad", "<p><br></p>", "&nbsp;", "　"]
)
def test_a_cell_that_shows_nothing_is_blank(nothing: str) -> None:
    found = read(f"question,answer,note\n{nothing},{nothing},x\nWhere?,{nothing},{nothing}\n{nothing},Here,\n")
    assert [(record.question, record.answer, record.details) for record in found.records] == [
        ("Where?", "", {}),
        ("", "Here", {}),
    ]
    assert told(found) == [(2, "question and answer are both blank", True)]
    assert [may_be_volunteered(record) for record in found.records] == [False, False]


@pytest.mark.parametrize("line", ["\u200b", "　,　", "\ufeff", "\u200e,\u00a0"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_line_that_shows_nothing_is_no_header_and_rows_can_be_edited(tmp_path: Path, line: str, codec: str) -> None:
    path = tmp_path / "faq.csv"
    path.write_bytes(f"{line}\nquestion,answer\nWhere?,Here\n".encode(codec))
    base = read_records(path)
    assert base.header_line == 2
    change(base, base.records[0].id, {"answer": "There"}, datetime.now(UTC))
    assert path.read_bytes() == f"{line}\nquestion,answer\nWhere?,There\n".encode(codec)


@pytest.mark.parametrize("letter", ["\x0b", "\x0c"])
def test_a_line_broken_as_filemaker_does_is_a_line_and_stays_in_the_file(tmp_path: Path, letter: str) -> None:
    path = tmp_path / "faq.csv"
    path.write_bytes(f'question,answer\nHow?,"one{letter}two"\nWhy?,x{letter}y\n'.encode())
    base = read_records(path)
    assert [record.answer for record in base.records] == ["one\ntwo", "x\ny"]
    changed = change(base, base.records[1].id, {"question": "Why not?", "answer": "x\ny"}, datetime.now(UTC))
    assert changed.data == f'question,answer\nHow?,"one{letter}two"\nWhy not?,x{letter}y\n'.encode()


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("<p>How?</p>", "How?"),
        ("<p>この<b>赤</b>い線は&nbsp;？</p>", "この赤い線は ？"),
        ("<div>\n<p>One</p>\n<p>two?</p>\n</div>", "One \n two?"),
        ("<p> tags in text", "<p> tags in text"),
        ("What is <b>?", "What is <b>?"),
        ("<div> or <span>", "<div> or <span>"),
    ],
)
def test_a_question_that_stands_in_tags_is_its_text(tmp_path: Path, written: str, read_as: str) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(f'question,answer\n"{written}",<p>x</p>\n', encoding="utf-8")
    base = read_records(path)
    record = base.records[0]
    assert (record.question, record.answer) == (read_as, "<p>x</p>")
    assert change(base, record.id, {"question": read_as, "answer": "x"}, datetime.now(UTC)).record.answer == "x"
    assert path.read_text(encoding="utf-8") == f'question,answer\n"{written}",x\n'


@pytest.mark.parametrize("row", ["R&amp;D?,9&ndash;17", "<p>R&amp;D?</p>,<p>9&ndash;17</p>"])
def test_saving_what_readers_see_of_entities_changes_nothing(tmp_path: Path, row: str) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(f"question,answer\n{row}\n", encoding="utf-8")
    base = read_records(path)
    cells = {"question": base.records[0].question, "answer": base.records[0].answer}
    assert change(base, base.records[0].id, cells, datetime.now(UTC)).data == path.read_bytes()


# Files that were made of several, and titles


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_in_the_middle_is_no_row_and_byte_order_marks_are_no_text(mark: str) -> None:
    found = read(f"\ufeff{mark}question,answer\nA?,1\n{mark}question,answer\nB?,{mark}2\n")
    assert [(record.question, record.answer) for record in found.records] == [("A?", "1"), ("B?", "2")]
    assert found.columns == {"question": "question", "answer": "answer"}
    assert [(each.line, str(each.message), each.skipped) for each in found.problems] == [
        (3, "the header again, as in files that were joined", True)
    ]


@pytest.mark.parametrize("title", ["Table 1", "FAQ", "社内FAQ一覧"])
@pytest.mark.parametrize("row", ["Question,Answer", "No;質問;回答", "Question\tAnswer"])
def test_a_title_above_the_header_is_told_wherever_the_cells_end(title: str, row: str) -> None:
    separator = next(each for each in ",;\t" if each in row)
    below = "".join(separator.join([f"{number}"] * len(row.split(separator))) + "\n" for number in range(5))
    with pytest.raises(UnusableFileError, match="line 3 looks like the header"):
        read(f"{title}\n\n{row}\n{below}")


def test_a_row_of_one_name_is_no_header() -> None:
    found = read("original,normalized\nVPN,virtual private network\nA,A\nQuestion,Q\n")
    assert [record.line for record in found.records] == [2, 3, 4]


# Encodings


@pytest.mark.parametrize(
    "text",
    [
        "question,answer\nI can’t log in,Don’t panic – call us\n",
        "question,answer\nIt won’t start,Press ‘On’\n",
        "question,answer\nWhere’s the key?,Ask\n",
        "question,answer\nWhat’s VPN,It “works”\n",
        "question,answer\nHours,9–17\n",
        "question,answer\nPrice,€5 or £4\n",
        "question,answer\nRéseau,Créer un accès à l’étage\n",
        "question,answer\nOù est l’entrée ?,À gauche… puis « tout droit »\n",
        "question,answer\nGröße,Müller weiß es\n",
        "question,answer\nÖffnungszeiten,Straße 5 – täglich\n",
        "question,answer\n¿Dónde está el baño?,Mañana\n",
        "question,answer\nTemperature,20 °C ± 1\n",
        "question,answer\nWi-Fi®,Use Guest™\n",
    ],
)
def test_windows_1252_is_read_and_said(text: str) -> None:
    found = read(text.encode("cp1252"))
    rows = [tuple(line.split(",")) for line in text.splitlines()[1:]]
    assert [(record.question, record.answer) for record in found.records] == rows
    assert found.encoding == "cp1252"
    assert [message.startswith("read as Windows-1252 (") for _, message, _ in told(found)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "question,answer\nVPNが使えない,再起動します\n",
        "id,name,description\n1,A棟,B棟の隣\n",
        "question,answer\nWhere is 総務?,3F\n",
        "質問,回答\n表示,ソート\n",
        "question,answer\nｶｷﾞ,ｿｳﾑ\n",
        "質問,回答\nCaféの場所,①階\n".replace("é", "e"),
    ],
)
def test_japanese_is_still_cp932(text: str) -> None:
    assert read(text.encode("cp932")).encoding == "cp932"


@pytest.mark.parametrize("bad", [b"\xff\xff", b"\xfd", b"\xa0", b"\x85\x20"])
def test_bad_bytes_in_cp932_are_refused_by_line(bad: bytes) -> None:
    lines = [f"質問{n}の書き方を教えてください,回答はこちらの資料にあります".encode("cp932") for n in range(5)]
    lines[3] += bad
    assert refused(b"\r\n".join(["質問,回答".encode("cp932"), *lines])) == (
        "faq.csv:5: the file is cp932 but its bytes are damaged here; export it again"
    )


@pytest.mark.parametrize("codec", ["utf-8", "cp932"])
def test_private_characters_are_said_by_line(codec: str) -> None:
    found = read("質問,回答\n高さ,\ue000の部品です\n幅,5\n".encode(codec))
    assert [(line, skipped) for line, _, skipped in told(found)] == [(2, False)]
    assert "U+E000" in told(found)[0][1]

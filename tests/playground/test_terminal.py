from __future__ import annotations

import io
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.playground import LocalSlack
from bot.playground.terminal import converse
from bot.playground.terminal.script import ScriptError, read_script
from bot.texts import JAPANESE
from indexes.text import is_japanese
from tests.playground.helpers import buttons, client_of, section

JSON = dict[str, Any]
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROOT = Path(__file__).parents[2]
FORM: JSON = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "New answer"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "answer",
            "label": {"type": "plain_text", "text": "Answer"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


def home(told: str) -> JSON:
    box = {
        "type": "input",
        "dispatch_action": True,
        "label": {"type": "plain_text", "text": "Question"},
        "element": {"type": "plain_text_input", "action_id": "ask"},
    }
    return {"type": "home", "blocks": [section(told), box]}


def answer(question: str) -> JSON:
    text = question[:1000]
    return {"text": f"re: {text}", "blocks": [section(f"*Answer to* {text}"), buttons("Good", "Bad", "Form")]}


def help_desk(client: WebClient) -> App:
    """A small bot with one of everything: it repeats what it is asked, and is silent when it was not asked."""
    app = App(client=client)
    follow_messages(app)
    answer_commands(app)
    serve_views(app)
    return app


def follow_messages(app: App) -> None:
    answers: dict[str, str] = {}

    def is_question(event: JSON) -> bool:
        return event["channel_type"] == "im" and not event.get("bot_id") and event["text"] != "ignore me"

    @app.event({"type": "message", "subtype": None}, matchers=[is_question])
    def asked(event: JSON, client: WebClient) -> None:
        answers[event["ts"]] = client.chat_postMessage(channel=event["channel"], **answer(event["text"]))["ts"]

    @app.event({"type": "message", "subtype": "message_changed"})
    def changed(event: JSON, client: WebClient) -> None:
        now = event["message"]
        if now["ts"] in answers:
            client.chat_update(channel=event["channel"], ts=answers[now["ts"]], **answer(now["text"]))

    @app.event({"type": "message", "subtype": "message_deleted"})
    def deleted(event: JSON, client: WebClient) -> None:
        if event["deleted_ts"] in answers:
            client.chat_delete(channel=event["channel"], ts=answers[event["deleted_ts"]])

    @app.event("app_mention")
    def mentioned(event: JSON, client: WebClient) -> None:
        thread = event.get("thread_ts", event["ts"])
        client.chat_postMessage(channel=event["channel"], thread_ts=thread, **answer("a mention"))

    @app.event("member_joined_channel")
    def joined(event: JSON, client: WebClient) -> None:
        client.chat_postMessage(channel=event["channel"], text="Nice to meet you")

    app.event("message")(lambda: None)
    app.event("file_shared")(lambda: None)


def answer_commands(app: App) -> None:
    @app.command("/search")
    def search(ack: Any, command: JSON, respond: Any) -> None:
        ack()
        if command["text"] == "nothing":
            return
        respond(**answer(command["text"]))
        if command["text"] == "late":
            time.sleep(2)
            respond(text="and one thing more")

    @app.command("/kb")
    def kb(ack: Any, command: JSON, client: WebClient) -> None:
        ack()
        direct = client.conversations_list(types="im")["channels"]
        place = next(each["id"] for each in direct if each["user"] == command["user_id"])
        client.chat_postMessage(channel=place, text=f"Report on <#{command['channel_id']}>")

    @app.action("good")
    def good(ack: Any, respond: Any) -> None:
        ack()
        respond(text="Thank you", replace_original=False)

    @app.action("bad")
    def bad(ack: Any, respond: Any) -> None:
        ack()
        respond(text="Folded", replace_original=True)


def serve_views(app: App) -> None:
    @app.action("form")
    def form(ack: Any, body: JSON, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.shortcut("save")
    def saved(ack: Any, body: JSON, respond: Any) -> None:
        ack()
        respond(text=f"Saved: {body['message']['text']}")

    @app.shortcut("add")
    def added(ack: Any, body: JSON, client: WebClient) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.view("form")
    def submitted(ack: Any, view: JSON) -> None:
        typed = view["state"]["values"]["answer"]["text"]["value"]
        if len(typed) < 3:
            ack(response_action="errors", errors={"answer": "Too short"})
        else:
            ack()

    @app.event("app_home_opened")
    def opened(event: JSON, client: WebClient) -> None:
        client.views_publish(user_id=event["user"], view=home("*Welcome*"))

    @app.action("ask")
    def asked(ack: Any, body: JSON, client: WebClient) -> None:
        ack()
        client.views_publish(user_id=body["user"]["id"], view=home(f"You asked {body['actions'][0]['value']}"))


@contextmanager
def serving() -> Iterator[LocalSlack]:
    with LocalSlack(retry_delays=(0.1, 0.1, 0.1)) as slack:
        handler: Any = SocketModeHandler(help_desk(client_of(slack)), slack.app_token)
        handler.connect()
        slack.wait_connected()
        yield slack
        handler.close()


@pytest.fixture(scope="module")
def connected() -> Iterator[LocalSlack]:
    with serving() as slack:
        yield slack


@pytest.fixture
def desk(connected: LocalSlack) -> LocalSlack:
    """The one server of these tests, with nothing said yet."""
    connected.quiet(0.05)
    workspace = connected.workspace
    workspace.ephemerals.clear()
    workspace.views.clear()
    for channel in workspace.channels.values():
        channel.messages.clear()
    return connected


def talk(slack: LocalSlack, *lines: str | Iterable[str], **options: Any) -> str:
    """What stands on the screen after the first screen."""
    out = io.StringIO()
    typed = chain.from_iterable([each] if isinstance(each, str) else each for each in lines)
    converse(slack, console=Console(file=out, width=100), lines=typed, **options)
    welcome, _, rest = out.getvalue().partition('"Connect to Slack"\n\n')
    assert welcome.startswith("Kotae · local workspace ───")
    return rest


def first_screen(slack: LocalSlack, **options: Any) -> str:
    out = io.StringIO()
    converse(slack, console=Console(file=out, width=80), lines=[], **options)
    return out.getvalue()


def test_in_a_japanese_terminal_all_that_is_no_message_is_japanese(desk: LocalSlack) -> None:
    out = io.StringIO()
    lines = [":help", ":people", ":channels", ":thread", ":edit", ":submit", ":nothing", ":as", ":as nobody", ":as bot"]
    lines += [":in", ":in #nowhere", ":fill", ":fill x = y", ":press nothing", ":wait", ":upload", ":upload none.csv"]
    lines += [":shortcut", "99", "/nonsense", ":in #it-help", ":invite", ":in #random", "雑談です", ":thread", ":dm"]
    converse(desk, console=Console(file=out, width=100), lines=lines, texts=JAPANESE)
    said = [line.partition("> ")[2] if "> " in line else line for line in out.getvalue().splitlines()]
    shown = [line for line in said if line.strip() and line not in lines]
    assert len(shown) > 60
    named_by_the_workspace = (":in #", "  :in #", "  /search ")
    assert [each for each in shown if not (is_japanese(each) or each.startswith(named_by_the_workspace))] == []


# -- Asking ----------------------------------------------------------------------------------------------


def test_the_first_screen_says_what_this_is_and_what_to_try(desk: LocalSlack) -> None:
    screen = first_screen(desk, questions=["How do I {}?", "VPN"])
    assert "no Slack account needed, no data leaves it" in screen
    assert "アカウント不要、データは外に出ません" in screen
    assert "You are 佐藤 花子 (member, Japanese), in direct messages with Kotae: just ask." in screen
    assert "\nTry / お試しください\n  How do I {}?\n  /search VPN\n\n" in screen
    assert "  :in #it-help\n  @Kotae プリンターが動かない\n" in first_screen(desk)
    assert 'README, "Connect to Slack"' in screen
    assert len(screen.splitlines()) <= 20


def test_a_newcomers_first_question_is_answered(desk: LocalSlack) -> None:
    assert talk(desk, "パスワードを忘れました") == (
        "佐藤 花子 to Kotae> パスワードを忘れました\n"
        "Kotae\n"
        "  Answer to パスワードを忘れました\n"
        "  [1] Good   [2] Bad   [3] Form\n"
    )


def test_a_mention_is_answered_in_its_thread(desk: LocalSlack) -> None:
    assert talk(desk, ":in #it-help", "@Kotaeプリンターが動かない") == (
        "佐藤 花子 to Kotae> :in #it-help\n"
        "佐藤 花子 in #it-help: PC、VPN、アカウント " + "─" * 57 + "\n"
        "佐藤 花子 in #it-help> @Kotaeプリンターが動かない\n"
        '    Kotae · in thread of 佐藤 花子: "@Kotae プリンターが動かない"\n'
        "      Answer to a mention\n"
        "      [1] Good   [2] Bad   [3] Form\n"
    )


def test_silence_in_a_channel_is_explained(desk: LocalSlack) -> None:
    assert talk(desk, ":in it-help", "hello").endswith(
        "in #it-help> hello\n"
        "Kotae stays silent here unless it is mentioned (@Kotae …) or auto-reply is on and it is sure: /kb\n"
        "auto-reply on, as an admin (:as ichiro).\n"
    )


def test_a_command_is_answered_to_its_asker_only(desk: LocalSlack) -> None:
    screen = talk(desk, ":in ＃IT-help", "/search VPN <b> & [red]", ":as alice")
    assert "Kotae · only visible to you\n  Answer to VPN <b> & [red]\n  [1] Good" in screen
    assert screen.endswith("Alice Brown in #it-help: PC、VPN、アカウント " + "─" * 55 + "\n")


def test_what_arrives_elsewhere_says_where(desk: LocalSlack) -> None:
    desk.dm("hanako", "ignore me")
    screen = talk(desk, ":in dev-faq", "/kb report")
    assert "Kotae · in your direct messages with Kotae\n  Report on #dev-faq\n" in screen


def test_what_others_may_not_see_is_not_drawn(desk: LocalSlack) -> None:
    desk.say("ichiro", "keiri", "the salaries")
    assert "salaries" not in talk(desk, ":in keiri", "one")
    desk.say("ichiro", "general", "to all")
    assert "鈴木 一郎\n  to all\n" in talk(desk, ":in general")


def test_a_bot_that_does_not_answer_is_not_awaited_for_ever(desk: LocalSlack) -> None:
    screen = talk(desk, "ignore me", patience=1)
    assert screen.endswith("> ignore me\nNo answer within 1 s. If it still comes, it is shown.\n")
    assert "Nothing to be seen came of /search." in talk(desk, "/search nothing", patience=1)


def test_without_a_connection_that_is_said(slack: LocalSlack) -> None:
    screen = talk(slack, "hello", "/search VPN", patience=1)
    assert "Kotae is not connected at the moment; its log says why." in screen
    assert screen.endswith("/search VPN\n/search failed: Kotae is not connected (dispatch_failed).\n")


def test_the_first_line_waits_until_the_bot_is_ready(desk: LocalSlack) -> None:
    prepared = threading.Event()
    threading.Timer(0.5, prepared.set).start()
    screen = talk(desk, "hi", ready=prepared.is_set)
    assert screen.startswith("Kotae is reading its knowledge bases…\n佐藤 花子 to Kotae> hi\n")
    assert "Answer to hi" in screen


# -- Numbers ---------------------------------------------------------------------------------------------


def test_a_button_is_pressed_by_its_number(desk: LocalSlack) -> None:
    screen = talk(desk, "VPN", "1", "２", "2")
    assert "> 1\nKotae · only visible to you\n  Thank you\n" in screen
    assert "> ２\nKotae · edited\n  Folded\n" in screen
    assert screen.endswith("> 2\n[2] is not there any more; use the numbers shown last.\n")


def test_numbers_go_on_counting(desk: LocalSlack) -> None:
    screen = talk(desk, "one", "two", "1", "5")
    assert "[4] Good   [5] Bad" in screen
    assert screen.endswith("> 5\nKotae · edited\n  Folded\n")


def test_numbers_that_are_not_there_and_numbers_in_sentences(desk: LocalSlack) -> None:
    screen = talk(desk, "7", "0", "3 people can't log in", "1 more question")
    assert "Nothing has the number 7; press what is shown as [1], [2] and so on." in screen
    assert "Nothing has the number 0;" in screen
    assert "Answer to 3 people can't log in" in screen
    assert "Answer to 1 more question" in screen


def test_the_home_tab_is_shown_and_asked(desk: LocalSlack) -> None:
    screen = talk(desk, ":home", "1", "1 共有フォルダー", ":home")
    home_tab = "Kotae · Home " + "─" * 87 + "\n  {}\n  [{}] Question{}\n(fill in by number, such as {} some text)\n"
    assert screen == (
        "佐藤 花子 to Kotae> :home\n"
        + home_tab.format("Welcome", 1, "", 1)
        + "佐藤 花子 to Kotae> 1\nWrite your choice or text behind the number, such as 1 some text.\n"
        + "佐藤 花子 to Kotae> 1 共有フォルダー\n"
        + home_tab.format("You asked 共有フォルダー", 2, "", 2)
        + "佐藤 花子 to Kotae> :home\n"
        + home_tab.format("Welcome", 3, "", 3)
    )


def test_a_form_is_filled_in_and_submitted(desk: LocalSlack) -> None:
    screen = talk(desk, "VPN", "3", ":submit", "4 ab", ":submit", "4 abc", ":submit", ":submit", "3", ":close")
    assert "\nNew answer ───" in screen
    assert "  [4] Answer\n(fill in by number, such as 4 some text)\n(then :submit, or :close)\n" in screen
    assert "Answer: Please complete this required field.\n" in screen
    assert "> 4 ab\nAnswer: ab\n" in screen
    assert "Answer = ab\nAnswer: Too short\n" in screen
    assert screen.count("Closed: New answer\n") == 2
    assert "> :submit\nNo form is open.\n" in screen


# -- Writing ---------------------------------------------------------------------------------------------


def test_editing_and_deleting_the_last_message(desk: LocalSlack) -> None:
    screen = talk(desk, "first words", ":edit second words", ":delete", ":delete", ":edit")
    assert (
        "> :edit second words\n佐藤 花子 · edited\n  second words\nKotae · edited\n  Answer to second words\n" in screen
    )
    assert '> :delete\nDeleted: "second words"\nDeleted: "re: second words"\n' in screen
    assert "> :delete\nYou have not written anything here.\n" in screen
    assert screen.endswith("> :edit\nWrite the new text behind it, such as :edit new text.\n")


def test_replying_in_a_thread(desk: LocalSlack) -> None:
    screen = talk(desk, ":in general", ":thread", "@Kotae one", ":thread", "and @Kotae two", "/search x", ":thread off")
    assert "> :thread\nThere is no message here yet whose thread could be joined.\n" in screen
    assert '\nYou reply in the thread of 佐藤 花子: "@Kotae one"; :thread off leaves it.\n' in screen
    assert screen.count('    Kotae · in thread of 佐藤 花子: "@Kotae one"\n') == 2
    assert "佐藤 花子 in #general, thread> /search x\n/search failed: Slack takes no commands in threads; " in screen
    question = desk.history("general")[-1]
    assert [each.text for each in desk.replies(question) if not each.bot_id] == [f"and <@{desk.bot}> two"]


# -- Who and where ---------------------------------------------------------------------------------------


def test_people_and_places_are_listed_and_aligned(desk: LocalSlack) -> None:
    screen = talk(desk, ":people", ":as 一郎", ":channels")
    assert (
        ":as hanako     佐藤 花子         member, Japanese\n:as alice      Alice Brown       member, English\n"
        in screen
    )
    assert "of another organisation, English" in screen
    assert re.search(r":in #random +without Kotae\n", screen)
    assert re.search(r":in #keiri +private, without Kotae\n", screen)


def test_places_that_are_not_for_this_person(desk: LocalSlack) -> None:
    screen = talk(
        desk,
        ":as guest",
        ":in dev-faq",
        ":as nobody",
        ":as gone",
        ":as bot",
        ":as",
        ":in",
        ":in #it-help",
        ":as external",
    )
    assert "There is no channel dev-faq for Gus Guest; :channels lists where you can go." in screen
    assert "There is nobody called nobody; :people lists everybody." in screen
    assert "You can't be Gordon Gone; :people lists whom you can be." in screen
    assert "You can't be Kotae;" in screen
    assert "Say who, such as :as alice;" in screen
    assert "Say where, such as :in #it-help;" in screen
    assert screen.endswith("Erika Extern in your direct messages with Kotae " + "─" * 52 + "\n")


def test_the_bot_can_be_invited(desk: LocalSlack) -> None:
    screen = talk(desk, ":in random", "hello", ":invite", ":invite", ":dm", ":invite")
    assert "> hello\nKotae is not in #random and hears nothing said here; :invite brings it in.\n" in screen
    assert "> :invite\n@Kotae has joined the channel\nKotae\n  Nice to meet you\n" in screen
    assert screen.count("Kotae is here already.\n") == 2
    desk.remove("bot", "random")


def test_history_shows_threads(desk: LocalSlack) -> None:
    question = desk.say("alice", "general", "a question")
    for number in range(5):
        desk.say("ichiro", "general", f"reply {number}", thread_ts=question.ts)
    screen = talk(desk, ":in general")
    assert screen.endswith(
        "Alice Brown\n"
        "  a question\n"
        "    (2 earlier replies)\n"
        '    鈴木 一郎 · in thread of Alice Brown: "a question"\n      reply 2\n'
        '    鈴木 一郎 · in thread of Alice Brown: "a question"\n      reply 3\n'
        '    鈴木 一郎 · in thread of Alice Brown: "a question"\n      reply 4\n'
    )


def test_reactions_and_files_are_shown(desk: LocalSlack) -> None:
    message = desk.upload("alice", "general", "a[b].csv", b"x", comment="see")
    out = talk(desk, ":in general")
    assert "Alice Brown\n  see\n  (file: a[b].csv)\n" in out

    def lines() -> Iterator[str]:
        yield ":in general"
        desk.react("ichiro", message, "eyes")

    assert talk(desk, lines()).endswith('👀 1 on "see"\n')


# -- Whatever is typed -----------------------------------------------------------------------------------


def test_nothing_typed_breaks_it(desk: LocalSlack) -> None:
    lines = [
        "", "   ", ":", "::", ":)", ":nonsense", "：help", ":help [red]", "/", "/nonsense x", "//", "0", "99999999999",
        "\x1b[31m\x00", "\ud800", "[red]", "@", "@nobody #nowhere <!channel>", ":edit \udfff", ":thread x", ":close",
        ":submit",         "あ" * 5000, "1 ", "-1", "٣", "²", "*" * 300, "`" * 7, ":in \U0001f600", ":as @", ":in #",
    ]  # fmt: skip
    screen = talk(desk, *lines, patience=5)
    assert "There is no :nonsense; :help lists what there is.\n" in screen
    assert "/nonsense failed: there is no such command here, only /search and /kb.\n" in screen
    assert re.search(r"^:submit, :close +開いているフォームを送信、または閉じます$", screen, re.MULTILINE)
    assert "No form is open.\n" in screen
    assert "\x1b" not in screen
    assert "Answer to あああ" in screen


def test_quit_ends_before_the_rest(desk: LocalSlack) -> None:
    assert talk(desk, ":quit", "not said") == "佐藤 花子 to Kotae> :quit\n"


# -- At a real terminal ----------------------------------------------------------------------------------


def interactive() -> None:
    """What the process at the other end of the pseudo-terminal runs."""
    with serving() as slack:
        converse(slack)


class Terminal:
    """A pseudo-terminal with somebody typing."""

    def __init__(self) -> None:
        pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
        self.fd, end = pty.openpty()
        code = "from tests.playground.test_terminal import interactive; interactive()"
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONUTF8": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=end, stdout=end, stderr=end, cwd=ROOT, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(end)
        self.screen = ""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def wait_for(self, text: str) -> None:
        seen = b""
        end = time.monotonic() + 60
        while text not in (screen := self.screen + ANSI.sub("", seen.decode(errors="replace"))):
            assert time.monotonic() < end, screen
            if select.select([self.fd], [], [], 0.1)[0]:
                seen += os.read(self.fd, 65536)
        self.screen = screen[screen.index(text) + len(text) :]

    def close(self) -> int:
        return self.process.wait(60)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    terminal.wait_for("佐藤 花子 to Kotae> ")
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.fd)


def test_at_a_terminal_late_answers_come_above_what_is_being_typed(terminal: Terminal) -> None:
    terminal.type("/search late\n")
    terminal.wait_for("Answer to late")
    terminal.wait_for("佐藤 花子 to Kotae> ")
    terminal.type("half a li")
    terminal.wait_for("and one thing more")
    terminal.wait_for("佐藤 花子 to Kotae> half a li")
    terminal.type("ne\n")
    terminal.wait_for("Answer to half a line")
    terminal.wait_for("佐藤 花子 to Kotae> ")
    terminal.type("\x04")
    assert terminal.close() == 0


def test_ctrl_c_at_a_terminal_ends_orderly(terminal: Terminal) -> None:
    terminal.type("half a li")
    terminal.wait_for("half a li")
    time.sleep(0.3)  # readline misses a signal that comes before it waits for the next key
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.close() == 0


def test_scripts_press_and_fill_in_by_the_words_on_things(desk: LocalSlack) -> None:
    screen = talk(desk, "hi", ":press Form", ":fill Answer = a good one", ":submit", ":press Good", ":wait 0.1")
    assert "Closed: New answer\n" in screen
    assert screen.rstrip().endswith("Thank you\n佐藤 花子 to Kotae> :wait 0.1")
    form = next(each for each in reversed(desk.interactions) if each.kind == "view_submission")
    assert form.payload["view"]["state"]["values"]["answer"]["text"]["value"] == "a good one"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (":press Nothing", "There is nothing with 'Nothing' on it to press or fill in."),
        (":press", "There is nothing with '' on it to press or fill in."),
        (":fill Answer", "Say what to fill in and with what, such as :fill Answer = some text."),
        (":upload nowhere.csv", "The file nowhere.csv can't be read (No such file or directory)."),
        (":upload .", "The file . can't be read (Is a directory)."),
        (":upload ~no-such-user/faq.csv", "The file ~no-such-user/faq.csv can't be read ("),
        (f":upload {'x' * 300}", "can't be read (File name too long)."),
        (":upload", "Say which file, such as :upload some.csv."),
        (":shortcut", "Say which, such as :shortcut save_to_kb; it is used on the last message here."),
        (":wait soon", "Say how many seconds, such as :wait 2."),
    ],
)
def test_what_scripts_cannot_do_is_said(desk: LocalSlack, line: str, told: str) -> None:
    assert told in talk(desk, line)


def test_a_script_is_lines_without_comments(tmp_path: Path) -> None:
    script = tmp_path / "day.txt"
    script.write_text("# A day\n:in #it-help\n\n  \n#it-help is a channel\n", encoding="utf-8-sig")
    assert read_script(script) == [":in #it-help", "#it-help is a channel"]


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file or directory"), ("質問".encode("cp932"), "not UTF-8 text (byte 0)")]
)
def test_a_script_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    script = tmp_path / "day.txt"
    if content is not None:
        script.write_bytes(content)
    with pytest.raises(ScriptError, match=re.escape(f"{script}: {told}")):
        read_script(script)


def test_files_and_shortcuts_can_be_used_by_script(desk: LocalSlack, tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    csv.write_bytes(b"q,a\n")
    screen = talk(desk, f":upload {csv}", "hi", ":shortcut save")
    assert [each.files[0].data for each in desk.history(desk.person("hanako")) if each.files] == [b"q,a\n"]
    assert screen.endswith("only visible to you\n  Saved: re: hi\n")


def test_a_global_shortcut_needs_no_message(desk: LocalSlack) -> None:
    talk(desk, ":shortcut add global")
    assert [view.title for view in desk.views("hanako")] == [FORM["title"]["text"]]

"""Messages that are gone by the time they are answered. Slack warns of what the bot then undoes: no `lawful` here."""

from bot.app import Bot
from bot.config_file import ConfigFile
from bot.playground import LocalSlack
from handlers.channel_rules import AutoReply
from tests.slack.conftest import Start, settle


def test_no_answer_is_left_in_the_channel_when_the_question_was_deleted_meanwhile(
    slack: LocalSlack, start: Start
) -> None:
    eager: Bot = start(ConfigFile(auto_reply=AutoReply.ON, threshold=0.5))
    slack.faults.slow("chat.postMessage", seconds=0.5)
    question = slack.say("hanako", "it-help", "VPNにつながりません。")
    slack.wait_until(lambda: len(eager.services.queue) > 0, what="the search")
    slack.delete(question)
    settle(slack, eager)
    assert [message for message in slack.history("it-help") if message.user == slack.bot] == []

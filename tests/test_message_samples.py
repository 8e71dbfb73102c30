"""Every kind of message has its sample, and Slack takes each in both languages."""

import inspect
from importlib import import_module
from pkgutil import walk_packages

import pytest
from slack_sdk.models.views import View

import handlers
from bot.message_samples import SAMPLES, payload
from bot.playground import live_mentions
from bot.playground.slack.block_kit.validation import check_message_blocks, check_view
from handlers.slack.blocks import FALLBACK, Message
from handlers.texts import ENGLISH, JAPANESE, Texts


def kinds() -> set[str]:
    """The views: each public function of theirs that returns a whole message, form or tab."""
    found = set()
    names = [info.name for info in walk_packages(handlers.__path__, "handlers.")]
    for name in [name for name in names if ".views." in name or name == "handlers.slack.blocks"]:
        module = import_module(name)
        for function_name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == name and not function_name.startswith("_")
            if own and function.__annotations__.get("return") in {Message, View, "Message", "View"}:
                found.add(f"{name.rpartition('.')[2]}/{function_name}")
    return found


def test_each_kind_has_one() -> None:
    assert set(SAMPLES) == kinds()
    assert len(SAMPLES) > 30


@pytest.mark.parametrize("texts", [ENGLISH, JAPANESE], ids=["en", "ja"])
@pytest.mark.parametrize("kind", SAMPLES)
def test_slack_takes_it(kind: str, texts: Texts) -> None:
    sample = SAMPLES[kind](texts)
    if isinstance(sample, View):
        check_view(sample.to_dict())
        return
    arguments = sample.arguments()
    check_message_blocks(arguments["blocks"])
    assert 0 < len(arguments["text"]) <= FALLBACK
    assert not {"<!channel>", "<!here>", "<!everyone>"} & set(live_mentions(arguments))
    assert payload(sample) == {"blocks": arguments["blocks"]}

"""Every kind of message has its sample, and Slack takes each in both languages."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest
from slack_sdk.models.views import View

from bot.message_samples import SAMPLES, payload
from bot.playground import live_mentions
from bot.playground.slack.block_kit.validation import check_message_blocks, check_view
from handlers import views
from handlers.texts import ENGLISH, JAPANESE, Texts
from handlers.views.message import FALLBACK, Message


def kinds() -> set[str]:
    """The views: each public function of `handlers.views` that returns a whole message, form or tab."""
    found = set()
    for info in iter_modules(views.__path__):
        module = import_module(f"handlers.views.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and function.__annotations__.get("return") in {Message, View, "Message", "View"}:
                found.add(f"{info.name}/{name}")
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

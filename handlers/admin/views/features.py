"""The switches of features in the settings modal: a group for the channel, and one for the whole bot."""

from collections.abc import Collection, Mapping
from typing import Any

from slack_sdk.models.blocks import CheckboxesElement, InputBlock, Option, PlainTextObject

from handlers.features import BY_CHANNEL, FOR_ALL, Feature
from handlers.texts import Texts

HERE, EVERYWHERE = "features", "features_for_all"
"""The block ids of the two groups; the element in each has the same id."""
GROUPS = {HERE: BY_CHANNEL, EVERYWHERE: FOR_ALL}


def inputs(off: Collection[Feature], texts: Texts) -> list[InputBlock]:
    """Build the two groups; what is ticked is on."""
    return [
        _group(HERE, texts("settings.features"), texts("settings.features_hint"), off, texts),
        _group(EVERYWHERE, texts("settings.features_for_all"), texts("settings.features_for_all_hint"), off, texts),
    ]


def chosen(fields: Mapping[str, Any]) -> frozenset[Feature] | None:
    """Return what is not ticked in a submitted modal; None if it was opened before there were such groups."""
    if not set(GROUPS) <= set(fields):
        return None
    ticked = {each["value"] for block in GROUPS for each in fields[block].get("selected_options") or ()}
    return frozenset(feature for feature in Feature if feature not in ticked)


def names(features: Collection[Feature], texts: Texts) -> str:
    """Name features in the order in which the modal has them; a dash for none."""
    return texts("list.comma").join(texts(f"feature.{each.value}") for each in Feature if each in features) or "–"


def _group(block_id: str, label: str, hint: str, off: Collection[Feature], texts: Texts) -> InputBlock:
    options = {feature: _option(feature, texts) for feature in Feature if feature in GROUPS[block_id]}
    on = [option for feature, option in options.items() if feature not in off]
    boxes = CheckboxesElement(action_id=block_id, options=list(options.values()), initial_options=on or None)
    return InputBlock(
        block_id=block_id,
        label=PlainTextObject(text=label),
        hint=PlainTextObject(text=hint),
        element=boxes,
        optional=True,
    )


def _option(feature: Feature, texts: Texts) -> Option:
    return Option(
        value=feature.value,
        text=PlainTextObject(text=texts(f"feature.{feature.value}")),
        description=PlainTextObject(text=texts(f"feature.hint.{feature.value}")),
    )

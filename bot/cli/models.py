"""`kotae model`: the downloaded models."""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import FAILED, OK, Command
from bot.terminal import told
from indexes.messages import Translatable

if TYPE_CHECKING:
    from bot.settings import Settings


def _list(_: Namespace, settings: "Settings") -> int:
    from indexes.encoder import cache_directory, cached_models

    found = cached_models()
    if not found:
        print(told(Translatable("models.none", folder=str(cache_directory()))), file=sys.stderr)
    for model in found:
        note = "" if model.complete else f"  ({told(Translatable('models.incomplete'))})"
        print(f"{model.name}  {model.size / 1e6:.0f} MB  {model.path}{note}")
    _list_compiled(settings)
    return OK


def _list_compiled(settings: "Settings") -> None:
    from indexes.encoder.compiled import CompiledModels
    from indexes.encoder.compiler import form_of

    compiled = CompiledModels(settings.compiled_folder)
    precision = settings.environment.encoder_precision
    for found in compiled.all():
        if found.refused:
            instead = Translatable("models.float") if found.variant else Translatable("models.as_it_is")
            why = told(Translatable("models.refused", instead=instead, why=found.refused))
            print(f"{found.model}  {why}")
        else:
            agreement = compiled.agreement(found)
            than = Translatable("models.eight_bits") if found.variant else Translatable("models.compiled")
            notes = [Translatable("models.cosine", than=than, cosine=f"{found.cosine:.6f}", texts=found.texts)]
            notes += [form_of(agreement, precision)] if agreement else []
            note = "; ".join(map(told, notes))
            print(f"{found.model}  {compiled.size(found) / 1e6:.0f} MB  {compiled.folder / found.key}  ({note})")


def _download(options: Namespace, settings: "Settings") -> int:
    from indexes.encoder import DEFAULT_MODEL, download_model

    name = options.name or settings.model or DEFAULT_MODEL
    print(download_model(name, settings.revision if name == settings.model else None))
    return OK


def _clear(options: Namespace, settings: "Settings") -> int:
    from indexes.encoder import clear_model
    from indexes.encoder.compiled import CompiledModels

    freed = clear_model(options.name) + CompiledModels(settings.compiled_folder).clear(options.name)
    if not freed:
        print(told(Translatable("models.unknown", name=options.name)), file=sys.stderr)
        return FAILED
    print(told(Translatable("models.deleted", name=options.name, freed=f"{freed / 1e6:.0f}")))
    return OK


def _optional_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME")


def _required_name(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")


ACTIONS = (
    Command("list", _list, "List downloaded and compiled models with their sizes and folders.", "model list"),
    Command("download", _download, "Download a model (default: the configured one).", "model download", _optional_name),
    Command(
        "clear",
        _clear,
        "Delete a downloaded model and its compiled form.",
        "model clear all-MiniLM-L6-v2",
        _required_name,
    ),
)
COMMANDS = (Command("model", _list, "Manage the downloaded models.", "model list", actions=ACTIONS),)

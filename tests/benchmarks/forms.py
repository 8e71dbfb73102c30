"""The forms in which a model may run, chosen by settings as the bot reads them."""

from pathlib import Path

from bot.config_file import ConfigFile
from bot.settings import Environment, Settings
from tests.benchmarks.processes import JSON

DEFAULT = "default"
INT8 = "8 bits"
TORCH = "through torch"
CHOSEN: dict[str, JSON] = {
    DEFAULT: {},
    INT8: {"encoder_precision": "int8"},
    TORCH: {"encoder_backend": "sentence-transformers"},
}
"""What a fresh clone does; weights of 8 bits; sentence-transformers itself, which was the default before."""
LIGHT = {name: chosen for name, chosen in CHOSEN.items() if name != TORCH}


def forms(model: Path) -> dict[str, JSON | None]:
    """Return the settings of each form; None for one that there isn't yet."""
    return {name: _form(model, chosen) for name, chosen in CHOSEN.items()}


def _form(model: Path, chosen: JSON) -> JSON | None:
    is_known = chosen.keys() <= Environment.model_fields.keys()
    return {"model_name": str(model), **chosen} if is_known else None


def settings_of(form: JSON, data: Path | str) -> Settings:
    """Read settings as the bot does."""
    environment = Environment.model_validate({**form, "data_dir": data})
    return Settings(environment, ConfigFile(), Path("kotae.toml"))

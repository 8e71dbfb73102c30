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


def forms(model: Path, compiled: Path | None = None) -> dict[str, JSON | None]:
    """Return the settings of each form, with the folder of compiled models; None for one that there isn't yet."""
    return {name: _form(model, chosen, compiled) for name, chosen in CHOSEN.items()}


def _form(model: Path, chosen: JSON, compiled: Path | None) -> JSON | None:
    is_known = chosen.keys() <= Environment.model_fields.keys()
    return {"model_name": str(model), **chosen, "compiled": compiled} if is_known else None


def settings_of(form: JSON, data: Path | str) -> Settings:
    """Read settings as the bot does; a model that has been compiled for another folder is used here too."""
    here = Path(data) / "compiled"
    if (there := form.get("compiled")) and not here.exists():
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there, target_is_directory=True)
    named = {key: value for key, value in form.items() if key != "compiled"}
    environment = Environment.model_validate({**named, "data_dir": data})
    return Settings(environment, ConfigFile(), Path("kotae.toml"))

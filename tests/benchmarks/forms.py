"""The forms in which a model may run, chosen by settings as the bot reads them."""

from pathlib import Path

from bot.config_file import ConfigFile
from bot.settings import Environment, Settings
from tests.benchmarks.processes import JSON

DEFAULT = "default"
INT8 = "8 bits"
TORCH = "through torch"
CHOSEN: dict[str, JSON] = {
    DEFAULT: {"encoder_precision": "float32"},
    INT8: {"encoder_precision": "int8"},
    TORCH: {"encoder_backend": "sentence-transformers"},
}
"""What a fresh clone does unless 8 bits are trusted; weights of 8 bits; sentence-transformers itself."""


def forms(model: Path, compiled: Path | None = None, *, trusted: bool = False) -> dict[str, JSON | None]:
    """Return the settings of each form, with the folder of compiled models.

    None for 8 bits that aren't `trusted`: Kotae would then run in float32.
    """
    named = {"model_name": str(model), "compiled": compiled}
    return {name: {**named, **chosen} if name != INT8 or trusted else None for name, chosen in CHOSEN.items()}


def settings_of(form: JSON, data: Path | str) -> Settings:
    """Read settings as the bot does; a model that has been compiled for another folder is used here too."""
    here = Path(data) / "compiled"
    if (there := form.get("compiled")) and not here.exists():
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there, target_is_directory=True)
    named = {key: value for key, value in form.items() if key != "compiled"}
    environment = Environment.model_validate({**named, "data_dir": data})
    return Settings(environment, ConfigFile(), Path("kotae.toml"))

"""Changing stored snapshots in tests: their manifests, single bits, and back into the format of earlier versions."""

import hashlib
import json
from pathlib import Path
from typing import Any

from indexes.checked_json import render
from indexes.storage.manifest import EARLIER
from indexes.storage.snapshot import Generation, Snapshot

NEW_FILES = ("words.bin", "owners.i32")
NEW_KEYS = ("checksum", "files", "recipe", "mark", "words", "texts")


def manifest_of(generation: Path) -> dict[str, Any]:
    """Read the manifest of a generation."""
    content: dict[str, Any] = json.loads((generation / "manifest.json").read_bytes())
    return content


def snapshot_of(generation: Generation | None) -> Snapshot:
    """Return a generation that is in a folder."""
    assert isinstance(generation, Snapshot)
    return generation


def edit_manifest(generation: Path, **values: object) -> None:
    """Change a manifest as the code would have written it."""
    (generation / "manifest.json").write_bytes(render({**manifest_of(generation), **values}))


def as_earlier(generation: Path, **values: object) -> None:
    """Turn a generation into what versions without stored words wrote; `values` of None are left out."""
    for name in NEW_FILES:
        (generation / name).unlink(missing_ok=True)
    files = [each for each in generation.iterdir() if each.name != "manifest.json"]
    old = {name: value for name, value in manifest_of(generation).items() if name not in NEW_KEYS}
    digests = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
    merged = {**old, "format": EARLIER, "sha256": digests, **values}
    kept = {name: value for name, value in merged.items() if value is not None or name == "encoder"}
    (generation / "manifest.json").write_text(json.dumps(kept, indent=1))


def flip(file: Path, bit: int) -> None:
    """Flip one bit of a file."""
    data = bytearray(file.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)

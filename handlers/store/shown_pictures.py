"""Which of the bot's pictures are shown where at Slack, so that none stays there when a newer one takes its place."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from handlers.store.database import Database
from handlers.store.installation import PICTURES, Installation


@dataclass(frozen=True)
class ShownPictures:
    """File ids by place, the latest in each, and those that are shown nowhere any more but are not deleted yet."""

    shown: dict[str, str]
    left: tuple[str, ...] = ()

    @classmethod
    def read(cls, database: Database) -> "ShownPictures":
        """Return what is remembered; nothing while the database can't be read."""
        return cls._of(Installation(database).get(PICTURES))

    @classmethod
    def _of(cls, stored: str | None) -> "ShownPictures":
        told = json.loads(stored or "{}")
        return cls(told.get("shown", {}), tuple(told.get("left", ())))

    @classmethod
    def change(cls, database: Database, change: Callable[["ShownPictures"], "ShownPictures"]) -> "ShownPictures":
        """Remember something else and return it; while the database fails, nothing was remembered and nothing is."""

        def changed(told: str | None) -> str:
            pictures = change(cls._of(told))
            return json.dumps({"shown": pictures.shown, "left": pictures.left})

        return cls._of(Installation(database).change(PICTURES, changed) or changed(None))

    def with_shown(self, place: str, file: str | None) -> "ShownPictures":
        """Return this with another file in a place, or none; the one before is left unless another place has it."""
        key = sha256(place.encode()).hexdigest()[:16]
        others = {name: each for name, each in self.shown.items() if name != key}
        shown = {**others, key: file} if file else others
        before = self.shown.get(key)
        return ShownPictures(shown, self.left).with_left(None if before in shown.values() else before)

    def with_left(self, file: str | None) -> "ShownPictures":
        """Return this with one more file that is to be deleted."""
        return ShownPictures(self.shown, tuple(dict.fromkeys([*self.left, file]))) if file else self

    def without(self, deleted: set[str]) -> "ShownPictures":
        """Return this without files that are gone."""
        return ShownPictures(self.shown, tuple(file for file in self.left if file not in deleted))

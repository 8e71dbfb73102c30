"""What a replica reads again when another one has changed what they share."""

from handlers.access import JOINED
from handlers.fair_turns import Source
from handlers.learning.learned_aliases import apply_aliases
from handlers.learning.store import learned_aliases, voices
from handlers.learning.votes import update_confidence
from handlers.queue import Kind
from handlers.services import Services
from handlers.store.changes import CHANNELS, DECISIONS, Changes


def follow(changes: Changes, services: Services) -> None:
    """Follow what is kept in memory; all else, such as the settings of channels, is read whenever it is needed."""
    changes.watch(learned_aliases.TOPIC, lambda _: apply_aliases(services))
    changes.watch(voices.TOPIC, lambda _: update_confidence(services))
    changes.watch(DECISIONS, lambda _: rescan(services))
    changes.watch(CHANNELS, lambda _: rescan(services))
    changes.watch(JOINED, lambda topic: services.access.note_joined(topic.removeprefix(JOINED)))


def rescan(services: Services) -> None:
    """Look for channels and files again, in the background: Slack is asked, which takes a while."""
    services.queue.put(Kind.EVENT, Source("", ""), services.rescan)

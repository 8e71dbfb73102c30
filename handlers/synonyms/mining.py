"""Looking for synonyms in the background, and telling admins of new ones."""

import logging
import time

from handlers import texts as words
from handlers.admins import MOST_ASKED, active_admins
from handlers.features import Feature
from handlers.learning.store.alias_votes import AliasVotes
from handlers.services import Services
from handlers.store.installation import SYNONYMS_MINED, Installation
from handlers.synonyms.evidence import known_questions, readable, support
from handlers.synonyms.store.synonyms import Synonyms
from handlers.synonyms.views import synonyms as view
from indexes.synonym_mining.knowledge import Knowledge
from indexes.synonym_mining.mining import Proposal, mine

log = logging.getLogger(__name__)

DAY = 24 * 3600
"""How often it is looked for synonyms without new votes: the knowledge may say something else by now."""


def look_for_synonyms(services: Services, now: float) -> None:
    """Propose what is found in the votes so far, if there are new ones or a day has passed; nothing if that is off."""
    proposed = Synonyms(services.database)
    if not services.channels.offers(Feature.SYNONYMS):
        if proposed.all():
            proposed.propose([])
    elif services.registry.loaded and _is_due(services, now):
        Installation(services.database).set(SYNONYMS_MINED, str(now))
        if fresh := proposed.propose(_mined(services)):
            _tell(services, fresh)


def _mined(services: Services) -> list[Proposal]:
    started, questions = time.monotonic(), known_questions(services)
    loaded = services.registry.loaded if questions else {}
    knowledge = {name: Knowledge(each.knowledge_base.records, each.index.lexical) for name, each in loaded.items()}
    found = mine(knowledge, questions, services.registry.synonyms, support(services))
    seconds = time.monotonic() - started
    log.info("Looked for synonyms in %d confirmed questions for %.1f s: %d", len(questions), seconds, len(found))
    return found


def _is_due(services: Services, now: float) -> bool:
    newest = AliasVotes(services.database).newest(1)
    if not newest and not Synonyms(services.database).all():
        return False
    looked = float(Installation(services.database).get(SYNONYMS_MINED) or 0)
    return now - looked >= DAY or any(vote.at > looked for vote in newest)


def _tell(services: Services, fresh: set[str]) -> None:
    """Tell active admins of the new proposals that they may read."""
    for admin in active_admins(services)[:MOST_ASKED]:
        count = sum(each.synonym.id in fresh for each in readable(services, admin).proposals)
        texts = words.for_locale(services.access.person(admin).locale)
        if count:
            services.messenger.inform(admin, view.found(count, services.config.admin_command, texts))

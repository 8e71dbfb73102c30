"""Finds out with few API calls whether guests or people of other organisations are among many people."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from threading import Lock
from typing import Any

from slack_sdk import WebClient

STANDING_SECONDS = 600.0
"""How long a member counts as one without being looked up again. Whoever is new in a channel is looked up at once."""
SINGLY = 20
"""As many are looked up one by one; for more, everybody in the workspace is listed."""
PAGES = 25
"""Pages of a list that are read at most: 25,000 people. Slack allows about 20 calls of users.list a minute."""
PAGE = 999
"""Slack's most for a page of a list."""

Info = Mapping[str, Any]
"""A user object of Slack's."""


class TooManyError(Exception):
    """More people than can be looked up."""


class Outsiders:
    """Remembers who is an outsider; asks Slack only about people it does not know.

    `is_outsider` reads it from Slack's description of somebody.
    """

    def __init__(self, client: WebClient, is_outsider: Callable[[Info], bool], clock: Callable[[], float]) -> None:
        self._client = client
        self._is_outsider = is_outsider
        self._clock = clock
        self._known: dict[str, tuple[float, bool]] = {}
        self._lock = Lock()
        self._asking = Lock()

    def note(self, person: Info) -> None:
        """Remember a user object that Slack has just returned."""
        with self._lock:
            self._known[str(person["id"])] = (self._clock(), self._is_outsider(person))

    def are_among(self, people: AbstractSet[str]) -> bool:
        """Return whether one of these people is an outsider.

        Raises SlackApiError and the like when Slack can't be asked, TooManyError when that would take too many calls.
        """
        with self._asking:  # of two who ask about the same channel, the second finds what the first was told
            known = self._fresh(people)
            if any(known.values()):
                return True
            if len(people) - len(known) > SINGLY:
                self._list_everybody()
                known = self._fresh(people)
            unknown = people - known.keys()
            if len(unknown) > SINGLY:
                raise TooManyError(f"{len(unknown)} people who are on no list")
            for user in unknown:
                self.note(self._client.users_info(user=user)["user"])
            return any(self._fresh(people).values())

    def _fresh(self, people: AbstractSet[str]) -> dict[str, bool]:
        oldest = self._clock() - STANDING_SECONDS
        with self._lock:
            known = {user: self._known[user] for user in people & self._known.keys()}
        return {user: outside for user, (at, outside) in known.items() if at > oldest}

    def _list_everybody(self) -> None:
        for number, page in enumerate(self._client.users_list(limit=PAGE), start=1):
            for person in page["members"]:
                self.note(person)
            if number == PAGES:
                break

"""Who may do and see what. Slack is asked and its answer kept for a minute; nobody may while it can't be asked."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from threading import Lock
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.outsiders import PAGE, PAGES, Outsiders, TooManyError
from handlers.slack.trouble import CALL_ERRORS, error_code

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60.0
JOINED = "joined:"
"""With the channel's id, what replicas tell each other when somebody joined: Slack tells one of them."""
UNKNOWN_ADDRESS = frozenset({"missing_scope", "not_allowed_token_type", "users_not_found"})
"""How Slack says that an address is nobody's, or may not be looked up."""
Value = TypeVar("Value")


class Standing(Enum):
    """What somebody is to this workspace."""

    MEMBER = auto()
    GUEST = auto()
    EXTERNAL = auto()
    UNKNOWN = auto()
    """Slack couldn't be asked: treated as the least trusted."""


class Need(Enum):
    """What somebody must be for a handler to run. The routing table says it; it is checked before the handler runs."""

    NOTHING = auto()
    """Nobody is looked up: an event, such as a message in a channel, is nobody's request."""
    KNOWN = auto()
    """Anybody whom Slack can look up. Guests and people of other organisations see what is public."""
    MEMBER = auto()
    """A full member of this workspace."""
    ADMIN = auto()
    """An admin or owner of the workspace, or somebody named by ADMIN_USERS or ADMIN_USERGROUP."""


@dataclass(frozen=True)
class Person:
    """Somebody who asks."""

    id: str
    standing: Standing
    is_admin: bool
    locale: str
    name: str = ""
    """The name that others see; blank when Slack couldn't be asked."""
    address: str = ""
    """The mail address in lower case; blank if the app may not see it."""

    def refusal(self, need: Need) -> str:
        """Return the key of the text that says why they may not; blank when they may."""
        if need is Need.NOTHING:
            return ""
        if self.standing is Standing.UNKNOWN:
            return "access.unknown"
        if need is Need.ADMIN and not self.is_admin:
            return "access.admins"
        return "access.members" if need is Need.MEMBER and self.standing is not Standing.MEMBER else ""


@dataclass(frozen=True)
class Place:
    """A conversation; `is_shared` when another organisation takes part in it, or when Slack couldn't be asked.

    `has_bot` tells whether the bot is a member, and so hears what is said there; `is_private` whether only members may
    know of it, as is assumed when Slack couldn't be asked; `is_group_dm` whether several people write each other there.
    """

    id: str
    name: str
    is_shared: bool
    has_bot: bool = False
    is_private: bool = True
    is_group_dm: bool = False


@dataclass(frozen=True)
class Readers:
    """Who reads what is posted in a place: what everybody there may see is what may be shown.

    What is shown must belong to a channel out of each set of `channels`: in a channel, that one; in a direct message of
    several people, a channel of each of them.
    `has_outsiders` when guests or people of other organisations are there, or when Slack couldn't be asked.
    """

    channels: tuple[frozenset[str], ...]
    has_outsiders: bool


class Access:
    """Looks up people and places at Slack.

    `home` is the `auth.test` response of the bot: its team tells members from people of other organisations.
    """

    def __init__(
        self,
        client: WebClient,
        home: Mapping[str, Any],
        admin_users: tuple[str, ...] = (),
        admin_usergroup: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._home = home
        self._admin_users = frozenset(admin_users)
        self._admin_usergroup = admin_usergroup
        self._clock = clock
        self._remembered: dict[tuple[str, str], tuple[float, Any]] = {}
        self._joins = 0
        self._lock = Lock()
        self._outsiders = Outsiders(client, self._is_outsider, clock)

    @property
    def bot_user(self) -> str:
        """The bot's own user id."""
        return str(self._home["user_id"])

    def person(self, user: str) -> Person:
        """Look up a person; one who can't be looked up is neither a member nor an admin."""
        try:
            return self._remember("person", user, lambda: self._look_up(user))
        except CALL_ERRORS as error:
            log.warning("Slack couldn't say who %s is (%s); refused", user, error_code(error))
            return Person(user, Standing.UNKNOWN, is_admin=False, locale="")

    def user_with_address(self, address: str) -> str | None:
        """Return whose mail address this is; None if it is nobody's, or if the app lacks the scope users:read.email.

        Raises one of `CALL_ERRORS` when Slack can't say so.
        """
        return self._remember("address", address, lambda: self._find_address(address))

    def _find_address(self, address: str) -> str | None:
        try:
            return str(self._client.users_lookupByEmail(email=address)["user"]["id"])
        except SlackApiError as error:
            if error_code(error) in UNKNOWN_ADDRESS:
                return None
            raise

    def place(self, channel: str) -> Place:
        """Look up a conversation; one that can't be looked up counts as shared with another organisation."""
        try:
            return self._remember("place", channel, lambda: self._look_around(channel))
        except CALL_ERRORS as error:
            log.warning("Slack couldn't say what %s is (%s); treated as shared", channel, error_code(error))
            return Place(channel, channel, is_shared=True)

    def channels_of(self, user: str) -> frozenset[str]:
        """List the channels that somebody belongs to, as far as the bot may know; none when Slack can't be asked."""
        try:
            return self._remember("channels", user, lambda: self._list_channels(user))
        except CALL_ERRORS as error:
            log.warning("Slack couldn't say where %s is (%s); no channel assumed", user, error_code(error))
            return frozenset()

    def readers(self, channel: str) -> Readers:
        """Return who reads what is posted in a place; people who can't be looked up count as outsiders."""
        place = self.place(channel)
        here = (frozenset({channel}),)
        try:
            members = self._remember("members", channel, lambda: self._list_members(channel)) - {self.bot_user}
            has_outsiders = place.is_shared or self._outsiders.are_among(members)
        except (*CALL_ERRORS, TooManyError) as error:
            log.warning("Slack couldn't say who is in %s (%s); guests assumed", channel, error_code(error))
            return Readers(here, has_outsiders=True)
        if place.is_group_dm:
            return Readers(tuple(self.channels_of(user) for user in sorted(members)), has_outsiders)
        return Readers(here, has_outsiders)

    def note_joined(self, channel: str) -> None:
        """Ask Slack anew who is in a channel, and where people are: what is remembered holds no more."""
        with self._lock:
            self._joins += 1
            self._remembered = {
                (kind, key): entry
                for (kind, key), entry in self._remembered.items()
                if kind != "channels" and (kind, key) != ("members", channel)
            }

    def is_one_of(self, user: str, ids: Iterable[str]) -> bool:
        """Return whether somebody is one of these people, or in one of these user groups."""
        return any(user == id_ or (id_.startswith("S") and user in self._members(id_)) for id_ in ids)

    def _look_up(self, user: str) -> Person:
        info = self._client.users_info(user=user, include_locale=True)["user"]
        self._outsiders.note(info)
        standing = self._standing(info)
        trusted = standing is Standing.MEMBER
        is_admin = trusted and (bool(info.get("is_admin") or info.get("is_owner")) or self._is_named_admin(user))
        profile = info.get("profile", {})
        name = profile.get("real_name") or info.get("real_name") or profile.get("display_name") or info.get("name", "")
        address = str(profile.get("email") or "").casefold()
        return Person(user, standing, is_admin, info.get("locale", ""), name, address)

    def _standing(self, info: Mapping[str, Any]) -> Standing:
        if info.get("is_stranger") or self._is_foreign(info):
            return Standing.EXTERNAL
        if info.get("is_restricted") or info.get("is_ultra_restricted"):
            return Standing.GUEST
        return Standing.UNKNOWN if info.get("deleted") or info.get("is_bot") else Standing.MEMBER

    def _is_outsider(self, info: Mapping[str, Any]) -> bool:
        """Return whether somebody is a guest or external; bots and people who have left read nothing."""
        return self._standing(info) in {Standing.GUEST, Standing.EXTERNAL}

    def _is_foreign(self, info: Mapping[str, Any]) -> bool:
        enterprise = self._home.get("enterprise_id")
        same_enterprise = enterprise and info.get("enterprise_user", {}).get("enterprise_id") == enterprise
        return info.get("team_id") != self._home["team_id"] and not same_enterprise

    def named_admins(self) -> tuple[str, ...]:
        """List the people named by ADMIN_USERS and ADMIN_USERGROUP. Whether they are admins: see `person`."""
        group = self._members(self._admin_usergroup) if self._admin_usergroup else ()
        return tuple(dict.fromkeys([*sorted(self._admin_users), *group]))

    def workspace_admins(self) -> tuple[str, ...]:
        """List the admins and owners of the workspace; none when Slack can't be asked."""
        try:
            pages = self._client.users_list(limit=PAGE)
            everybody = [person for page in pages for person in page["members"]]
        except CALL_ERRORS as error:
            log.warning("Slack couldn't say who is an admin (%s)", error_code(error))
            return ()
        named = [each["id"] for each in everybody if each.get("is_admin") or each.get("is_owner")]
        return tuple(user for user in named if self.person(user).is_admin)

    def _is_named_admin(self, user: str) -> bool:
        if user in self._admin_users:
            return True
        return bool(self._admin_usergroup) and user in self._members(self._admin_usergroup)

    def _members(self, group: str) -> tuple[str, ...]:
        """List the members of a user group; none when it can't be looked up."""
        try:
            return tuple(self._client.usergroups_users_list(usergroup=group)["users"])
        except CALL_ERRORS as error:
            log.warning("The user group %s can't be looked up (%s)", group, error_code(error))
            return ()

    def _look_around(self, channel: str) -> Place:
        info = self._client.conversations_info(channel=channel)["channel"]
        shared = bool(info.get("is_ext_shared") or info.get("is_pending_ext_shared"))
        name = str(info.get("name", channel))
        return Place(
            channel,
            name,
            shared,
            has_bot=bool(info.get("is_member")),
            is_private=bool(info.get("is_private", True)),
            is_group_dm=bool(info.get("is_mpim")) or name.startswith("mpdm-"),
        )

    def _list_channels(self, user: str) -> frozenset[str]:
        pages = self._client.users_conversations(
            user=user, types="public_channel,private_channel", exclude_archived=True, limit=PAGE
        )
        return frozenset(channel["id"] for page in pages for channel in page["channels"])

    def _list_members(self, channel: str) -> frozenset[str]:
        members: set[str] = set()
        for number, page in enumerate(self._client.conversations_members(channel=channel, limit=PAGE), start=1):
            if number > PAGES:
                raise TooManyError(f"more than {PAGES * PAGE} members")
            members.update(page["members"])
        return frozenset(members)

    def _remember(self, kind: str, key: str, ask: Callable[[], Value]) -> Value:
        now = self._clock()
        with self._lock:
            known, joins = self._remembered.get((kind, key)), self._joins
        if known and now - known[0] < REMEMBERED_SECONDS:
            value: Value = known[1]
            return value
        fresh = ask()
        with self._lock:
            self._remembered = {
                which: entry for which, entry in self._remembered.items() if now - entry[0] < REMEMBERED_SECONDS
            }
            if joins == self._joins:  # or Slack may have said it before somebody joined
                self._remembered[kind, key] = (now, fresh)
        return fresh

"""Who the owner of a row is in Slack: whoever its file names by id or mail address."""

from slack_sdk.errors import SlackApiError

from handlers.access import Standing
from handlers.services import Services
from handlers.slack.trouble import error_code
from indexes.records.owners import named_owners

NOBODY = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
"""What Slack says of an id or an address that is nobody's, or was."""


def is_owner(services: Services, user: str, cell: str) -> bool:
    """Tell whether a cell names this person; by mail address only if the app has the scope users:read.email."""
    named = named_owners(cell)
    return user in named.ids or (bool(named.addresses) and services.access.person(user).address in named.addresses)


def owners_of(services: Services, cell: str) -> tuple[str, ...]:
    """List the members of the workspace whom a cell names; none who has left.

    Raises what a call of Slack raises while Slack can't say who that is.
    """
    named = named_owners(cell)
    found = [*named.ids, *(services.access.user_with_address(address) for address in named.addresses)]
    return tuple(dict.fromkeys(user for user in found if user and _is_here(services, user)))


def _is_here(services: Services, user: str) -> bool:
    person = services.access.person(user)
    if person.standing is Standing.UNKNOWN and not person.name:  # Slack didn't say who that is: why?
        try:
            services.client.users_info(user=user)
        except SlackApiError as error:
            if error_code(error) in NOBODY:
                return False
            raise
    return person.standing is Standing.MEMBER

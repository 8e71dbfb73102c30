"""Which network addresses belong to the public internet: all that a source is fetched from unless its host is named."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
"""How a network without IPv4 reaches it (RFC 6052): the last four bytes are the real address."""
_GIVEN_OUT = IPv6Network("2000::/3")
"""All that was ever given out for the public; the rest is local, reserved, or another way to write IPv4."""
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))
"""Teredo and 6to4: they carry an IPv4 address, which may be a private one."""

_OLD_FORM = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)
"""Of an IPv4 address in one to four parts, decimal, octal or hexadecimal: 127.1 and 2130706433 are 127.0.0.1."""


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the public internet; False for what is no address."""
    found = _read(address)
    if isinstance(found, IPv4Address):
        return found.is_global and not found.is_multicast
    return found is not None and found in _GIVEN_OUT and found.is_global and not any(found in net for net in _TUNNELS)


def is_link_local(address: str) -> bool:
    """Tell whether an address is one where clouds keep the secrets of a machine, such as 169.254.169.254."""
    found = _read(address)
    return found is not None and (found.is_link_local or found.is_multicast or found.is_unspecified)


def is_address(host: str) -> bool:
    """Tell whether a host is given by its address rather than a name."""
    return _read(host) is not None


def _read(address: str) -> IPv4Address | IPv6Address | None:
    """Return the address that is reached in the end; None for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return _read_old_form(address.removesuffix("."))
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return found.ipv4_mapped
        if found in _NAT64:
            return IPv4Address(found.packed[-4:])
    return found


def _read_old_form(address: str) -> IPv4Address | None:
    """Return the address that resolvers take a host such as 127.1 for; None for a name."""
    if not _OLD_FORM.fullmatch(address):
        return None
    try:
        return IPv4Address(socket.inet_aton(address))
    except OSError:
        return None

"""Hosts and ports: how API_BIND is written, and what a host is that a request names."""

import ipaddress

PORTS = 1 << 16


def split(bind: str) -> tuple[str, int]:
    """Split HOST:PORT, or [HOST]:PORT; raises ValueError for anything else."""
    host, colon, port = bind.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port[:6]) < PORTS):
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8321")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(port)
    if ":" in host:
        raise ValueError("must have an IPv6 address in brackets, such as [::1]:8321")
    return host, int(port)


def joined(host: str, port: int) -> str:
    """Return HOST:PORT, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(bind: str) -> str:
    """Return HOST:PORT by which this machine reaches what listens at an address; all addresses are none to call."""
    host, port = split(bind)
    is_any = is_address(host) and ipaddress.ip_address(host).is_unspecified
    return joined(("::1" if ":" in host else "127.0.0.1") if is_any else host, port)


def named_host(header: str) -> str:
    """Return the host that a Host header names, without the port, in lower case."""
    host, colon, port = header.rpartition(":")
    named = host if colon and (port.isdecimal() or not port) and not host.endswith(":") else header
    return named.removeprefix("[").removesuffix("]").rstrip(".").lower()


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host; a name other than localhost may be anywhere."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_network(text: str) -> bool:
    """Tell whether a text is an IP address or a network of them."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True

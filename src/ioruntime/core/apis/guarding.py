"""From which addresses an operation of an API may be called *(pure)*."""

import ipaddress
from collections.abc import Sequence

from ioruntime.core.apis.routes import Guard
from ioruntime.model.errors import ForbiddenError


class AddressNotAllowedError(ForbiddenError):
    """The caller's address is not among those named."""

    def __init__(self) -> None:
        super().__init__("Access from your IP address is not authorized")


class AddressRefusedError(ForbiddenError):
    """The caller's address is among those that are refused."""

    def __init__(self) -> None:
        super().__init__("Access from your IP address is not authorized")


def check_address(guard: Guard, address: str) -> None:
    """Let pass calls from an address that the operation wants.

    Raises:
        AddressNotAllowedError, AddressRefusedError: it does not.
    """
    if _is_in(address, guard.refused_addresses):
        raise AddressRefusedError
    if guard.allowed_addresses is not None and not _is_in(address, guard.allowed_addresses):
        raise AddressNotAllowedError


def _is_in(address: str, networks: Sequence[str]) -> bool:
    if not networks:
        return False
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in map(_network, networks) if network is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return an address or network; None for what is neither, which nothing is in."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None

"""Which hosts the whole world reaches, and which only this machine or network does (pure)."""

import ipaddress
from collections.abc import Iterator
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAMES = (".localhost", ".local", ".internal")


def is_public(address: str) -> bool:
    """Tell whether the whole world may have a server at an IP address.

    An IPv6 address that carries one of IPv4 is as public as that.

    Raises:
        ValueError: it is no IP address.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in (parsed, *_carried(parsed)) if not _is_carrier(each))


def is_private_host(host: str) -> bool:
    """Tell whether a host as a URL names it is of this machine or of a private network, as far as its text tells.

    Other names tell only when they are looked up.
    """
    try:
        return not is_public(host)
    except ValueError:
        name = f".{host.rstrip('.').lower()}"
        return name.endswith(_LOCAL_NAMES)


def _is_carrier(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def _carried(address: Address) -> Iterator[Address]:
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)

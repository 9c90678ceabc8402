"""The few requests of the kernel's routing socket that a network of sandboxes takes (rtnetlink(7)).

A socket speaks for the network namespace in which it was made. Each request is a call of some microseconds, so it is
synchronous.
"""

import os
import socket
import struct
from ipaddress import IPv4Address
from typing import Self

_ROUTE, _LINK, _ADDRESS, _NO_LINK = 24, 16, 20, 17  # RTM_NEW*, RTM_DELLINK
_REQUEST, _ACK, _CREATE = 0x1, 0x4, 0x400 | 0x200  # NLM_F_*, creating only what is not there
_ERROR = 2
_UP = 1
_IFNAME, _LINKINFO, _NET_NS_FD = 3, 18, 28
_KIND, _DATA, _PEER = 1, 2, 1
_MAIN_TABLE, _STATIC, _UNICAST, _UNIVERSE, _LINK_SCOPE = 254, 4, 1, 0, 253
_DESTINATION, _OUT, _GATEWAY, _ONLINK = 1, 4, 5, 4
_ANSWER_BYTES = 16_384


class Rtnetlink:
    """A routing socket of the calling thread's network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def add_pair(self, name: str, peer: str, namespace_fd: int) -> None:
        """Make two interfaces that are each other's far end: `name` here, `peer` in another namespace.

        Raises:
            FileExistsError: one of the names is taken.
            OSError: the kernel refused it.
        """
        far = _link() + _attribute(_IFNAME, _text(peer)) + _attribute(_NET_NS_FD, struct.pack("I", namespace_fd))
        data = _attribute(_DATA, _attribute(_PEER, far))
        pair = _attribute(_IFNAME, _text(name)) + _attribute(_LINKINFO, _attribute(_KIND, b"veth") + data)
        self._ask(_LINK, _link() + pair, _CREATE)

    def set_up(self, index: int) -> None:
        """Bring an interface up."""
        self._ask(_LINK, _link(index, flags=_UP, change=_UP))

    def remove(self, name: str) -> None:
        """Take away an interface, and with it its far end.

        Raises:
            OSError: there is none.
        """
        self._ask(_NO_LINK, _link() + _attribute(_IFNAME, _text(name)))

    def add_address(self, index: int, address: IPv4Address, prefix: int) -> None:
        body = struct.pack("BBBBI", socket.AF_INET, prefix, 0, _UNIVERSE, index)
        self._ask(_ADDRESS, body + _attribute(2, address.packed) + _attribute(1, address.packed), _CREATE)

    def add_route(self, index: int, to: IPv4Address) -> None:
        """Reach one address through an interface."""
        where = _attribute(_DESTINATION, to.packed) + _attribute(_OUT, struct.pack("I", index))
        self._ask(_ROUTE, _route(32, scope=_LINK_SCOPE) + where, _CREATE)

    def add_default_route(self, index: int, gateway: IPv4Address) -> None:
        """Reach everything else through `gateway`, which is taken to be at the other end of the interface."""
        where = _attribute(_GATEWAY, gateway.packed) + _attribute(_OUT, struct.pack("I", index))
        self._ask(_ROUTE, _route(0, scope=_UNIVERSE, flags=_ONLINK) + where, _CREATE)

    def _ask(self, kind: int, body: bytes, flags: int = 0) -> None:
        self._sequence += 1
        head = struct.pack("IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, self._sequence, 0)
        self._socket.send(head + body)
        answer = self._socket.recv(_ANSWER_BYTES)
        _length, answered, *_rest = struct.unpack_from("IHHII", answer)
        (code,) = struct.unpack_from("i", answer, 16)
        if answered != _ERROR or code:
            raise OSError(-code, os.strerror(-code))


def _link(index: int = 0, *, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("BBHiII", socket.AF_UNSPEC, 0, 0, index, flags, change)


def _route(prefix: int, *, scope: int, flags: int = 0) -> bytes:
    return struct.pack("BBBBBBBBI", socket.AF_INET, prefix, 0, 0, _MAIN_TABLE, _STATIC, scope, _UNICAST, flags)


def _attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("HH", 4 + len(value), kind) + value + padding


def _text(text: str) -> bytes:
    return text.encode() + b"\0"

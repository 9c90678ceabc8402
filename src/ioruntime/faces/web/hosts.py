"""Which namespace a host name stands for, and which host a namespace has (pure).

Only names directly below the one that the operator set count; whatever else a client writes into `Host` changes nothing.
"""

import re
from collections.abc import Sequence

import msgspec

_LABEL = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)


class Hosts(msgspec.Struct, frozen=True):
    """The host below which each namespace has its own."""

    host: str
    """Lower case, with a port if it is not the usual one."""
    redirect: bool
    """True: send those who name the namespace in the path to its own host."""

    def namespace_of(self, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Return the namespace that the request's host names; None when it names none."""
        name = _host(headers)
        label, dot, rest = name.partition(".")
        return label if dot and rest == self._name and _LABEL.fullmatch(label) else None

    def host_of(self, namespace: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Return the host to send a request to; None when it stays where it is."""
        if not self.redirect or _host(headers) != self._name or not _LABEL.fullmatch(namespace):
            return None
        return f"{namespace}.{self.host}"

    @property
    def _name(self) -> str:
        return self.host.partition(":")[0]


def _host(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the request's host without its port; empty when there is none, or more than one."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1:
        return ""
    name, _, port = hosts[0].decode("latin-1").lower().partition(":")
    return name if not port or port.isdecimal() else ""

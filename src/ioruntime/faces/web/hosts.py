"""Which namespace a host name stands for, and which host a namespace has (pure).

Only names that the operator set, and those directly below the one for all, count; whatever else a client writes into
`Host` changes nothing.
"""

import re
from collections.abc import Sequence

import msgspec

_LABEL = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)


class Hosts(msgspec.Struct, frozen=True):
    """The host below which each namespace has its own, and hosts of other names."""

    host: str | None = None
    """Lower case, with a port if it is not the usual one; None: namespaces have no hosts below another."""
    redirect: bool = False
    """True: send those who name the namespace in the path to its own host."""
    named: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Namespaces by a host's whole name, lower case and without a port."""

    def namespace_of(self, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Return the namespace that the request's host names; None when it names none."""
        name = _host(headers)
        if name in self.named:
            return self.named[name]
        label, dot, rest = name.partition(".")
        return label if dot and rest == self._name and _LABEL.fullmatch(label) else None

    def host_of(self, namespace: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Return the host to send a request to; None when it stays where it is."""
        if not self.redirect or _host(headers) != self._name or not _LABEL.fullmatch(namespace):
            return None
        return f"{namespace}.{self.host}"

    @property
    def _name(self) -> str | None:
        return None if self.host is None else self.host.partition(":")[0]


def _host(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the request's host without its port; empty when there is none, or more than one."""
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1:
        return ""
    name, _, port = hosts[0].decode("latin-1").lower().partition(":")
    return name if not port or port.isdecimal() else ""

"""What the network of sandboxes lets through, as text for `nft`; and its addresses. Pure.

Two sets of rules: one in the router's own network namespace, which decides what a sandbox may reach; one on the host,
in a table of our own, which lets what comes from the router out to the world, and nothing of it to the host itself.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network

import msgspec

GATEWAY = IPv4Address("198.18.0.1")
"""The router, as each sandbox sees it."""
UPLINK = "up"
"""The router's interface to the host."""
_INSIDE = IPv4Network("198.18.0.0/16")
_UPLINKS = IPv4Network("198.19.0.0/16")
_PREFIX = "iort"
SHARED_TABLE = "ioruntime_forwarding"
"""Its existence says that the host forwarded nothing before we came."""
_CONNECTIONS_MOST = 1000

FORBIDDEN = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
"""Private, link-local (where clouds tell credentials), shared, our own and group addresses."""


class Uplink(msgspec.Struct, frozen=True):
    """How one server's router is joined to the host."""

    name: str
    """Of the interface on the host; also tells our table from others."""
    host: IPv4Address
    router: IPv4Address

    @property
    def table(self) -> str:
        return f"ioruntime_{self.name.removeprefix(_PREFIX)}"


def interface_of(table: str) -> str:
    """Name the interface on the host of the server that a table belongs to."""
    return _PREFIX + table.removeprefix("ioruntime_")


def uplink(server: str, taken: Iterable[IPv4Network]) -> Uplink:
    """Choose name and addresses for a server.

    Args:
        server: what tells it from others on this machine; the same always gets the same name.
        taken: networks that the host knows already.
    """
    known = list(taken)
    tag = server[-8:]
    start = int.from_bytes(tag.encode()[-4:], "big")
    for step in range(1 << 14):
        network = IPv4Network((int(_UPLINKS.network_address) + 4 * ((start + step) % (1 << 14)), 30))
        if not any(network.overlaps(other) for other in known):
            return Uplink(f"{_PREFIX}{tag}", network[1], network[2])
    raise OSError("No network of 198.19.0.0/16 is free.")


def sandbox_address(number: int) -> IPv4Address:
    """The address of the sandbox with this number; numbers beyond 60,000 begin again."""
    return _INSIDE[256 + number % 60_000]


def router_rules(nameservers: Sequence[str]) -> str:
    """Write what the router lets through: out to the world, and to the nameservers; nothing between sandboxes."""
    servers = f"elements = {{ {', '.join(nameservers)} }}" if nameservers else ""
    return f"""
table inet sandboxes {{
    set forbidden {{ type ipv4_addr; flags interval; elements = {{ {", ".join(FORBIDDEN)} }} }}
    set nameservers {{ type ipv4_addr; {servers} }}
    set busy {{ type ipv4_addr; size 65535; flags dynamic; }}
    chain input {{
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        reject with icmpx admin-prohibited
    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established,related accept
        iifname "{UPLINK}" drop
        oifname != "{UPLINK}" reject with icmp admin-prohibited
        ct state new add @busy {{ ip saddr ct count over {_CONNECTIONS_MOST} }} reject with icmp admin-prohibited
        ip daddr @nameservers udp dport 53 accept
        ip daddr @nameservers tcp dport 53 accept
        ip daddr @forbidden reject with icmp admin-prohibited
        meta nfproto ipv4 accept
    }}
    chain postrouting {{ type nat hook postrouting priority 100; oifname "{UPLINK}" masquerade; }}
}}
"""


def host_rules(link: Uplink) -> str:
    """Write the table on the host: its own services stay out of reach, whatever address they listen on."""
    return f"""
table inet {link.table}
delete table inet {link.table}
table inet {link.table} {{
    chain input {{
        type filter hook input priority -10;
        iifname "{link.name}" ct state established,related accept
        iifname "{link.name}" reject with icmpx admin-prohibited
    }}
    chain forward {{
        type filter hook forward priority -10;
        oifname "{link.name}" ct state established,related accept
        oifname "{link.name}" drop
    }}
    chain postrouting {{
        type nat hook postrouting priority 100;
        ip saddr {link.router} oifname != "{link.name}" masquerade
    }}
}}
"""


def forwarding_rules() -> str:
    """Write the table for a host that forwarded nothing: it still forwards for nobody but our routers."""
    return f"""
table inet {SHARED_TABLE} {{
    chain forward {{
        type filter hook forward priority -20;
        iifname "{_PREFIX}*" accept
        oifname "{_PREFIX}*" accept
        drop
    }}
}}
"""


def nameservers(resolv_conf: str) -> tuple[str, ...]:
    """Name the servers that a sandbox can ask; those on the host's own loopback it cannot reach."""
    words = (line.split() for line in resolv_conf.splitlines())
    named = [pair[1] for pair in words if len(pair) >= 2 and pair[0] == "nameserver"]
    return tuple(server for server in dict.fromkeys(named) if _reachable(server))


def _reachable(server: str) -> bool:
    try:
        return not IPv4Address(server).is_loopback
    except ValueError:
        return False  # IPv6 is off inside

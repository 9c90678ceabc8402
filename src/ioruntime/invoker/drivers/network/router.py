"""One router per server, in a network namespace of its own, and a namespace for each sandbox behind it.

Everything is held by descriptors of this process: when it dies, however it dies, the kernel takes the namespaces down
with their interfaces. Only the table on the host outlives a `kill -9`; the next start of the same server replaces it.
"""

import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from ioruntime.invoker.drivers.network import rules
from ioruntime.invoker.drivers.network.namespaces import NetworkThread, enter, make, set_kernel
from ioruntime.invoker.drivers.network.rtnetlink import Rtnetlink

_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_LOOPBACK = 1  # the index of `lo` in every namespace
_BACKLOG = 16
_TRIES_MOST = 100


class Link:
    """The network of one sandbox."""

    def __init__(self, namespace_fd: int, address: IPv4Address, listener: socket.socket | None) -> None:
        self.namespace_fd = namespace_fd
        self.address = address
        self.listener = listener
        """Accepts inside on the address of the API; None when there is none."""

    def close(self) -> None:
        """Let go of it; the kernel takes it down once no process is left inside."""
        os.close(self.namespace_fd)
        if self.listener is not None:
            self.listener.close()


class Router:
    """Stands from construction to `close`."""

    def __init__(self, server: str, *, nameservers: Sequence[str], door: tuple[IPv4Address, int] | None = None) -> None:
        """Join the host, and let nothing through but what the rules allow.

        Args:
            server: what tells this server from others on the machine.
            door: address and port that each sandbox finds the API at.

        Raises:
            OSError: this process may not, or the machine lacks `nft` or a part of its kernel.
        """
        self._nft = _installed()
        self._door = door
        self._numbers = itertools.count()
        self._uplink = rules.uplink(server, _known_networks())
        self._thread = NetworkThread()
        try:
            sweep(self._nft)
            self._namespace, self._netlink = self._thread.call(lambda: self._make_router(nameservers))
        except BaseException:
            self._thread.close()
            self._withdraw()
            raise
        try:
            self._join()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._thread.close()
        self._netlink.close()
        os.close(self._namespace)
        self._withdraw()

    async def attach(self) -> Link:
        """Make the network of one more sandbox.

        Raises:
            OSError: the kernel refused it.
        """
        return await self._thread.run(self._attach, give_back=Link.close)

    def _make_router(self, nameservers: Sequence[str]) -> tuple[int, Rtnetlink]:
        namespace, netlink = make(), Rtnetlink()
        set_kernel("ipv4.ip_forward", "1")
        set_kernel("ipv4.conf.all.rp_filter", "1")
        set_kernel("ipv4.icmp_ratelimit", "0")  # who is refused shall know at once, each time
        set_kernel("ipv6.conf.all.disable_ipv6", "1")
        set_kernel("ipv6.conf.default.disable_ipv6", "1")
        self._feed(rules.router_rules(nameservers))  # a child of this thread, so in its namespace
        netlink.set_up(_LOOPBACK)
        netlink.add_address(_LOOPBACK, rules.GATEWAY, 32)
        return namespace, netlink

    def _join(self) -> None:
        with Rtnetlink() as host:
            with suppress(OSError):  # what a killed predecessor left is going, but may not be gone
                host.remove(self._uplink.name)
            host.add_pair(self._uplink.name, rules.UPLINK, self._namespace)
            # The interface before the table, so that a table without one belongs to nobody; and rules before traffic.
            self._feed(rules.host_rules(self._uplink))
            set_kernel(f"ipv6.conf.{self._uplink.name}.disable_ipv6", "1")
            index = socket.if_nametoindex(self._uplink.name)
            host.add_address(index, self._uplink.host, 30)
            host.set_up(index)
        self._thread.call(self._join_router)
        if _FORWARD.read_text().strip() == "0":
            self._feed(rules.forwarding_rules())
            _FORWARD.write_text("1")

    def _join_router(self) -> None:
        index = socket.if_nametoindex(rules.UPLINK)
        self._netlink.add_address(index, self._uplink.router, 30)
        self._netlink.set_up(index)
        self._netlink.add_default_route(index, self._uplink.host)

    def _attach(self) -> Link:
        for _ in range(_TRIES_MOST):
            number = next(self._numbers)
            try:
                return self._attach_as(rules.sandbox_address(number), f"s{number}")
            except FileExistsError:
                continue  # after sixty thousand sandboxes, one that still lives
        raise FileExistsError("no address is free")

    def _attach_as(self, address: IPv4Address, name: str) -> Link:
        namespace = make()
        listener: socket.socket | None = None
        try:
            with Rtnetlink() as inside:
                set_kernel("ipv6.conf.default.disable_ipv6", "1")
                inside.set_up(_LOOPBACK)
                inside.add_pair("eth0", name, self._namespace)
                index = socket.if_nametoindex("eth0")
                inside.add_address(index, address, 32)
                inside.set_up(index)
                inside.add_default_route(index, rules.GATEWAY)
                listener = self._open_door(inside)
            enter(self._namespace)
            outside = socket.if_nametoindex(name)
            self._netlink.set_up(outside)
            self._netlink.add_route(outside, address)
        except BaseException:
            os.close(namespace)
            if listener is not None:
                listener.close()
            raise
        finally:
            enter(self._namespace)
        return Link(namespace, address, listener)

    def _open_door(self, inside: Rtnetlink) -> socket.socket | None:
        if self._door is None:
            return None
        address, port = self._door
        if not address.is_loopback:
            inside.add_address(_LOOPBACK, address, 32)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.bind((str(address), port))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        return listener

    def _withdraw(self) -> None:
        with Rtnetlink() as host, suppress(OSError):
            host.remove(self._uplink.name)
        remove_table(self._nft, self._uplink.table)

    def _feed(self, text: str) -> None:
        done = subprocess.run([self._nft, "-f", "-"], input=text.encode(), capture_output=True, check=False)  # noqa: S603
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            raise OSError(f"nft: {reason}")


def sweep(nft: str) -> None:
    """Take away the tables of servers that were killed: those whose interface is gone."""
    interfaces = {name for _index, name in socket.if_nameindex()}
    for table in _our_tables(nft) - {rules.SHARED_TABLE}:
        if rules.interface_of(table) not in interfaces:
            subprocess.run([nft, "delete", "table", "inet", table], capture_output=True, check=False)  # noqa: S603


def remove_table(nft: str, table: str) -> None:
    """Take our table off the host; and what let it forward, when no other server of ours needs that."""
    subprocess.run([nft, "delete", "table", "inet", table], capture_output=True, check=False)  # noqa: S603
    if _our_tables(nft) == {rules.SHARED_TABLE}:
        _FORWARD.write_text("0")
        subprocess.run([nft, "delete", "table", "inet", rules.SHARED_TABLE], capture_output=True, check=False)  # noqa: S603


def _our_tables(nft: str) -> set[str]:
    listed = subprocess.run([nft, "list", "tables"], capture_output=True, check=False, text=True)  # noqa: S603
    return {line.split()[-1] for line in listed.stdout.splitlines() if line.startswith("table inet ioruntime_")}


def _installed() -> str:
    found = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise OSError("nft is not installed")
    return found


def _known_networks() -> list[IPv4Network]:
    """What the host has routes to, the default route left out."""
    rows = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    networks = [IPv4Network((_reversed(row[1]), str(IPv4Address(_reversed(row[7]))))) for row in rows]
    return [network for network in networks if network.prefixlen]


def _reversed(hexadecimal: str) -> int:
    return int.from_bytes(bytes.fromhex(hexadecimal), "little")

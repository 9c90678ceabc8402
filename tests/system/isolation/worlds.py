"""A small world for one test: a machine, an internet of one host beyond it, and the servers on both. No packet leaves it.

The machine's own default route leads to the host `203.0.113.1`, an address for documentation that nobody has. Its
loopback, its own address and a private network beyond carry servers too, which a sandbox must not reach.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from ioruntime.model.activation import new_activation_id

INTERNET, MACHINE = "203.0.113.1", "203.0.113.2"
PRIVATE, METADATA, NAMESERVER = "10.9.8.7", "169.254.169.254", "10.9.8.53"
PORT = 8099
_SERVE = """
import socket, sys, threading
def serve(listener):
    while True:
        connection, peer = listener.accept()
        connection.sendall(peer[0].encode())
        connection.close()
def echo(sock):
    while True:
        data, peer = sock.recvfrom(100)
        sock.sendto(data, peer)
for spec in sys.argv[1:]:
    kind, host, port = spec.split("/")
    if kind == "tcp":
        listener = socket.create_server((host, int(port)))
        threading.Thread(target=serve, args=(listener,)).start()
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host, int(port)))
        threading.Thread(target=echo, args=(sock,)).start()
print("up", flush=True)
"""


class World:
    """The machine of one test."""

    def __init__(self, machine: str) -> None:
        self._machine = machine

    @property
    def entering(self) -> list[str]:
        """Words before a command that make it run on the machine."""
        return ["nsenter", f"--net=/run/netns/{self._machine}", "--"]

    def run(self, *command: str, timeout_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*self.entering, *command], capture_output=True, text=True, timeout=timeout_s, check=False)


@contextmanager
def world() -> Generator[World]:
    """Make a machine, and take it away again."""
    tag = new_activation_id()[:8]
    machine, beyond = f"iot-m{tag}", f"iot-b{tag}"
    with ExitStack() as stack:
        for name in (machine, beyond):
            _ip("netns", "add", name)
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
        _ip("link", "add", f"m{tag}", "netns", machine, "type", "veth", "peer", "name", f"b{tag}", "netns", beyond)
        for name, interface, addresses in (
            (machine, f"m{tag}", [f"{MACHINE}/24"]),
            (beyond, f"b{tag}", [f"{INTERNET}/24", f"{PRIVATE}/32", f"{METADATA}/32", f"{NAMESERVER}/32"]),
        ):
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "link", "set", interface, "up")
            for address in addresses:
                _ip("-n", name, "addr", "add", address, "dev", interface)
        _ip("-n", machine, "route", "add", "default", "via", INTERNET)
        here = World(machine)
        here.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward")
        there = [f"tcp/{host}/{PORT}" for host in (INTERNET, PRIVATE, METADATA, NAMESERVER)]
        _serve(stack, World(beyond), *there, f"udp/{NAMESERVER}/53", f"tcp/{NAMESERVER}/53", f"udp/{PRIVATE}/53")
        _serve(stack, here, f"tcp/127.0.0.1/{PORT}", f"tcp/{MACHINE}/{PORT}")
        yield here


def python_on(here: World, source: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with this project's packages on the machine."""
    return here.run(sys.executable, "-c", source, *arguments)


def _serve(stack: ExitStack, where: World, *what: str) -> None:
    server = subprocess.Popen([*where.entering, sys.executable, "-c", _SERVE, *what], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    stack.enter_context(server)
    stack.callback(server.kill)
    assert server.stdout.readline() == "up\n"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def ruleset(here: World) -> str:
    """What `nft` filters on the machine."""
    return here.run("nft", "list", "ruleset").stdout


def forwards(here: World) -> bool:
    return here.run("cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip() == "1"

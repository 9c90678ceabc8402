"""Addresses, names and rules of the network of sandboxes."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from ioruntime.invoker.drivers.network.doorway import Api
from ioruntime.invoker.drivers.network.rules import (
    FORBIDDEN,
    host_rules,
    nameservers,
    router_rules,
    sandbox_address,
    uplink,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nameserver 9.9.9.9\n", ("9.9.9.9",), id="one"),
        pytest.param("# nameserver 1.1.1.1\nsearch a\nnameserver 8.8.8.8\nnameserver 8.8.8.8\n", ("8.8.8.8",), id="once each"),
        pytest.param("nameserver 127.0.0.53\noptions edns0\n", (), id="the machine's own loopback is out of reach"),
        pytest.param("nameserver fe80::1%eth0\nnameserver 10.0.0.2\n", ("10.0.0.2",), id="no IPv6"),
        pytest.param("nameserver\n", (), id="nothing"),
    ],
)
def test_nameservers(text: str, expected: tuple[str, ...]) -> None:
    assert nameservers(text) == expected


def test_a_server_keeps_its_name_and_avoids_networks_that_are_taken() -> None:
    first = uplink("ioruntime-0123abcd", [])
    assert first == uplink("ioruntime-0123abcd", [IPv4Network("192.168.0.0/16")])
    assert (first.name, first.table) == ("iort0123abcd", "ioruntime_0123abcd")
    assert len(first.name) <= 15
    other = uplink("ioruntime-0123abcd", [IPv4Network((int(first.host) - 1, 30))])
    assert {other.host, other.router}.isdisjoint({first.host, first.router})
    with pytest.raises(OSError, match=r"No network of 198\.19\.0\.0/16 is free"):
        uplink("ioruntime-0123abcd", [IPv4Network("198.18.0.0/15")])


def test_sandboxes_have_addresses_apart() -> None:
    addresses = {sandbox_address(number) for number in range(60_000)}
    assert len(addresses) == 60_000
    assert all(address in IPv4Network("198.18.0.0/16") for address in addresses)
    assert IPv4Address("198.18.0.1") not in addresses


def test_the_rules_name_what_they_forbid() -> None:
    text = router_rules(["10.0.0.2"])
    assert all(network in text for network in FORBIDDEN)
    assert any(IPv4Address("169.254.169.254") in IPv4Network(network) for network in FORBIDDEN)
    assert text.index("@nameservers udp") < text.index("@forbidden reject")
    link = uplink("ioruntime-0123abcd", [])
    assert host_rules(link).count(link.table) == 3  # made, so that it can be taken away, so that it is made anew


@pytest.mark.parametrize(
    ("url", "inside", "port", "has_name"),
    [
        pytest.param("http://127.0.0.1:3233", "127.0.0.1", 3233, False, id="the usual"),
        pytest.param("http://localhost:80", "127.0.0.1", 80, False, id="localhost"),
        pytest.param("https://runtime.example.com", "127.0.0.1", 443, True, id="a name"),
        pytest.param("http://0.0.0.0:3233", "127.0.0.1", 3233, False, id="every address"),
        pytest.param("http://192.0.2.7", "192.0.2.7", 80, False, id="an address"),
    ],
)
def test_where_the_api_is_inside(url: str, inside: str, port: int, has_name: bool) -> None:
    api = Api.of(url)
    assert (str(api.inside), api.port, api.has_name) == (inside, port, has_name)

"""What a head must not have, how slow a client may be, and how many connections come from one source."""

import pytest

from ioruntime.app.connections.manners import HEADERS_MOST, fault_of
from ioruntime.app.connections.patience import BYTES_PER_S_LEAST, Progress, Sources
from ioruntime.core.throttle import source_of


def host(value: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", value)]


@pytest.mark.parametrize(
    ("version", "headers", "words"),
    [
        pytest.param("1.1", host(b"example.org"), None, id="a name"),
        pytest.param("1.1", host(b"guest.example.org:8443"), None, id="a name and a port"),
        pytest.param("1.1", host(b"[::1]:3233"), None, id="an address"),
        pytest.param("1.1", host(b""), None, id="an empty host, as HTTP allows"),
        pytest.param("1.0", [], None, id="an old client without a host"),
        pytest.param("1.1", [(b"transfer-encoding", b"Chunked")], None, id="chunked"),
        pytest.param("0.9", [], "speaks HTTP/1.1", id="no version"),
        pytest.param("2.0", host(b"x"), "speaks HTTP/1.1", id="a later version"),
        pytest.param("1.1", [*host(b"a"), *host(b"a")], "one host", id="two hosts"),
        pytest.param("1.1", host(b"a b"), "one host", id="a blank in the host"),
        pytest.param("1.1", host(b"a,b"), "one host", id="a list of hosts"),
        pytest.param("1.1", host(b"a@b"), "one host", id="a user in the host"),
        pytest.param("1.1", host(b"a/b"), "one host", id="a path in the host"),
        pytest.param("1.1", host(b"a:99999999"), "one host", id="a port beyond ports"),
        pytest.param("1.1", host(b"a" * 256), "one host", id="a long host"),
        pytest.param("1.1", [(b"transfer-encoding", b"gzip, chunked")], "chunked", id="two encodings"),
        pytest.param("1.0", [(b"transfer-encoding", b"chunked")], "chunked", id="chunked before it was invented"),
        pytest.param("1.1", [(b"a", b"b")] * (HEADERS_MOST + 1), "more than 256 headers", id="many headers"),
    ],
)
def test_fault(version: str, headers: list[tuple[bytes, bytes]], words: str | None) -> None:
    fault = fault_of(version, headers)
    assert fault is None if words is None else words in str(fault)


def test_slow_is_judged_by_the_average() -> None:
    progress = Progress(10)
    assert not progress.is_too_slow(0, 0)
    assert not progress.is_too_slow(9, 0), "the patience is not over"
    assert not progress.is_too_slow(11, 11 * BYTES_PER_S_LEAST), "fast enough"
    assert not progress.is_too_slow(20, 11 * BYTES_PER_S_LEAST + 1), "a new period has begun"
    assert progress.is_too_slow(22, 11 * BYTES_PER_S_LEAST + 1)


def test_what_waits_for_us_is_not_slow() -> None:
    progress = Progress(10)
    progress.is_too_slow(0, 0)
    progress.pause()
    assert not progress.is_too_slow(100, 0)


def test_a_buffer_that_grew_begins_anew() -> None:
    progress = Progress(10)
    progress.is_too_slow(0, -10)
    assert not progress.is_too_slow(100, -100_000)


def test_connections_are_counted_by_source() -> None:
    sources = Sources(2)
    assert [sources.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert sources.enter("192.0.2.2")
    sources.leave("192.0.2.1")
    sources.leave("192.0.2.1")
    assert sources.enter("192.0.2.1")
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        sources.leave(address)
    assert len(sources) == 0, "who is gone takes no memory"


def test_any_number_of_connections() -> None:
    sources = Sources(0)
    assert all(sources.enter("192.0.2.1") for _ in range(10_000))


@pytest.mark.parametrize(
    ("address", "source"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="IPv6 by network"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="IPv6 of a device"),
        pytest.param("x:y", "x:y", id="no address"),
    ],
)
def test_source(address: str, source: str) -> None:
    assert source_of(address) == source

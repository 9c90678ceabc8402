"""How many in a minute, and how many at once."""

import pytest

from ioruntime.core.throttle import Guesses, SlidingMinute, Throttle
from ioruntime.model.errors import ThrottledError


def run(throttle: Throttle, now_s: float, *, per_minute: int = 2, namespace: str = "ns") -> None:
    throttle.start(namespace, now_s, per_minute=per_minute, concurrent=100)
    throttle.end(namespace)


def refused(throttle: Throttle, now_s: float, *, per_minute: int = 2) -> ThrottledError:
    with pytest.raises(ThrottledError) as refusal:
        run(throttle, now_s, per_minute=per_minute)
    return refusal.value


def test_the_minute_slides() -> None:
    throttle = Throttle()
    run(throttle, 0.9)
    run(throttle, 30.0)
    assert str(refused(throttle, 60.0)) == "Too many requests in the last minute (count: 3, allowed: 2)."
    run(throttle, 61.0)
    refused(throttle, 90.9)
    run(throttle, 91.0)


def test_who_waits_as_long_as_told_gets_in() -> None:
    throttle = Throttle()
    for _ in range(2):
        run(throttle, 0.25)
    refusal = refused(throttle, 20.5)
    assert refusal.retry_after_s == pytest.approx(40.5)
    run(throttle, 20.5 + refusal.retry_after_s)


def test_refused_requests_do_not_count() -> None:
    throttle = Throttle()
    run(throttle, 0, per_minute=1)
    for second in range(60):
        refused(throttle, second, per_minute=1)
    run(throttle, 61, per_minute=1)


def test_a_limit_of_zero_refuses_everything() -> None:
    assert "(count: 1, allowed: 0)" in str(refused(Throttle(), 5, per_minute=0))
    with pytest.raises(ThrottledError, match=r"in flight \(count: 1, allowed: 0\)"):
        Throttle().start("ns", 0, per_minute=10, concurrent=0)


def test_namespaces_do_not_share() -> None:
    throttle = Throttle()
    run(throttle, 0, per_minute=1)
    run(throttle, 0, per_minute=1, namespace="other")
    refused(throttle, 0, per_minute=1)


def test_at_once() -> None:
    throttle = Throttle()
    for _ in range(2):
        throttle.start("ns", 0, per_minute=100, concurrent=2)
    with pytest.raises(ThrottledError, match=r"^Too many concurrent requests in flight \(count: 3, allowed: 2\)\.$"):
        throttle.start("ns", 0, per_minute=100, concurrent=2)
    assert throttle.in_flight("ns") == 2
    throttle.end("ns")
    throttle.start("ns", 0, per_minute=100, concurrent=2)
    for _ in range(3):
        throttle.end("ns")
    assert throttle.in_flight("ns") == 0


def test_what_is_refused_for_its_rate_is_not_in_flight() -> None:
    throttle = Throttle()
    refused(throttle, 0, per_minute=0)
    assert throttle.in_flight("ns") == 0


def test_a_namespace_made_anew_starts_at_zero() -> None:
    throttle = Throttle()
    throttle.start("ns", 0, per_minute=1, concurrent=10)
    throttle.forget("ns")
    throttle.start("ns", 0, per_minute=1, concurrent=10)
    assert throttle.in_flight("ns") == 2


def test_fires_have_a_count_of_their_own() -> None:
    throttle = Throttle()
    throttle.fire("ns", 0, per_minute=1)
    run(throttle, 0, per_minute=1)
    with pytest.raises(ThrottledError, match=r"^Too many requests in the last minute \(count: 2, allowed: 1\)\.$"):
        throttle.fire("ns", 30, per_minute=1)
    throttle.fire("ns", 61, per_minute=1)
    throttle.forget("ns")
    throttle.fire("ns", 61, per_minute=1)


def test_an_empty_minute_asks_for_a_second() -> None:
    assert SlidingMinute().retry_after_s(0) == 1.0


def test_wrong_credentials_are_counted_by_address_within_a_minute() -> None:
    guesses = Guesses(2)
    for now_s in (0.0, 1.0):
        guesses.count("192.0.2.1", now_s)
    with pytest.raises(ThrottledError, match="wrong credentials from this address") as refused:
        guesses.count("192.0.2.1", 2.0)
    assert 0 < refused.value.retry_after_s <= 60
    guesses.count("192.0.2.2", 2.0)
    guesses.count("192.0.2.1", 62.0)


def test_one_customer_of_ipv6_is_one_source_and_zero_allows_all() -> None:
    guesses, free = Guesses(1), Guesses(0)
    guesses.count("2001:db8::1", 0.0)
    with pytest.raises(ThrottledError):
        guesses.count("2001:db8::2%eth0", 0.0)
    guesses.count("2001:db8:0:1::1", 0.0)
    for _ in range(5):
        free.count("192.0.2.1", 0.0)


def test_only_so_many_addresses_are_remembered() -> None:
    guesses = Guesses(1, sources_most=2)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        guesses.count(address, 0.0)
    guesses.count("192.0.2.1", 0.0)
    with pytest.raises(ThrottledError):
        guesses.count("192.0.2.3", 0.0)

"""How often an API may be called by one caller."""

import pytest

from ioruntime.core.apis.rates import Rate, Rates
from ioruntime.model.errors import ThrottledError

MINUTE = Rate(calls=3, period_s=60)


def test_a_fresh_caller_may_call_so_often_at_once_and_then_at_the_rate() -> None:
    rates = Rates()
    for _ in range(3):
        rates.count(MINUTE, ("a",), 100.0)
    with pytest.raises(ThrottledError) as refused:
        rates.count(MINUTE, ("a",), 100.0)
    assert refused.value.retry_after_s == pytest.approx(20.0)
    rates.count(MINUTE, ("a",), 120.0)
    with pytest.raises(ThrottledError):
        rates.count(MINUTE, ("a",), 120.0)


def test_what_is_refused_does_not_count() -> None:
    rates = Rates()
    for _ in range(3):
        rates.count(MINUTE, ("a",), 0.0)
    for _ in range(5):
        with pytest.raises(ThrottledError):
            rates.count(MINUTE, ("a",), 10.0)
    rates.count(MINUTE, ("a",), 20.0)


def test_who_waited_may_call_as_often_as_at_first_and_not_more() -> None:
    rates = Rates()
    rates.count(MINUTE, ("a",), 0.0)
    for _ in range(3):
        rates.count(MINUTE, ("a",), 1_000.0)
    with pytest.raises(ThrottledError):
        rates.count(MINUTE, ("a",), 1_000.0)


def test_callers_and_rates_do_not_share() -> None:
    rates, one = Rates(), Rate(calls=1, period_s=1)
    rates.count(one, ("a",), 0.0)
    rates.count(one, ("b",), 0.0)
    rates.count(MINUTE, ("a",), 0.0)
    with pytest.raises(ThrottledError):
        rates.count(one, ("a",), 0.0)


def test_those_that_called_longest_ago_are_forgotten() -> None:
    rates, one = Rates(callers_most=2), Rate(calls=1, period_s=1_000)
    for caller in "abc":
        rates.count(one, (caller,), 0.0)
    rates.count(one, ("a",), 0.0)
    with pytest.raises(ThrottledError):
        rates.count(one, ("c",), 0.0)


def test_a_rate_that_no_fraction_hits_holds_exactly() -> None:
    rates, seven = Rates(), Rate(calls=7, period_s=60)
    for _ in range(7):
        rates.count(seven, ("a",), 0.1)
    with pytest.raises(ThrottledError):
        rates.count(seven, ("a",), 0.1)

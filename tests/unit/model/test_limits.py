"""Bounds, their texts, and a namespace's own limits."""

from typing import Any

import msgspec
import pytest

from ioruntime.model.errors import InvalidError
from ioruntime.model.limits import OVERRIDES, PROFILES, ActionLimits, Bound, Limits, check_limits, check_override, effective

LIMITS = Limits(concurrent_invocations=30)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (ActionLimits(timeout_ms=300_001), "duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds"),
        (ActionLimits(timeout_ms=99), "duration 99 milliseconds below allowed threshold of 100 milliseconds"),
        (ActionLimits(memory_mb=513), "memory size 513 MB exceeds allowed threshold of 512 MB"),
        (ActionLimits(memory_mb=127), "memory size 127 MB below allowed threshold of 128 MB"),
        (ActionLimits(logs_mb=11), "log size 11 MB exceeds allowed threshold of 10 MB"),
        (ActionLimits(logs_mb=-1), "log size -1 MB below allowed threshold of 0 MB"),
        (ActionLimits(concurrency=501), "concurrency 501 exceeds allowed threshold of 500"),
        (ActionLimits(concurrency=0), "concurrency 0 below allowed threshold of 1"),
    ],
    ids=str,
)
def test_outside_of_a_bound(wanted: ActionLimits, text: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_limits(wanted, LIMITS)
    assert str(refusal.value) == f"requirement failed: {text}"


@pytest.mark.parametrize(
    ("instances", "text"),
    [
        (0, "Action container concurrency must be greater than or equal to 1."),
        (31, "Max action instance concurrency must not exceed your namespace concurrency of 30."),
    ],
)
def test_instances(instances: int, text: str) -> None:
    check_limits(ActionLimits(instances=30), LIMITS)
    with pytest.raises(InvalidError) as refusal:
        check_limits(ActionLimits(instances=instances), LIMITS)
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    "wanted", [ActionLimits(100, 128, 0, 1, 1), ActionLimits(300_000, 512, 10, 500, 30), ActionLimits()], ids=str
)
def test_bounds_are_inclusive(wanted: ActionLimits) -> None:
    check_limits(wanted, LIMITS)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_defaults_of_a_profile_are_allowed(profile: Limits) -> None:
    check_limits(profile.defaults(), profile)


def test_a_default_that_a_namespace_may_not_have_moves_to_its_bound() -> None:
    mine = effective(LIMITS, {"maxActionMemory": 128, "minActionTimeout": 90_000})
    assert mine.defaults() == ActionLimits(90_000, 128, 10, 1)
    check_limits(mine.defaults(), mine)


@pytest.mark.parametrize(
    ("overrides", "field", "expected"),
    [
        pytest.param({}, "memory_mb", LIMITS.memory_mb, id="nothing said"),
        pytest.param({"maxActionMemory": 200}, "memory_mb", Bound(128, 256, 200), id="less memory"),
        pytest.param({"maxActionMemory": 4096}, "memory_mb", Bound(128, 256, 512), id="not more than the platform has"),
        pytest.param({"minActionMemory": 1}, "memory_mb", Bound(1, 256, 512), id="a lower least"),
        pytest.param({"minActionMemory": 9999}, "memory_mb", Bound(512, 256, 512), id="the least is clipped too"),
        pytest.param(
            {"minActionMemory": 200, "maxActionMemory": 300}, "memory_mb", Bound(200, 256, 300), id="both ends of one bound"
        ),
        pytest.param({"maxActionTimeout": 10**9}, "timeout_ms", Bound(100, 60_000, 300_000), id="time is clipped"),
        pytest.param({"maxActionLogs": 0}, "logs_mb", Bound(0, 10, 0), id="no logs"),
        pytest.param({"maxActionConcurrency": 5}, "concurrency", Bound(1, 1, 5), id="concurrency"),
        pytest.param({"invocationsPerMinute": 10**6}, "invocations_per_minute", 10**6, id="rates may be more"),
        pytest.param({"concurrentInvocations": 0}, "concurrent_invocations", 0, id="or nothing"),
        pytest.param({"firesPerMinute": 1}, "fires_per_minute", 1, id="fires"),
        pytest.param({"maxParameterSize": 10}, "parameters_bytes", 10, id="smaller parameters"),
        pytest.param({"maxParameterSize": 10**9}, "parameters_bytes", 1024 * 1024, id="parameters are clipped"),
        pytest.param({"allowedKinds": ["nodejs:24"]}, "allowed_kinds", ("nodejs:24",), id="kinds"),
        pytest.param({"maxPayloadSize": 10}, "payload_bytes", 10, id="smaller payloads"),
        pytest.param({"maxPayloadSize": 10**9}, "payload_bytes", 1024 * 1024, id="payloads are clipped"),
        pytest.param({"truncationSize": 10}, "truncation_bytes", 10, id="less of what is too large"),
        pytest.param({"warmedContainerKeepingCount": 8}, "warm_count", 8, id="sandboxes that stay"),
        pytest.param({"storeActivations": False}, "store_activations", False, id="no records"),
    ],
)
def test_effective(overrides: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(effective(LIMITS, overrides), field) == expected


def test_a_namespace_is_told_its_own_limit() -> None:
    with pytest.raises(InvalidError, match="memory size 600 MB exceeds allowed threshold of 200 MB"):
        check_limits(ActionLimits(memory_mb=600), effective(LIMITS, {"maxActionMemory": 200}))


@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize("value", [-1, 1.5, "3", None, [1], {}])
def test_a_wrong_override_names_its_limit(name: str, value: Any) -> None:
    with pytest.raises(InvalidError, match=f"^The limit '{name}' must be "):
        check_override(name, value)


@pytest.mark.parametrize("name", sorted(OVERRIDES.keys() - {"storeActivations"}))
def test_true_is_no_number(name: str) -> None:
    with pytest.raises(InvalidError, match=name):
        check_override(name, True)


def test_an_unknown_override_names_itself_and_those_there_are() -> None:
    with pytest.raises(InvalidError, match=r"^There is no limit named 'memory'\. Known: invocationsPerMinute, ") as refusal:
        check_override("memory", 1)
    assert all(name in str(refusal.value) for name in OVERRIDES)


@pytest.mark.parametrize(
    ("name", "value"), [("firesPerMinute", 0), ("allowedKinds", []), ("storeActivations", False), ("network", "none")]
)
def test_right_overrides_pass(name: str, value: Any) -> None:
    assert check_override(name, value) == value
    effective(LIMITS, {name: value})


@pytest.mark.parametrize(("text", "seconds"), [("24 hours", 86_400), ("1 minute", 60), ("90 seconds", 90), ("2days", 172_800)])
def test_times_may_be_told_in_words(text: str, seconds: int) -> None:
    assert check_override("warmedContainerKeepingTimeout", text) == seconds
    assert effective(LIMITS, {"warmedContainerKeepingTimeout": seconds}).warm_s == seconds


@pytest.mark.parametrize("text", ["soon", "-1 hours", "1 week", "1.5 hours", "1 hour 2"])
def test_other_words_are_no_time(text: str) -> None:
    with pytest.raises(InvalidError, match="warmedContainerKeepingTimeout"):
        check_override("warmedContainerKeepingTimeout", text)


def test_on_the_wire_limits_have_the_names_that_clients_know() -> None:
    assert msgspec.json.encode(ActionLimits()) == b'{"timeout":60000,"memory":256,"logs":10,"concurrency":1}'
    assert msgspec.json.decode(b'{"timeout":1,"instances":2}', type=ActionLimits) == ActionLimits(timeout_ms=1, instances=2)

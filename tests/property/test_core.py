"""What holds for all traffic, payloads and sets of invokers."""

from collections import Counter
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ioruntime.core.dispatch.placement import preference
from ioruntime.core.resolve import resolve
from ioruntime.core.throttle import Throttle
from ioruntime.model.action import Action
from ioruntime.model.errors import ThrottledError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import Parameter

EXEC = CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1))
GAPS = st.lists(st.floats(0, 40), max_size=60) | st.lists(st.floats(0, 3), max_size=60)


@given(GAPS, st.integers(1, 5), st.floats(0, 1))
def test_no_sixty_seconds_see_more_than_the_limit(gaps: list[float], limit: int, start_s: float) -> None:
    throttle, now_s = Throttle(), start_s
    started: list[float] = []
    for gap_s in gaps:
        now_s += gap_s
        with suppress(ThrottledError):
            throttle.start("ns", now_s, per_minute=limit, concurrent=1000)
            started.append(now_s)
    for first in started:
        assert sum(1 for s in started if first <= s < first + 60) <= limit


@given(GAPS, st.integers(1, 5))
def test_waiting_as_told_is_enough(gaps: list[float], limit: int) -> None:
    throttle, now_s = Throttle(), 0.0
    for gap_s in gaps:
        now_s += gap_s
        try:
            throttle.start("ns", now_s, per_minute=limit, concurrent=1000)
        except ThrottledError as refusal:
            now_s += refusal.retry_after_s
            throttle.start("ns", now_s, per_minute=limit, concurrent=1000)


INVOKERS = st.sets(st.text("abcdef0123", min_size=1, max_size=6), min_size=2, max_size=8).map(sorted)
ACTIONS = [f"action-{number}" for number in range(200)]


@given(INVOKERS, st.data())
def test_an_invoker_that_leaves_moves_only_its_own_actions(invokers: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(invokers))
    left = [invoker for invoker in invokers if invoker != gone]
    for action in ACTIONS:
        before = preference("ns", action, invokers)
        assert preference("ns", action, left) == [invoker for invoker in before if invoker != gone]


@given(INVOKERS)
def test_everybody_is_tried_and_the_order_of_the_list_does_not_count(invokers: list[str]) -> None:
    order = preference("ns", "a", invokers)
    assert sorted(order) == invokers
    assert preference("ns", "a", invokers[::-1]) == order


def test_actions_spread_evenly() -> None:
    homes = Counter(preference("ns", f"p/{number}", [f"invoker-{i}" for i in range(8)])[0] for number in range(8000))
    assert len(homes) == 8
    assert all(850 < count < 1150 for count in homes.values())


KEYS = st.sampled_from("abcde")
LAYER = st.lists(st.builds(Parameter, KEYS, st.none() | st.integers(), st.booleans()), max_size=5).map(tuple)


@given(LAYER, LAYER, st.dictionaries(KEYS, st.integers()))
def test_arguments_and_environment_share_no_key(
    package: tuple[Parameter, ...], action: tuple[Parameter, ...], payload: dict[str, int]
) -> None:
    resolved = resolve(
        Action(path=EntityPath("ns", "a", "p"), exec=EXEC, parameters=action),
        Package(path=EntityPath("ns", "p"), parameters=package),
    )
    sent = {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in payload.items()}
    arguments: dict[str, Any] = msgspec.json.decode(resolved.arguments(sent))
    environment = resolved.environment_with(sent)
    merged = {p.key: p for layer in (package, action) for p in layer}
    given_ = {key: p.value for key, p in merged.items()} | payload
    init = {key for key, p in merged.items() if p.init is True}
    assert arguments == {key: value for key, value in given_.items() if key not in init}
    assert environment == {key: msgspec.json.encode(given_[key]).decode() for key in init}

"""Where the next activation runs."""

import pytest

from ioruntime.invoker.lifecycle import State
from ioruntime.invoker.plan import Claim, Create, Evict, Refuse, Slot, Step, Wait, expired, missing_prewarm, place, to_pause
from ioruntime.ports.sandbox import Interpreter, SandboxSpec

NODE = SandboxSpec(Interpreter("nodejs:24", ("node",)), 256)
PYTHON = SandboxSpec(Interpreter("python:3.11", ("python",)), 256)
HUGE = SandboxSpec(Interpreter("nodejs:24", ("node",)), 512)


def slot(
    id_: str,
    state: State,
    owner: str | None = None,
    *,
    spec: SandboxSpec = NODE,
    running: int = 0,
    capacity: int = 1,
    used: float = 0,
    warm: tuple[int, float] = (0, 0.0),
) -> Slot:
    return Slot(id_, spec, state, owner, running, capacity, used, *warm)


@pytest.mark.parametrize(
    ("slots", "memory_mb", "expected"),
    [
        pytest.param([], 256, Create(), id="empty pool starts one"),
        pytest.param([], 255, Refuse(), id="more memory than there is"),
        pytest.param([slot("a", State.PREWARM)], 512, Claim("a"), id="prewarm before cold"),
        pytest.param([slot("a", State.PREWARM, spec=PYTHON)], 512, Create(), id="prewarm of another kind is no use"),
        pytest.param([slot("a", State.PREWARM, spec=HUGE)], 1024, Create(), id="prewarm of another size is no use"),
        pytest.param([slot("a", State.IDLE, "mine"), slot("b", State.PREWARM)], 512, Claim("a"), id="warm before prewarm"),
        pytest.param([slot("a", State.PAUSED, "mine"), slot("b", State.IDLE, "mine")], 512, Claim("b"), id="idle before paused"),
        pytest.param(
            [slot("a", State.IDLE, "mine", used=1), slot("b", State.IDLE, "mine", used=2)], 512, Claim("b"), id="last used first"
        ),
        pytest.param([slot("a", State.RUNNING, "mine", running=1)], 512, Create(), id="busy one serves nobody else"),
        pytest.param([slot("a", State.RUNNING, "mine", running=1, capacity=2)], 512, Claim("a"), id="room for one more"),
        pytest.param([slot("a", State.STARTING, "mine", running=1, capacity=2)], 512, Claim("a"), id="room in one that starts"),
        pytest.param([slot("a", State.IDLE, "hers")], 512, Create(), id="stranger's sandbox is never shared"),
        pytest.param([slot("a", State.IDLE, "hers")], 256, Evict(("a",)), id="idle stranger makes room"),
        pytest.param(
            [slot("a", State.IDLE, "hers", used=2), slot("b", State.PAUSED, "his", used=1)],
            512,
            Evict(("b",)),
            id="least recently used goes first",
        ),
        pytest.param([slot("a", State.PREWARM, spec=PYTHON)], 256, Evict(("a",)), id="prewarm of another kind makes room last"),
        pytest.param([slot("a", State.STOPPING, "hers")], 256, Wait(), id="room is already on its way"),
        pytest.param([slot("a", State.RUNNING, "hers", running=1)], 256, Wait(), id="all busy"),
    ],
)
def test_place(slots: list[Slot], memory_mb: int, expected: Step) -> None:
    assert place("mine", NODE, slots, memory_mb=memory_mb) == expected


def test_two_small_ones_make_room_for_a_large_one() -> None:
    slots = [slot("a", State.IDLE, "x", used=1), slot("b", State.IDLE, "y", used=2)]
    assert place("mine", HUGE, slots, memory_mb=512) == Evict(("a", "b"))


@pytest.mark.parametrize(
    ("slots", "memory_mb", "expected"),
    [
        pytest.param([], 1024, [NODE, NODE], id="all are missing"),
        pytest.param([], 256, [NODE], id="as far as memory goes"),
        pytest.param([slot("a", State.PREWARM), slot("b", State.STARTING)], 1024, [], id="starting ones count"),
        pytest.param([slot("a", State.STARTING, "mine", running=1)], 1024, [NODE, NODE], id="one that is taken does not count"),
    ],
)
def test_missing_prewarm(slots: list[Slot], memory_mb: int, expected: list[SandboxSpec]) -> None:
    assert missing_prewarm({NODE: 2}, slots, memory_mb=memory_mb) == expected


def test_only_idle_ones_sleep_and_only_warm_ones_expire() -> None:
    slots = [slot(state.value, state, "mine", used=10) for state in State]
    assert to_pause(slots, now_s=20, grace_s=10) == ["idle"]
    assert to_pause(slots, now_s=19, grace_s=10) == []
    assert expired(slots, now_s=610, idle_s=600) == ["idle", "paused"]
    assert expired(slots, now_s=609, idle_s=600) == []


def test_of_some_owners_the_last_ones_used_stay_longer() -> None:
    two = (2, 3_600.0)
    hers = [slot(name, State.PAUSED, "hers", used=used, warm=two) for name, used in (("a", 1), ("b", 3), ("c", 2))]
    slots = [*hers, slot("d", State.IDLE, "his", used=9), slot("e", State.IDLE, "its", used=4, warm=(1, 100.0))]
    assert sorted(expired(slots, now_s=700, idle_s=600)) == ["a", "d", "e"]
    assert sorted(expired(slots, now_s=3_602, idle_s=600)) == ["a", "c", "d", "e"]
    assert len(expired(slots, now_s=9_999, idle_s=600)) == len(slots)

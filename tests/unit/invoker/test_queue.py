"""Turns."""

from hypothesis import given
from hypothesis import strategies as st

from ioruntime.invoker.queue import FairQueue


def take(queue: FairQueue[str]) -> str:
    namespace, owner, item = next(iter(queue.heads()))
    queue.served(namespace, owner)
    return item


def test_namespaces_take_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3"):
        queue.put("a", "a/x", item)
    queue.put("b", "b/x", "b1")
    assert [take(queue) for _ in range(4)] == ["a1", "b1", "a2", "a3"]


def test_actions_within_a_namespace_take_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    for owner, item in (("x", "x1"), ("x", "x2"), ("y", "y1")):
        queue.put("a", owner, item)
    assert [take(queue) for _ in range(3)] == ["x1", "y1", "x2"]


def test_who_gave_up_is_not_served() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("a", "x", "first")
    queue.put("a", "x", "second")
    queue.remove("a", "x", "first")
    assert (take(queue), len(queue)) == ("second", 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers())))
def test_everything_put_comes_out_once_in_order_per_owner(puts: list[tuple[str, str, int]]) -> None:
    queue: FairQueue[tuple[str, str, int]] = FairQueue()
    for namespace, owner, number in puts:
        queue.put(namespace, owner, (namespace, owner, number))
    out: list[tuple[str, str, int]] = []
    while queue:
        namespace, owner, item = next(iter(queue.heads()))
        queue.served(namespace, owner)
        out.append(item)
    assert sorted(out) == sorted(puts)
    for key in {put[:2] for put in puts}:
        assert [item for item in out if item[:2] == key] == [put for put in puts if put[:2] == key]

"""Logs while they are written: every line once, in order, then the record; nobody else's."""

from collections.abc import Sequence

import pytest

from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.observing.livelogs import LiveLogs, LogLine
from ioruntime.core.observing.tail import Tail
from ioruntime.model.activation import Activation, ActivationId, new_activation_id
from ioruntime.model.errors import NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.stores.memory import MemoryStores

pytestmark = pytest.mark.anyio
ID = new_activation_id()


class Scripted:
    """An activation that has one line more each time somebody looks, and then is gone."""

    def __init__(self, *lines: str, ends_after: int = 100) -> None:
        self._lines = lines
        self._ends_after = ends_after
        self._looks = 0

    def lines(self, namespace: str, activation_id: ActivationId, *, after: int) -> Sequence[str] | None:
        self._looks += 1
        if namespace != "ns" or activation_id != ID or self._looks > self._ends_after:
            return None
        return self._lines[after : self._looks]

    def running(self, namespace: str) -> Sequence[ActivationId]:
        return [ID] if namespace == "ns" and self._looks < self._ends_after else []


class Silent:
    def store_failed(self, error: Exception, *, pending: int) -> None:
        raise error


def record(*logs: str) -> Activation:
    return Activation(activation_id=ID, namespace="ns", name="a", version="0.0.1", subject="s", start_ms=0, logs=logs)


async def live(running: Scripted, *records: Activation, tail: Tail | None = None, expected: bool = False) -> LiveLogs:
    stores = MemoryStores()
    await stores.namespaces.create(Namespace(name="ns", owner=Owner("o", "i"), auth=AuthKey.generate()))
    await stores.activations.record(records)
    activations = Activations(stores.activations, Recorder(stores.activations, Silent()))
    return LiveLogs(running, activations, tail or Tail(), is_expected=lambda _: expected)


async def test_lines_come_while_they_are_written_and_the_rest_with_the_record() -> None:
    whole = record("one", "two", "three")
    logs = await live(Scripted("one", "two", ends_after=2), whole)
    heard = [each async for each in logs.follow("ns", ID, look_s=0)]
    assert heard == [LogLine(ID, "one"), LogLine(ID, "two"), LogLine(ID, "three"), whole]


async def test_what_is_over_is_told_at_once() -> None:
    whole = record("one")
    logs = await live(Scripted(ends_after=0), whole)
    assert [each async for each in logs.follow("ns", ID)] == [LogLine(ID, "one"), whole]


@pytest.mark.parametrize("namespace", ["ns", "other"])
async def test_nobody_hears_of_what_is_not_theirs_or_not_there(namespace: str) -> None:
    logs = await live(Scripted("secret", ends_after=0 if namespace == "ns" else 100))
    with pytest.raises(NotFoundError):
        await logs.check(namespace, ID)
    assert [each async for each in logs.follow(namespace, ID, look_s=0)] == []


async def test_silence_is_told_too_and_stopping_ends_it() -> None:
    tail = Tail()
    logs = await live(Scripted(), tail=tail, expected=True)
    heard = logs.follow("ns", ID, look_s=0, beat_s=0)
    assert await anext(heard) is None
    tail.close()
    assert [each async for each in heard] == []


async def test_a_namespace_is_followed_with_all_that_runs_in_it() -> None:
    tail = Tail()
    logs = await live(Scripted("one", "two"), tail=tail)
    heard = logs.follow_all("ns", look_s=0)
    assert await anext(heard) == LogLine(ID, "one")
    assert await anext(heard) == LogLine(ID, "two")
    whole = record("one", "two", "three")
    tail.recorded([whole])
    assert [await anext(heard), await anext(heard)] == [LogLine(ID, "three"), whole]
    await heard.aclose()

"""Requests to invokers and answers back, in one process."""

import msgspec
import pytest

from ioruntime.bus.local import LocalBus
from ioruntime.core.dispatch.dispatcher import Dispatcher
from ioruntime.core.dispatch.pending import Pending
from ioruntime.core.dispatch.placement import preference
from ioruntime.core.invocation import failed
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, new_activation_id
from ioruntime.model.errors import UnavailableError
from ioruntime.model.exec import CodeExec, CodeReference
from ioruntime.model.names import EntityPath
from ioruntime.ports.bus import InvocationRequest

pytestmark = pytest.mark.anyio

ACTION = Action(path=EntityPath("ns", "a"), exec=CodeExec(kind="nodejs:24", code=CodeReference("0" * 64, 1)))


def request() -> InvocationRequest:
    return InvocationRequest(
        activation_id=new_activation_id(),
        transaction_id="t",
        namespace="ns",
        subject="ns",
        action=ACTION,
        arguments=msgspec.Raw(b"{}"),
        received_ms=1,
    )


def refuse(_: InvocationRequest) -> None:
    raise UnavailableError


async def test_a_request_goes_to_its_invoker_only() -> None:
    bus, first, second = LocalBus(), list[InvocationRequest](), list[InvocationRequest]()
    bus.serve("first", first.append)
    bus.serve("second", second.append)
    sent = request()
    await bus.send("second", sent)
    assert (first, second) == ([], [sent])
    assert bus.invokers() == ("first", "second")


async def test_an_invoker_that_left_takes_nothing() -> None:
    bus = LocalBus()
    bus.serve("one", refuse)
    bus.leave("one")
    bus.leave("one")
    assert bus.invokers() == ()
    with pytest.raises(UnavailableError):
        await bus.send("one", request())


async def test_answers_go_to_all_who_listen() -> None:
    bus, heard = LocalBus(), list[Activation]()
    bus.listen(heard.append)
    bus.listen(heard.append)
    asked = request()
    answer = failed(asked, "no", 5)
    bus.answer(asked, answer)
    assert heard == [answer, answer]


async def test_the_home_invoker_is_asked_first_and_the_next_when_it_is_full() -> None:
    home, other = preference("ns", "a", ("one", "two"))
    bus, taken = LocalBus(), dict[str, int]()
    bus.serve(other, lambda _: taken.__setitem__(other, taken.get(other, 0) + 1))
    bus.serve(home, lambda _: taken.__setitem__(home, taken.get(home, 0) + 1))
    await Dispatcher(bus).dispatch(request())
    assert taken == {home: 1}
    bus.serve(home, refuse)
    await Dispatcher(bus).dispatch(request())
    assert taken == {home: 1, other: 1}


@pytest.mark.parametrize("names", [(), ("one", "two")], ids=["nobody is there", "all are full"])
async def test_nobody_takes_it(names: tuple[str, ...]) -> None:
    bus = LocalBus()
    for name in names:
        bus.serve(name, refuse)
    with pytest.raises(UnavailableError, match="currently unavailable"):
        await Dispatcher(bus).dispatch(request())


async def test_pending_hands_each_outcome_over_once() -> None:
    pending, asked = Pending(), request()
    future = pending.expect(asked.activation_id)
    outcome = failed(asked, "no", 5)
    pending.settle(outcome)
    pending.settle(outcome)
    assert future.result() is outcome
    assert len(pending) == 0


async def test_pending_takes_no_notice_of_who_gave_up() -> None:
    pending, asked = Pending(), request()
    pending.expect(asked.activation_id).cancel()
    pending.settle(failed(asked, "no", 5))
    pending.drop(asked.activation_id)
    assert len(pending) == 0

"""The tree of what an activation started."""

from typing import Any

import pytest

from ioruntime.core.activations import Activations, Recorder
from ioruntime.core.observing.lineage import lineage, started_by
from ioruntime.model.activation import Activation, new_activation_id
from ioruntime.model.identity import AuthKey, Namespace, Owner
from ioruntime.model.params import Annotation
from ioruntime.stores.memory import MemoryStores

pytestmark = pytest.mark.anyio


class Silent:
    def store_failed(self, error: Exception, *, pending: int) -> None:
        raise error


def activation(name: str, *logs: str, **annotations: Any) -> Activation:
    return Activation(
        activation_id=new_activation_id(),
        namespace="ns",
        name=name,
        version="0.0.1",
        subject="ns",
        start_ms=0,
        logs=logs,
        annotations=tuple(Annotation(key, value) for key, value in annotations.items()),
    )


async def test_a_composition_comes_before_what_it_started_and_lost_records_are_left_out() -> None:
    leaf, other = activation("leaf", kind="nodejs:24"), activation("other", kind="nodejs:24")
    inner = activation("inner", leaf.activation_id, new_activation_id(), kind="sequence")
    outer = activation("outer", inner.activation_id, other.activation_id, kind="nodejs:24", conductor=True)
    stores = MemoryStores()
    await stores.namespaces.create(Namespace(name="ns", owner=Owner("o", "i"), auth=AuthKey.generate()))
    await stores.activations.record([leaf, other, inner, outer])
    activations = Activations(stores.activations, Recorder(stores.activations, Silent()))
    found = await lineage(activations, outer)
    assert [(each.activation.name, each.depth) for each in found] == [("outer", 0), ("inner", 1), ("leaf", 2), ("other", 1)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(activation("t", '{"rule":"ns/r","activationId":"' + "a" * 32 + '"}', "no JSON"), ["a" * 32], id="trigger"),
        pytest.param(activation("s", "b" * 32, "not an id", kind="sequence"), ["b" * 32], id="sequence"),
        pytest.param(activation("a", "c" * 32, kind="nodejs:24"), [], id="what a plain action writes is no tree"),
    ],
)
def test_what_a_record_says_it_started(record: Activation, expected: list[str]) -> None:
    assert list(started_by(record)) == expected

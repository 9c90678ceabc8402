"""What every `ActivationStore` promises. Subclass the suite and give it the fixtures that its tests name."""

from collections.abc import Sequence

import anyio
import msgspec
import pytest

from ioruntime.model.activation import Activation, ActivationId, Status, new_activation_id
from ioruntime.model.params import Annotation
from ioruntime.ports.activations import ActivationFilter, ActivationStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.testing.entities_contract import NAMESPACE, sample_action
from ioruntime.testing.namespaces_contract import sample_namespace

ALL = ActivationFilter(namespace=NAMESPACE)


def sample_activation(
    name: str = "hello",
    *,
    start_ms: int = 1,
    package: str | None = None,
    id_: ActivationId | None = None,
    namespace: str = NAMESPACE,
) -> Activation:
    """Build a record that has something in each field."""
    return Activation(
        activation_id=id_ or new_activation_id(),
        namespace=namespace,
        name=name,
        package=package,
        version="0.0.3",
        subject="guest",
        start_ms=start_ms,
        end_ms=start_ms + 5,
        duration_ms=5,
        cause=new_activation_id(),
        status=Status.APPLICATION_ERROR,
        result=msgspec.Raw('{"error": "schön 😀"}'.encode()),
        logs=("2024-01-01T00:00:00.000000000Z stdout: grüße",),
        annotations=(Annotation("path", f"{namespace}/{name}"), Annotation("waitTime", 3)),
    )


def sample_request(*, received_ms: int = 1, id_: ActivationId | None = None, namespace: str = NAMESPACE) -> InvocationRequest:
    return InvocationRequest(
        activation_id=id_ or new_activation_id(),
        transaction_id="tid",
        namespace=namespace,
        subject="guest",
        action=sample_action(revision=5),
        arguments=msgspec.Raw(b'{"name": "x"}'),
        environment={"KEY": "value"},
        api_key="uuid:key",
        received_ms=received_ms,
    )


def starts(activations: Sequence[Activation]) -> Sequence[int]:
    return [activation.start_ms for activation in activations]


class ActivationsContract:
    """Needs the fixtures `activations: ActivationStore` and `namespaces: NamespaceStore`, of one empty store for each test."""

    pytestmark = pytest.mark.anyio

    @pytest.fixture(autouse=True)
    async def _guest(self, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace(NAMESPACE))

    async def test_what_was_recorded_is_read_in_its_namespace_only(self, activations: ActivationStore) -> None:
        activation = sample_activation(package="pkg")
        await activations.record([activation])
        assert await activations.read(NAMESPACE, activation.activation_id) == activation
        assert await activations.read("other", activation.activation_id) is None
        assert await activations.read(NAMESPACE, new_activation_id()) is None

    async def test_optional_fields_stay_empty(self, activations: ActivationStore) -> None:
        activation = Activation(
            activation_id=new_activation_id(), namespace=NAMESPACE, name="t", version="0.0.1", subject="guest", start_ms=1
        )
        await activations.record([activation])
        assert await activations.read(NAMESPACE, activation.activation_id) == activation

    async def test_the_first_of_two_records_with_one_id_stays(self, activations: ActivationStore) -> None:
        first = sample_activation("first")
        again = sample_activation("again", id_=first.activation_id)
        await activations.record([first, again])
        await activations.record([again])
        assert await activations.read(NAMESPACE, first.activation_id) == first
        assert await activations.count(ALL) == 1

    async def test_what_has_begun_is_known_until_its_record_comes(self, activations: ActivationStore) -> None:
        first, second, third = sample_request(), sample_request(), sample_request()
        await activations.accept([first, second, third], begun=[first.activation_id])
        await activations.begin([second.activation_id])
        await activations.begin([second.activation_id, first.activation_id])
        assert await activations.begun() == {first.activation_id, second.activation_id}
        await activations.record([sample_activation(id_=first.activation_id), sample_activation(id_=third.activation_id)])
        assert await activations.begun() == {second.activation_id}
        assert await activations.accepted() == [second]

    async def test_nothing_to_do_is_fine(self, activations: ActivationStore) -> None:
        await activations.record([])
        await activations.accept([])
        await activations.begin([])
        assert await activations.accepted() == []

    async def test_record_of_a_namespace_that_is_gone_is_ignored(self, activations: ActivationStore) -> None:
        lost, kept = sample_activation(namespace="gone"), sample_activation()
        await activations.record([lost, kept])
        assert await activations.read("gone", lost.activation_id) is None
        assert await activations.read(NAMESPACE, kept.activation_id) == kept

    async def test_list_is_newest_first_and_the_last_recorded_first_among_equals(self, activations: ActivationStore) -> None:
        recorded = [sample_activation(name, start_ms=ms) for name, ms in (("a", 5), ("b", 9), ("c", 5), ("d", 7))]
        await activations.record(recorded[:2])
        await activations.record(recorded[2:])
        assert [each.name for each in await activations.list(ALL)] == ["b", "d", "c", "a"]

    async def test_list_leaves_out_results_and_logs_unless_full(self, activations: ActivationStore) -> None:
        activation = sample_activation()
        await activations.record([activation])
        (summary,) = await activations.list(ALL)
        assert summary == msgspec.structs.replace(activation, result=msgspec.Raw(b"{}"), logs=())
        assert await activations.list(ALL, full=True) == [activation]

    async def test_pages_and_count(self, activations: ActivationStore) -> None:
        await activations.record([sample_activation(start_ms=ms) for ms in range(1, 6)])
        assert starts(await activations.list(ALL, limit=2)) == [5, 4]
        assert starts(await activations.list(ALL, skip=3, limit=9)) == [2, 1]
        assert await activations.list(ALL, skip=5) == []
        assert await activations.list(ALL, skip=10**30) == []
        assert await activations.count(ALL) == 5

    @pytest.mark.parametrize(
        ("since_ms", "upto_ms", "expected"),
        [
            pytest.param(3, None, [5, 4, 3], id="since is inclusive"),
            pytest.param(None, 3, [3, 2, 1], id="upto is inclusive"),
            pytest.param(2, 4, [4, 3, 2], id="both"),
            pytest.param(3, 3, [3], id="one millisecond"),
            pytest.param(4, 2, [], id="nothing between"),
            pytest.param(-(10**30), 10**30, [5, 4, 3, 2, 1], id="beyond what a column holds"),
        ],
    )
    async def test_bounds(
        self, activations: ActivationStore, since_ms: int | None, upto_ms: int | None, expected: list[int]
    ) -> None:
        await activations.record([sample_activation(start_ms=ms) for ms in range(1, 6)])
        wanted = ActivationFilter(namespace=NAMESPACE, since_ms=since_ms, upto_ms=upto_ms)
        assert starts(await activations.list(wanted)) == expected
        assert await activations.count(wanted) == len(expected)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            pytest.param("x", [3, 2, 1], id="a simple name is in any package"),
            pytest.param("p/x", [2], id="package and name are both meant"),
            pytest.param("q/y", [], id="package without this name"),
            pytest.param("p", [], id="a package is not a name"),
        ],
    )
    async def test_names(self, activations: ActivationStore, name: str, expected: list[int]) -> None:
        await activations.record(
            [
                sample_activation("x", start_ms=1),
                sample_activation("x", start_ms=2, package="p"),
                sample_activation("x", start_ms=3, package="q"),
                sample_activation("y", start_ms=4, package="p"),
            ]
        )
        wanted = ActivationFilter(namespace=NAMESPACE, name=name)
        assert starts(await activations.list(wanted)) == expected
        assert await activations.count(wanted) == len(expected)

    async def test_accepted_requests_are_kept_until_their_record_comes(self, activations: ActivationStore) -> None:
        first, second = sample_request(received_ms=2), sample_request(received_ms=1)
        await activations.accept([first])
        await activations.accept([second])
        assert await activations.accepted() == [second, first]
        await activations.record([sample_activation(id_=second.activation_id)])
        assert await activations.accepted() == [first]

    async def test_request_is_accepted_once(self, activations: ActivationStore) -> None:
        request = sample_request()
        await activations.accept([request, request])
        await activations.accept([request])
        assert await activations.accepted() == [request]

    async def test_request_that_has_a_record_is_not_open(self, activations: ActivationStore) -> None:
        request = sample_request()
        await activations.record([sample_activation(id_=request.activation_id)])
        await activations.accept([request])
        assert await activations.accepted() == []

    async def test_record_for_a_gone_namespace_still_answers_its_request(self, activations: ActivationStore) -> None:
        request = sample_request(namespace="gone")
        await activations.accept([request])
        await activations.record([sample_activation(id_=request.activation_id, namespace="gone")])
        assert await activations.accepted() == []

    async def test_a_thousand_accepts_at_once(self, activations: ActivationStore) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(1000):
                tasks.start_soon(activations.accept, [sample_request()])
        assert len(await activations.accepted()) == 1000

    async def test_delete_before_takes_the_oldest_and_not_more_than_told(self, activations: ActivationStore) -> None:
        await activations.record([sample_activation(start_ms=ms) for ms in (4, 1, 3, 2)])
        assert await activations.delete_before(4, most=2) == 2
        assert starts(await activations.list(ALL)) == [4, 3]
        assert await activations.delete_before(4, most=2) == 1
        assert await activations.delete_before(4, most=2) == 0
        assert starts(await activations.list(ALL)) == [4]

    async def test_all_goes_with_the_namespace(self, activations: ActivationStore, namespaces: NamespaceStore) -> None:
        await namespaces.create(sample_namespace("other"))
        kept, open_ = sample_activation(namespace="other"), sample_request(namespace="other")
        await activations.record([sample_activation(), kept])
        await activations.accept([sample_request(), open_])
        await namespaces.delete(NAMESPACE)
        assert await activations.count(ALL) == 0
        assert await activations.accepted() == [open_]
        assert await activations.read("other", kept.activation_id) == kept

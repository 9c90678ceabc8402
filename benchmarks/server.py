"""A real server in a data directory of its own, with limits that no benchmark meets."""

import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.interpreters import interpreters
from benchmarks.processes import Process
from benchmarks.requests import Target
from ioruntime.testing import server as testing

ACTIONS = Path(__file__).parent / "actions"
UNLIMITED = {
    "IORUNTIME_LIMITS__INVOCATIONS_PER_MINUTE": "1000000000",
    "IORUNTIME_LIMITS__CONCURRENT_INVOCATIONS": "1000000",
    "IORUNTIME_INVOKER__QUEUE_MOST": "1000000",
    "IORUNTIME_INVOKER__MEMORY_MB": "131072",
    "IORUNTIME_INVOKER__PAUSE_GRACE_S": "600",
}
"""More memory than there is: hello actions use a tenth of what they may."""
_LOOK_S = 0.02


class Server:
    """Speaks to the server as one namespace; the first, if none is given."""

    def __init__(self, running: testing.Server, client: testing.ServerClient | None = None) -> None:
        self.port = running.port
        self.process = Process(running.process.pid)
        self._client = client or running.guest
        self._credentials = running.credentials
        self.namespace: str = self._client.request("GET", "/api/v1/namespaces").json()[0]

    def put(
        self,
        name: str,
        source: str,
        *,
        concurrency: int = 1,
        memory_mb: int = 256,
        annotations: Mapping[str, object] | None = None,
    ) -> str:
        """Create or replace an action from a file of `benchmarks/actions`; return its name.

        Each gets code of its own, so that no cache knows it.
        """
        path = ACTIONS / source
        comment, kind = ("#", "python:default") if path.suffix == ".py" else ("//", "nodejs:default")
        code = f"{path.read_text()}\n{comment} {name}\n"
        self._client.put_action(
            name,
            code,
            kind,
            limits={"concurrency": concurrency, "memory": memory_mb},
            annotations=[{"key": key, "value": value} for key, value in (annotations or {}).items()],
            overwrite=True,
        )
        return name

    def put_archive(self, name: str, code: str) -> str:
        """Create a Node action from a zip archive in base64; return its name."""
        exec_ = {"kind": "nodejs:default", "code": code, "binary": True}
        answer = self._client.request("PUT", f"/api/v1/namespaces/_/actions/{name}", {"exec": exec_})
        assert answer.status == 200, answer.body
        return name

    def put_sequence(self, name: str, components: Sequence[str]) -> str:
        """Create a sequence of actions of this namespace; return its name."""
        exec_ = {"kind": "sequence", "components": [f"/_/{component}" for component in components]}
        answer = self._client.request("PUT", f"/api/v1/namespaces/_/actions/{name}", {"exec": exec_})
        assert answer.status == 200, answer.body
        return name

    def put_trigger(self, name: str, actions: Sequence[str]) -> None:
        """Create a trigger, and for each of these actions of this namespace a rule."""
        own = "/api/v1/namespaces/_"
        bodies = {f"{own}/triggers/{name}": dict[str, str]()}
        for number, action in enumerate(actions):
            rule = {"trigger": f"/{self.namespace}/{name}", "action": f"/{self.namespace}/{action}"}
            bodies[f"{own}/rules/{name}-{number}"] = rule
        for path, body in bodies.items():
            answer = self._client.request("PUT", path, body)
            assert answer.status == 200, answer.body

    def fire(self, name: str) -> Target:
        """Return the request that fires a trigger."""
        return self._target(f"/api/v1/namespaces/_/triggers/{name}")

    def read(self, path: str) -> Target:
        """Return the request that reads something of the namespace, such as `actions?limit=200`."""
        return self._target(f"/api/v1/namespaces/_/{path}", method="GET", body="")

    def invoke(self, name: str, *, blocking: bool = True, result: bool = True, body: str = '{"name":"world"}') -> Target:
        """Return the request that invokes an action over the OpenWhisk API."""
        flags = f"?blocking=true&result={'true' if result else 'false'}" if blocking else ""
        return self._target(f"/api/v1/namespaces/_/actions/{name}{flags}", body=body)

    def execute(self, name: str) -> Target:
        """Return the request that invokes an action over the I/O Runtime API."""
        own = self._credentials
        path = f"/runtime/namespaces/{own['orgId']}/{own['intId']}/actions/{name}"
        return Target(port=self.port, path=path, headers=self._bearer)

    def publish(self, code: str, *, events: int, batched: bool = True) -> Target:
        """Return the request that publishes events of the provider `shop`."""
        event = {"specversion": "1.0", "id": "1", "source": "urn:uuid:shop", "type": code, "data": {"name": "world"}}
        kind = "application/cloudevents-batch+json" if batched else "application/cloudevents+json"
        body = msgspec.json.encode([event] * events if batched else event).decode()
        headers = (*self._bearer, ("content-type", kind))
        return Target(port=self.port, path="/events/publish", headers=headers, body=body)

    def register(self, name: str, code: str, *, action: str | None = None) -> str:
        """Register for events of the provider `shop`, into a journal or to an action; return the registration's id."""
        own = self._credentials
        form = {"name": name, "client_id": name, "delivery_type": "webhook" if action else "journal", "runtime_action": action}
        form |= {"events_of_interest": [{"provider": "shop", "event_code": code}]}
        ams = {"X-Ams-Consumer-Id": own["orgId"], "X-Ams-Application-Id": own["intId"]}
        client = testing.ServerClient(f"http://127.0.0.1:{self.port}", dict(self._bearer))
        path = f"/runtime/namespaces/{own['orgId']}/{own['intId']}/handleEventRegistration"
        answer = client.request("POST", path, form, headers=ams)
        assert answer.status == 200, answer.body
        return answer.json()["registration_id"]

    def journal(self, registration_id: str, since: str) -> Target:
        """Return the request that reads a page of a hundred events."""
        own = self._credentials
        path = f"/events/organizations/{own['orgId']}/integrations/{own['intId']}/{registration_id}?limit=100&since={since}"
        return Target(port=self.port, path=path, headers=self._bearer, body="", method="GET")

    def dead(self, registration_id: str) -> int:
        """Return how many events of a registration were given up, up to a thousand."""
        return len(self._ask_events("GET", f"deadletters/{registration_id}?limit=1000").json()["dead_letters"])

    def replay(self, registration_id: str) -> None:
        """Deliver them again."""
        self._ask_events("POST", f"replay/{registration_id}")

    def _ask_events(self, method: str, tail: str) -> testing.ServerAnswer:
        own = self._credentials
        client = testing.ServerClient(f"http://127.0.0.1:{self.port}", dict(self._bearer))
        answer = client.request(method, f"/events/organizations/{own['orgId']}/integrations/{own['intId']}/{tail}")
        assert answer.status == 200, answer.body
        return answer

    @property
    def _bearer(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._credentials['bearer']}"), ("x-api-key", self._credentials["apiKey"]))

    def logs(self, activation_id: str) -> list[str]:
        """Return what an activation wrote."""
        return self._client.record(activation_id)["logs"]

    def kind(self, family: str) -> str:
        """Return the kind that `nodejs:default` or `python:default` stands for."""
        return interpreters().kinds[family]

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all its label sets that have these labels."""
        return metric(self._client.request("GET", "/metrics").body.decode(), name, labels)

    def await_quiet(self) -> None:
        """Return when no activation is in flight."""
        while self.metric("ioruntime_activations_in_flight"):
            time.sleep(_LOOK_S)

    def _target(self, path: str, *, method: str = "POST", body: str = '{"name":"world"}') -> Target:
        headers = tuple(self._client.headers.items())
        return Target(port=self.port, path=path, headers=headers, body=body, method=method)


def metric(text: str, name: str, labels: Mapping[str, str]) -> float:
    """Sum the samples of a metric in Prometheus' text that have these labels (pure)."""
    total = 0.0
    for line in text.splitlines():
        sample, _, value = line.rpartition(" ")
        if sample.partition("{")[0] == name and all(f'{key}="{wanted}"' in sample for key, wanted in labels.items()):
            total += float(value)
    return total


@contextmanager
def serving(**settings: str) -> Generator[Server]:
    """Run `ioruntime serve` while the context lasts, with these settings as environment variables."""
    with (
        tempfile.TemporaryDirectory(prefix="ioruntime-bench-") as folder,
        testing.running_server(Path(folder, "data"), environment=UNLIMITED | settings) as running,
    ):
        yield Server(running)

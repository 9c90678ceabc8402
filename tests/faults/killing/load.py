"""Mixed load from several threads, until the server is gone; it remembers what it was promised."""

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException

from tests.faults.killing.starts import REPORTER

from ioruntime.testing.server import ServerClient

_THREADS = 6
_NAMESPACE = "/api/v1/namespaces/_"


def put_entities(client: ServerClient) -> None:
    """Create what the load uses: an action, a sequence of it, and a trigger with a rule."""
    client.put_action("report", REPORTER)
    bodies = {
        "actions/twice": {"exec": {"kind": "sequence", "components": ["/_/report", "/_/report"]}},
        "triggers/bell": {},
        "rules/ring": {"trigger": "/_/bell", "action": "/_/report"},
    }
    for path, body in bodies.items():
        answer = client.request("PUT", f"{_NAMESPACE}/{path}", body)
        assert answer.status == 200, answer.body


class Load:
    """One thread's requests, in an order that follows from its seed."""

    def __init__(self, client: ServerClient, url: str, seed: int) -> None:
        self.accepted: list[str] = []
        """Ids that a 202 named, of activations and of fired triggers."""
        self.answered: list[str] = []
        """Ids that a blocking call got the outcome of."""
        self._client = client
        self._url = url
        self._random = random.Random(seed)

    def run(self) -> None:
        with suppress(OSError, HTTPException):
            while True:
                self._once(self._random.choice((self._start, self._wait, self._fire, self._compose)))

    def _once(self, send: Callable[[dict[str, object]], str]) -> None:
        body: dict[str, object] = {"url": self._url, "ms": self._random.choice((0, 0, 20, 200))}
        answer = self._client.request("POST", send(body), body)
        if answer.status not in {200, 202}:
            return
        id_ = answer.headers.get("x-openwhisk-activation-id") or str(answer.json()["activationId"])
        if answer.status == 202:
            self.accepted.append(id_)
        else:
            self.answered.append(id_)

    def _start(self, _: dict[str, object]) -> str:
        return f"{_NAMESPACE}/actions/report"

    def _wait(self, _: dict[str, object]) -> str:
        return f"{_NAMESPACE}/actions/report?blocking=true&timeout={self._random.choice((100, 60_000))}"

    def _fire(self, _: dict[str, object]) -> str:
        return f"{_NAMESPACE}/triggers/bell"

    def _compose(self, _: dict[str, object]) -> str:
        return f"{_NAMESPACE}/actions/twice?blocking={self._random.choice(('true', 'false'))}"


class Crowd:
    """Several loads at once."""

    def __init__(self, client: ServerClient, url: str, chance: random.Random) -> None:
        self._loads = [Load(client, url, chance.randrange(1 << 32)) for _ in range(_THREADS)]
        self._threads = [threading.Thread(target=load.run) for load in self._loads]
        for thread in self._threads:
            thread.start()

    @property
    def accepted(self) -> Sequence[str]:
        return [id_ for load in self._loads for id_ in load.accepted]

    def join(self) -> None:
        """Wait until every thread has met the end of the server."""
        for thread in self._threads:
            thread.join()

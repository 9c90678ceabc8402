"""`kill -9` of the server in the middle of delivering to webhooks: every event arrives, once at least."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.system.events.conftest import Events
from tests.system.events.receiver import Came, Receiver

from ioruntime.testing.server import eventually, running_server

pytestmark = pytest.mark.timeout(300)
EVENTS = 60
ENVIRONMENT = {"IORUNTIME_EVENTS__PRIVATE_HOSTS": "true"}


def numbers(came: list[Came]) -> set[int]:
    return {event["data"]["n"] for each in came for event in in_a_list(each.json())}


def in_a_list(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else [body]  # pyright: ignore[reportUnknownVariableType] - the platform wrote it


@pytest.mark.parametrize("kind", ["webhook", "webhook_batch"])
def test_no_event_is_lost(tmp_path: Path, receiver: Receiver, kind: str) -> None:
    arrived: Callable[[int], bool] = lambda count: len(numbers(receiver.events)) >= count  # noqa: E731
    for first in (0, EVENTS):
        with running_server(tmp_path / "data", environment=ENVIRONMENT) as server:
            events = Events(server)
            if not first:
                events.registered("killed", webhook_url=receiver.url, delivery_type=kind)
            assert events.publish("killed", *range(first, first + EVENTS)) == 200
            eventually(lambda first=first: arrived(first // 2 + 5) or None, within_s=30)
            server.kill()
    with running_server(tmp_path / "data", environment=ENVIRONMENT):
        eventually(lambda: arrived(2 * EVENTS) or None, within_s=150)
    assert numbers(receiver.events) == set(range(2 * EVENTS))

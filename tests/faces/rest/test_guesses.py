"""Wrong credentials are counted, right ones are not kept waiting."""

from typing import Any

import pytest

from ioruntime.core.throttle import Guesses
from ioruntime.faces.http.application import Application
from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

LIST = "/api/v1/namespaces/_/actions"


async def test_after_too_many_wrong_ones_there_is_no_more_answer_than_wait(client: Any) -> None:
    known: Application = client.application
    counted = AsgiClient(Application(known.faces, known._observer, guesses=Guesses(3)))
    wrong = [await counted.request("GET", LIST, basic="11111111-1111-1111-1111-111111111111:no") for _ in range(5)]
    assert [answer.status for answer in wrong] == [401, 401, 401, 429, 429]
    assert int(wrong[-1].headers["retry-after"]) >= 1
    assert (await counted.request("GET", LIST, headers=client._authorization)).status == 200
    assert (await counted.request("GET", LIST)).status == 401

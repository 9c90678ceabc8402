"""`aio rt namespace`, `property`, `list`, and what a wrong key or host is answered."""

from pathlib import Path

import pytest

from ioruntime import __version__
from ioruntime.testing.aio import Aio
from ioruntime.testing.server import Server, ServerClient

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


def test_who_and_where(aio: Aio, server: Server, api: ServerClient) -> None:
    namespace = api.request("GET", "/api/v1/namespaces").json()[0]
    assert aio.json("namespace list --json") == [namespace]
    properties = aio("property get")
    assert f"http://localhost:{server.port}" in properties
    assert f"ioruntime {__version__}" in properties
    api.put_action("only", "main = () => ({})")
    assert "only" in aio("list")
    assert "adobe_io_runtime" in aio("namespace log-forwarding get")


def test_a_wrong_key(fetched: None, tmp_path: Path, server: Server) -> None:
    stranger = Aio.basic(tmp_path, server.url, "guest", "11111111-2222-3333-4444-555555555555:wrong")
    assert "401" in stranger.refused("action list")

"""One server for the whole session, and a namespace of its own for each test."""

from collections.abc import Iterator

import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerClient, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests share, and must leave running."""
    with running_server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def space(server: Server) -> ServerClient:
    """A client of a namespace that nobody else uses."""
    return server.namespace(f"org{new_activation_id()[:12]}")

"""Fixtures that every suite shares."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from ioruntime.testing.docker import DockerDaemon, running_docker, why_not
from ioruntime.testing.engines.nats import RunningNats, running_nats
from ioruntime.testing.engines.postgres import RunningPostgres, running_postgres

settings.register_profile("fast", max_examples=50, deadline=None)
settings.register_profile("deep", max_examples=5_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture
def anyio_backend() -> str:
    """The platform runs on asyncio; so do its tests."""
    return "asyncio"


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[DockerDaemon]:
    """A Docker engine of this session's own."""
    reason = why_not()
    if reason is not None and not os.environ.get("CI"):
        pytest.skip(reason)
    assert reason is None, reason
    with running_docker() as daemon:
        yield daemon


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    """A PostgreSQL server that tests share, and must leave running."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def nats() -> Iterator[RunningNats]:
    """A NATS server that tests share, and must leave running."""
    with running_nats() as running:
        yield running

"""Several processes on one database, and one that is killed in the middle of its writes."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from ioruntime.model.activation import ActivationId
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import ALL
from ioruntime.testing.engines.postgres import RunningPostgres, new_database
from ioruntime.testing.namespaces_contract import sample_namespace

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PRELUDE = """
import asyncio, sys
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.activations_contract import sample_activation, sample_request
from ioruntime.testing.entities_contract import sample_action
from ioruntime.testing.namespaces_contract import sample_namespace

def say(text):
    sys.stdout.write(text + "\\n")
    sys.stdout.flush()
"""

ACCEPT_FOREVER = """
async def accept_forever(stores):
    while True:
        request = sample_request()
        await stores.activations.accept([request])
        say(request.activation_id)

async def main():
    async with SqlStores.open(sys.argv[1]) as stores, asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(accept_forever(stores))
"""

RECORD_FOREVER = """
async def main():
    async with SqlStores.open(sys.argv[1]) as stores:
        while True:
            requests = [sample_request() for _ in range(50)]
            await stores.activations.accept(requests)
            await stores.activations.record([sample_activation(id_=request.activation_id) for request in requests])
            say(" ".join(request.activation_id for request in requests))
"""

CREATE_TOGETHER = """
async def main():
    say("ready")
    sys.stdin.readline()
    async with SqlStores.open(sys.argv[1]) as stores:
        created = await stores.namespaces.create(sample_namespace(sys.argv[2], org="same"))
        say(created.name)
"""

WRITE_ON_DEMAND = """
async def main():
    async with SqlStores.open(sys.argv[1]) as stores:
        say("ready")
        sys.stdin.readline()
        for number in range(20):
            await stores.entities.write(sample_action(f"theirs{number}"))
        say("done")
"""


@contextlib.asynccontextmanager
async def running(script: str, *arguments: str) -> AsyncGenerator[Process]:
    """Run a script that defines `main` in a process of its own; kill it at the end."""
    code = f"{PRELUDE}{script}\nasyncio.run(main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def line_of(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def all_lines_after_kill(process: Process) -> list[str]:
    """Kill -9, then return the whole lines that it had written until then."""
    process.kill()
    output, _ = await process.communicate()
    return [line for line in output.decode().splitlines(keepends=True) if line.endswith("\n")]


def tell(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[str]:
    """Of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    postgres: RunningPostgres = request.getfixturevalue("postgres")
    async with new_database(postgres.server) as made:
        yield made


async def test_every_accept_that_was_answered_survives_kill_9(url: str) -> None:
    async with running(ACCEPT_FOREVER, url) as process:
        answered = [await line_of(process) for _ in range(300)]
        answered += [line.strip() for line in await all_lines_after_kill(process)]
    async with SqlStores.open(url) as stores:
        kept = {request.activation_id for request in await stores.activations.accepted()}
    assert len(answered) >= 300
    assert set(answered) <= kept


async def test_kill_9_leaves_each_accepted_request_either_open_or_recorded(url: str) -> None:
    async with SqlStores.open(url) as stores:
        await stores.namespaces.create(sample_namespace())
    async with running(RECORD_FOREVER, url) as process:
        lines = [await line_of(process) for _ in range(5)]
        lines += await all_lines_after_kill(process)
    answered = [ActivationId(id_) for line in lines for id_ in line.split()]
    async with SqlStores.open(url) as stores:
        records = [await stores.activations.read("guest", id_) for id_ in answered]
        assert all(record is not None for record in records)
        assert await stores.activations.count(ALL) % 50 == 0
        assert len(await stores.activations.accepted()) in {0, 50}


async def test_processes_that_create_a_store_and_a_namespace_at_once_agree(url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(running(CREATE_TOGETHER, url, f"n{n}")) for n in range(3)]
        for process in processes:
            assert await line_of(process) == "ready"
        for process in processes:
            tell(process)
        names = [await line_of(process) for process in processes]
    async with SqlStores.open(url) as stores:
        assert [each.name for each in await stores.namespaces.list()] == list(set(names))


async def test_writes_of_another_process_show_as_changes_while_both_write(url: str) -> None:
    async with SqlStores.open(url) as stores, running(WRITE_ON_DEMAND, url) as process:
        await stores.namespaces.create(sample_namespace())
        assert await line_of(process) == "ready"
        before = await stores.namespaces.last_change()
        tell(process)
        for _ in range(20):
            await stores.namespaces.set_overrides("guest", {})
        assert await line_of(process) == "done"
        changes = await stores.namespaces.changes(before)
        theirs = [change.key for change in changes if change.key is not None]
        assert theirs == [f"theirs{number}" for number in range(20)]
        assert len(changes) == 40

"""What an invoker marks before it begins, and what it leaves behind when it ends."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.unit.invoker.serving import (
    OK,
    ServedSandbox,
    echo,
    error_of,
    world,
)

from ioruntime.invoker.service import INTERRUPTED
from ioruntime.model.activation import Status
from ioruntime.model.errors import UnavailableError

pytestmark = pytest.mark.anyio


async def test_what_was_accepted_is_marked_once_before_its_code_runs_and_what_is_waited_for_never(tmp_path: Path) -> None:
    order: list[tuple[str, int]] = []

    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        order.append((path, len(it.marks.begun)))
        return await echo(sandbox, path, body)

    async with world(tmp_path, behave) as it:
        await it.run()
        accepted = [await it.request(blocking=False) for _ in range(2)]
        for request in accepted:
            it.service.handle(request)
            await it.service.drained()
        assert order == [("init", 0), ("run", 0), ("run", 1), ("run", 2)]
        assert it.marks.begun == [request.activation_id for request in accepted]


async def test_what_cannot_be_marked_waits_and_gives_its_sandbox_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioruntime.invoker.service._MARK_AGAIN_S", 0.01)
    async with world(tmp_path, echo, sandboxes=1) as it:
        it.marks.refuses = True
        accepted = await it.request(blocking=False)
        it.service.handle(accepted)
        while not it.marks.refused:  # noqa: ASYNC110 - a counter tells nobody that it grew
            await asyncio.sleep(0)
        it.service.handle(await it.request())
        while not it.answers:  # noqa: ASYNC110 - nor does a list
            await asyncio.sleep(0)
        it.marks.refuses = False
        await it.service.drained()
        assert it.marks.begun == [accepted.activation_id]
        assert [each.success for each in it.answers] == [True, True]


async def test_interrupting_leaves_what_was_accepted_and_has_not_begun_to_the_next_start(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == "run" else OK

    async with world(tmp_path, behave, sandboxes=1) as it:
        requests = [await it.request(blocking=False) for _ in range(3)]
        for request in requests:
            it.service.handle(request)
        await it.started(1)
        await it.service.interrupt()
        assert [error_of(each) for each in it.answers] == [INTERRUPTED]
        assert it.marks.begun == [each.activation_id for each in it.answers] == [requests[0].activation_id]
        assert it.service.in_flight == 0


async def test_interrupting_ends_what_runs_what_waits_and_what_has_just_come(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == "run" else OK

    async with world(tmp_path, behave, sandboxes=2) as it:
        for _ in range(4):
            it.service.handle(await it.request())
        await it.started(2)
        it.service.handle(await it.request())
        assert it.service.in_flight == 5
        await it.service.interrupt()
        assert [(each.status, error_of(each)) for each in it.answers] == [(Status.WHISK_ERROR, INTERRUPTED)] * 5
        assert len({each.activation_id for each in it.answers}) == 5
        assert it.service.in_flight == 0
        assert len(it.driver.sandboxes) == 2


async def test_interrupting_leaves_what_has_ended_as_it_ended(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        assert (await it.run()).success
        await it.service.interrupt()
        assert len(it.answers) == 1


async def test_a_full_queue_takes_no_more(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == "run" else OK

    async with world(tmp_path, behave, sandboxes=1, queue_most=2) as it:
        for _ in range(3):
            it.service.handle(await it.request())
        await it.started(1)
        with pytest.raises(UnavailableError):
            it.service.handle(await it.request())
        assert it.service.in_flight == 3


async def test_an_idle_service_is_drained(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        await it.service.drained()
        assert it.service.in_flight == 0

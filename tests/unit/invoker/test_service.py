"""From a request to its record, with sandboxes that answer over real sockets in this process."""

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.invoker.serving import (
    NODE,
    OK,
    DyingError,
    Heard,
    ServedSandbox,
    answering,
    echo,
    error_of,
    noted,
    settle,
    world,
)

from ioruntime.invoker.service import CODE_GONE, LOGS_LOST, LOGS_MISSING, NO_SANDBOX
from ioruntime.model.activation import Status
from ioruntime.model.exec import SequenceExec
from ioruntime.model.kinds import Kinds, NoInterpreterError
from ioruntime.model.limits import ActionLimits
from ioruntime.ports.sandbox import Ending, SandboxError, Stream

pytestmark = pytest.mark.anyio


async def test_cold_then_warm(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:

        async def slow(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
            it.clock.s += 0.25 if path == "init" else 0.5
            return await echo(sandbox, path, body)

        it.driver.behave = slow
        cold = await it.run(arguments=b'{"a":1}')
        received_ms = it.clock.now_ms()
        warm = await it.run(arguments=b'{"a":2}')
        assert (noted(cold)["initTime"], cold.duration_ms) == (250, 750)
        assert "initTime" not in noted(warm)
        assert (warm.start_ms, warm.end_ms, warm.duration_ms) == (received_ms, received_ms + 500, 500)
        assert noted(warm) == {
            "path": "her/p/a",
            "waitTime": 40,
            "kind": "nodejs:24",
            "timeout": False,
            "limits": ActionLimits(timeout_ms=5000),
        }
        assert [bytes(each.result) for each in (cold, warm)] == [b'{"a":1}', b'{"a":2}']
        assert (warm.namespace, warm.name, warm.package, warm.version, warm.subject) == ("me", "a", "p", "0.0.7", "subject")
        (sandbox,) = it.driver.sandboxes
        assert [path for path, _ in sandbox.requests] == ["init", "run", "run"]
    assert heard.cold == [True, False]


async def test_a_kind_without_its_own_interpreter_runs_on_another_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        assert noted(await it.run(kind="nodejs:14"))["kind"] == "nodejs:24"


@pytest.mark.parametrize(
    ("reply", "status", "result", "kept"),
    [
        pytest.param((200, b'{"a":1}'), Status.SUCCESS, b'{"a":1}', True, id="an object"),
        pytest.param((200, b"[1, 2]"), Status.SUCCESS, b"[1, 2]", True, id="an array"),
        pytest.param((200, b'{"error":"no"}'), Status.APPLICATION_ERROR, b'{"error":"no"}', True, id="an error keeps it warm"),
        pytest.param((502, b'{"error":"boom","x":1}'), Status.DEVELOPER_ERROR, b'{"error":"boom"}', False, id="an exception"),
        pytest.param((200, b"7"), Status.DEVELOPER_ERROR, None, False, id="no object"),
        pytest.param((200, b'{"a":"%b"}' % (b"x" * 2000)), Status.APPLICATION_ERROR, None, True, id="too much"),
    ],
)
async def test_how_a_run_ends(tmp_path: Path, reply: tuple[int, bytes], status: Status, result: bytes | None, kept: bool) -> None:
    async with world(tmp_path, answering(run=reply)) as it:
        activation = await it.run()
        await settle()
        assert activation.status is status
        assert result is None or bytes(activation.result) == result
        assert bool(it.driver.alive) is kept
        assert any(LOGS_MISSING in line for line in activation.logs) is (status is Status.DEVELOPER_ERROR)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((502, b'{"error":"no such module"}'), "no such module"),
        ((403, b"nothing to run"), "The action failed during initialization: nothing to run"),
    ],
)
async def test_an_initialisation_that_fails(tmp_path: Path, reply: tuple[int, bytes], error: str) -> None:
    async with world(tmp_path, answering(init=reply)) as it:
        activation = await it.run()
        await settle()
        assert (activation.status, error_of(activation)) == (Status.DEVELOPER_ERROR, error)
        assert noted(activation)["initTime"] == 0
        assert it.driver.sandboxes[0].count("run") == 0
        assert not it.driver.alive


@pytest.mark.parametrize(
    ("slow", "error"),
    [
        ("init", "The action exceeded its time limits of 30 milliseconds during initialization."),
        ("run", "The action exceeded its time limits of 30 milliseconds."),
    ],
)
async def test_what_takes_too_long(tmp_path: Path, slow: str, error: str) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        return 200, await sandbox.hang() if path == slow else OK

    async with world(tmp_path, behave) as it:
        activation = await it.run(timeout_ms=30)
        await settle()
        assert (activation.status, error_of(activation)) == (Status.DEVELOPER_ERROR, error)
        assert noted(activation)["timeout"] is True
        assert not it.driver.alive


@pytest.mark.parametrize(
    ("when", "ending", "error"),
    [
        ("init", Ending.EXITED, "The action did not initialize and exited unexpectedly."),
        ("run", Ending.EXITED, "The action did not produce a valid response and exited unexpectedly."),
        ("run", Ending.OUT_OF_MEMORY, "The action exhausted its memory and was aborted."),
    ],
)
async def test_a_process_that_dies(tmp_path: Path, when: str, ending: Ending, error: str) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if path != when:
            return 200, OK
        sandbox.ending = ending
        sandbox.die()
        raise DyingError

    async with world(tmp_path, behave) as it:
        activation = await it.run()
        assert (activation.status, error_of(activation)) == (Status.DEVELOPER_ERROR, error)
        assert len(it.driver.sandboxes) == 1


async def test_activations_that_share_a_sandbox_initialise_it_once(tmp_path: Path) -> None:
    together = asyncio.Barrier(5)

    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if path == "run":
            await together.wait()
        return await echo(sandbox, path, body)

    heard = Heard()
    async with world(tmp_path, behave, heard=heard) as it:
        for number in range(5):
            it.service.handle(await it.request(concurrency=5, arguments=b'{"n":%d}' % number))
        await it.service.drained()
        (sandbox,) = it.driver.sandboxes
        assert (sandbox.count("init"), sandbox.count("run")) == (1, 5)
        assert {bytes(each.result) for each in it.answers} == {b'{"n":%d}' % number for number in range(5)}
    assert sorted(heard.cold) == [False] * 4 + [True]


async def test_all_who_wait_for_a_failing_initialisation_get_its_error(tmp_path: Path) -> None:
    async with world(tmp_path, answering(init=(502, b'{"error":"broken"}'))) as it:
        for _ in range(8):
            it.service.handle(await it.request(concurrency=8))
        await it.service.drained()
        assert [(each.status, error_of(each)) for each in it.answers] == [(Status.DEVELOPER_ERROR, "broken")] * 8
        assert [sandbox.count("init") for sandbox in it.driver.sandboxes] == [1]


async def test_all_who_share_code_that_cannot_be_unpacked_are_told(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        for _ in range(4):
            it.service.handle(await it.request(b"PK no zip", binary=True, concurrency=4))
        await it.service.drained()
        assert {each.status for each in it.answers} == {Status.DEVELOPER_ERROR}
        assert all(sandbox.requests == [] for sandbox in it.driver.sandboxes)


async def test_a_sandbox_that_vanished_while_idle_is_replaced(tmp_path: Path) -> None:
    async with world(tmp_path, echo) as it:
        await it.run()
        await it.driver.sandboxes[0].vanish()
        await settle()
        activation = await it.run(arguments=b'{"again":true}')
        assert bytes(activation.result) == b'{"again":true}'
        assert [sandbox.count("run") for sandbox in it.driver.sandboxes] == [1, 1]
        assert it.driver.alive == {"fake-1"}


async def test_one_that_cannot_be_reached_is_replaced_and_the_third_is_the_last(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:
        it.driver.deaf = {0, 1}
        assert (await it.run()).success
        await it.driver.sandboxes[2].vanish()
        await settle()
        it.driver.deaf = {3, 4, 5}
        activation = await it.run()
        assert (activation.status, error_of(activation)) == (Status.WHISK_ERROR, NO_SANDBOX)
        assert len(it.driver.sandboxes) == 5
    assert [type(error) for error in heard.trouble] == [SandboxError]


async def test_no_sandbox_and_no_memory(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:
        it.driver.broken = True
        activations = [await it.run(), await it.run(memory_mb=4096)]
        assert [(each.status, error_of(each)) for each in activations] == [(Status.WHISK_ERROR, NO_SANDBOX)] * 2
        assert it.service.in_flight == 0
    assert [type(error) for error in heard.trouble] == [SandboxError] * 2


async def test_no_interpreter(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard, kinds=Kinds.of({"nodejs": NODE})) as it:
        activation = await it.run()
        assert (activation.status, error_of(activation)) == (Status.WHISK_ERROR, NO_SANDBOX)
        assert noted(activation)["kind"] == "nodejs:24"
    assert [type(error) for error in heard.trouble] == [NoInterpreterError]


@pytest.mark.parametrize(
    ("code", "binary", "status", "error"),
    [
        pytest.param(
            b"PK no zip",
            True,
            Status.DEVELOPER_ERROR,
            "There was an error uncompressing the action archive. The file type is unsupported",
            id="no archive",
        ),
        pytest.param(b"\xff\xfe", False, Status.DEVELOPER_ERROR, "The action's code is not UTF-8 text.", id="no text"),
        pytest.param(None, False, Status.WHISK_ERROR, CODE_GONE, id="no code in the store"),
    ],
)
async def test_code_that_cannot_be_had(tmp_path: Path, code: bytes | None, binary: bool, status: Status, error: str) -> None:
    async with world(tmp_path, echo) as it:
        request = await it.request(code or b"x", binary=binary)
        if code is None:
            await it.blobs.sweep(set(), older_than_s=-1)
        it.service.handle(request)
        await it.service.drained()
        assert (it.answers[0].status, error_of(it.answers[0])) == (status, error)


async def test_an_archive_is_shown_and_named_and_not_sent(tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("index.js", "x")
    async with world(tmp_path, echo) as it:
        assert (await it.run(code=sink.getvalue(), binary=True)).success
        (sandbox,) = it.driver.sandboxes
        assert sandbox.calls == ["show_code"]
        assert {k: sandbox.requests[0][1]["value"][k] for k in ("directory", "code", "binary")} == {
            "directory": "/code",
            "code": "",
            "binary": True,
        }


async def test_what_is_not_code_is_our_bug(tmp_path: Path) -> None:
    heard = Heard()
    async with world(tmp_path, echo, heard=heard) as it:
        request = await it.request()
        sequence = msgspec.structs.replace(request.action, exec=SequenceExec(("/me/a",)))
        it.service.handle(msgspec.structs.replace(request, action=sequence))
        await it.service.drained()
        assert (it.answers[0].status, error_of(it.answers[0])) == (Status.WHISK_ERROR, "There was an internal server error.")
    assert len(heard.bugs) == 1


async def test_output_is_in_the_record_of_its_activation(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        sandbox.output(Stream.STDOUT, f"{path} {body['value'].get('n', '')}\n".encode())
        return await echo(sandbox, path, body)

    async with world(tmp_path, behave) as it:
        lines = [[line[31:] for line in (await it.run(arguments=b'{"n":%d}' % n)).logs] for n in range(2)]
        assert lines == [["stdout: init ", "stdout: run 0"], ["stdout: run 1"]]


async def test_a_result_survives_logs_that_do_not(tmp_path: Path) -> None:
    async def behave(sandbox: ServedSandbox, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        sandbox.drain_fails = path == "run"
        return await echo(sandbox, path, body)

    async with world(tmp_path, behave) as it:
        activation = await it.run()
        await settle()
        assert activation.success
        assert [line.endswith(LOGS_LOST) for line in activation.logs] == [True]
        assert not it.driver.alive

"""What doctor says of machines that lack something."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ioruntime.app.settings import InvokerSettings, Settings
from ioruntime.cli.checks import (
    check_data_directory,
    check_disk,
    check_isolation,
    check_kinds,
    check_memory,
    check_port,
    check_python,
)
from ioruntime.ports.sandbox import Interpreter

NODE = Interpreter("nodejs:24", ("/usr/bin/node",), version="24.1.0")
BROKEN = Interpreter("nodejs:24", ("/nowhere/node",), version="24.1.0")
PROCESS = Settings(invoker=InvokerSettings(driver="process"))


class Pong(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"pong")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the library's
        """Say nothing."""


@pytest.fixture
def platform_port() -> Iterator[int]:
    """The port of something that answers as the platform does."""
    with HTTPServer(("127.0.0.1", 0), Pong) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_this_python_is_new_enough() -> None:
    assert check_python().feature.ok


def test_one_family_of_kinds_is_enough() -> None:
    node, python = check_kinds({"nodejs:24": NODE})
    assert (node.feature.ok, node.feature.detail) == (True, "nodejs:24 (24.1.0)")
    assert (python.feature.ok, python.essential) == (False, False)
    assert python.feature.cure.startswith("Run: ioruntime runtimes install python:3.")


def test_no_interpreter_at_all_is_essential() -> None:
    assert all(check.essential and not check.feature.ok for check in check_kinds({}))


def test_too_little_memory_is_essential() -> None:
    check = check_memory(100)
    assert (check.feature.ok, check.essential) == (False, True)
    assert "IORUNTIME_INVOKER__MEMORY_MB" in check.feature.cure


def test_a_data_directory_may_not_exist_yet(tmp_path: Path) -> None:
    assert check_data_directory(tmp_path / "a" / "b").feature.ok
    assert check_disk(tmp_path / "a" / "b").feature.detail.endswith("MB are free for the data directory.")


def test_a_data_directory_below_a_file_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = check_data_directory(tmp_path / "file" / "data")
    assert (check.feature.ok, check.essential) == (False, True)


def test_a_platform_that_listens_already_is_fine(platform_port: int) -> None:
    check = check_port("127.0.0.1", platform_port)
    assert (check.feature.ok, check.feature.detail) == (True, f"A platform listens on 127.0.0.1:{platform_port} already.")


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    check = check_port("192.0.2.1", 3233)
    assert (check.feature.ok, check.essential) == (False, True)


@pytest.mark.anyio
async def test_without_interpreter_no_sandbox_is_tried() -> None:
    checks = {check.feature.name: check for check in await check_isolation(PROCESS, {})}
    assert checks["sandbox"].feature.detail == "No sandbox was tried: there is no interpreter."


@pytest.mark.anyio
async def test_a_sandbox_that_does_not_start_is_essential() -> None:
    checks = {check.feature.name: check for check in await check_isolation(PROCESS, {"nodejs:24": BROKEN})}
    assert (checks["sandbox"].feature.ok, checks["sandbox"].essential) == (False, True)
    assert "/nowhere/node" in checks["sandbox"].feature.detail


@pytest.mark.anyio
async def test_a_machine_without_bubblewrap_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (check,) = await check_isolation(Settings(), {"nodejs:24": NODE})
    assert (check.feature.ok, check.essential) == (False, True)
    assert "bubblewrap" in check.feature.cure

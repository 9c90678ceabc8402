"""A whole cluster as processes on this machine, whose members a test may kill, stop and drain."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ioruntime.testing.engines.postgres import kill_tree
from ioruntime.testing.server import GUEST_AUTH, ServerClient, eventually, run_cli

START_TIMEOUT_S = 120.0
READY = "cluster ready on "


class _Process(msgspec.Struct, frozen=True):
    name: str
    pid: int | None
    starts: int


class _State(msgspec.Struct, frozen=True):
    url: str
    processes: tuple[_Process, ...]


class RunningCluster:
    """A running `ioruntime cluster up`."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path, url: str) -> None:
        self.process = process
        self.data_dir = data_dir
        self.url = url

    @property
    def guest(self) -> ServerClient:
        return ServerClient.basic(self.url, GUEST_AUTH)

    def pid(self, name: str) -> int:
        """Return the process id of a member, as soon as it runs."""
        return eventually(lambda: self._find(name).pid, within_s=START_TIMEOUT_S)

    def starts(self, name: str) -> int:
        """How often a member was started."""
        return self._find(name).starts

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a member; `kill -9` of PostgreSQL meets all of its helpers."""
        pid = self.pid(name)
        if name == "postgres" and number is signal.SIGKILL:
            kill_tree(pid)
        else:
            os.kill(pid, number)

    def restarted(self, name: str, *, starts: int) -> None:
        """Wait until a member was started more often than so."""
        eventually(lambda: self.starts(name) > starts or None, within_s=START_TIMEOUT_S)

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return run_cli(*arguments, "--data-dir", str(self.data_dir))

    def logs(self) -> str:
        """Return the ends of all logs, for a failed test."""
        texts = [f"== {file.name}\n{file.read_text()[-2_000:]}" for file in sorted((self.data_dir / "logs").glob("*.log"))]
        return "\n".join(texts)

    def _find(self, name: str) -> _Process:
        state = msgspec.json.decode((self.data_dir / "cluster.json").read_bytes(), type=_State)
        return next(process for process in state.processes if process.name == name)


@contextmanager
def running_cluster(
    *, controllers: int = 2, invokers: int = 2, environment: Mapping[str, str] | None = None
) -> Generator[RunningCluster]:
    """Run a cluster with servers of its own while the context lasts; it must then end cleanly, with exit code 0."""
    # Not in pytest's own directory: PostgreSQL's user must get there, and a socket's name must be short.
    with tempfile.TemporaryDirectory(prefix="ioruntime-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o755)
        count = ["--controllers", str(controllers), "--invokers", str(invokers)]
        ours = {key: value for key, value in os.environ.items() if not key.startswith("IORUNTIME_")}
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "ioruntime", "cluster", "up", "--port", "0", "--data-dir", str(root / "data"), *count],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ours | {"IORUNTIME_GUEST_AUTH": GUEST_AUTH} | dict(environment or {}),
        )
        try:
            yield RunningCluster(process, root / "data", _await_ready(process, root / "data"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(START_TIMEOUT_S) == 0
        finally:
            if process.poll() is None:
                process.kill()  # the kernel tells its children
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _await_ready(process: "subprocess.Popen[str]", data_dir: Path) -> str:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(READY):
            return line.removeprefix(READY).strip()
    logs = [file.read_text()[-2_000:] for file in (data_dir / "logs").glob("*.log")]
    raise AssertionError("\n".join([*said, *logs]))

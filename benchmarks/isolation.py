"""What isolation adds to starting an interpreter: our driver, with and without a network, beside runc."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.plan import Plan
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, bounded, compare
from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.process import ProcessDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.ports.sandbox import Network, SandboxSpec
from ioruntime.testing.sandbox_contract import Heard, ask, python

_OVER_MS = 15
_MEMORY_MB = 128


def measure(plan: Plan) -> Sequence[Row]:
    """Time until a Python inside has answered its first question."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ioruntime-isolation-")))
        with asyncio.Runner() as runner:
            bare = ProcessDriver(DriverSettings(state_dir=folder / "bare"))
            ours = BubblewrapDriver(DriverSettings(state_dir=folder / "ours", network="internet"))
            measures: dict[str, Measure] = {
                "no isolation": lambda: runner.run(_start_ms(bare, "none")),
                "no network": lambda: runner.run(_start_ms(ours, "none")),
                "own network": lambda: runner.run(_start_ms(ours, (ours.report()[1].ok and "internet") or "none")),
            }
            if (runc := shutil.which("runc")) is not None:
                bundle = _bundle(folder / "runc")
                measures["runc"] = lambda: _container_ms(runc, bundle)
            taken = alternate(measures, rounds=plan.samples)
            runner.run(bare.close())
            runner.run(ours.close())
    return _rows(taken)


def _rows(taken: dict[str, list[float]]) -> list[Row]:
    bare = taken["no isolation"]
    base = median(bare)
    over = {name: [value - bare[number] for number, value in enumerate(times)] for name, times in taken.items()}
    rows = [
        bounded(f"sandbox with {name}, over a process without isolation ({base:.0f} ms)", over[name], _OVER_MS, unit="ms")
        for name in ("no network", "own network")
    ]
    if "runc" in over:
        what = "sandbox with its own network, over bare, against runc with an empty one"
        rows.append(
            compare(what, {"ours": over["own network"], "runc": over["runc"]}, ("ours", "runc"), unit="ms", better="lower")
        )
    return rows


async def _start_ms(driver: BubblewrapDriver | ProcessDriver, network: Network) -> float:
    started_s = time.perf_counter()
    sandbox = await driver.start(SandboxSpec(python(), _MEMORY_MB, network), Heard())
    assert await ask(sandbox, "answer('up')") == "up"
    taken_ms = (time.perf_counter() - started_s) * 1000
    await sandbox.destroy()
    return taken_ms


def _container_ms(program: str, bundle: Path) -> float:
    name = f"ioruntime-{time.monotonic_ns()}"
    started_s = time.perf_counter()
    done = subprocess.run([program, "run", "--bundle", bundle, name], check=True, capture_output=True, text=True)
    taken_ms = (time.perf_counter() - started_s) * 1000
    assert done.stdout == "up\n"
    return taken_ms


def _bundle(folder: Path) -> Path:
    """An OCI bundle as like ours as they come: namespaces, no capabilities, the system's libraries read-only."""
    (folder / "rootfs").mkdir(parents=True)
    interpreter = python()
    bound = ["/usr", "/bin", "/lib", "/lib64", *(str(source) for source, _inside in interpreter.mounts)]
    mounts = [_read_only(path) for path in bound if Path(path).exists()]
    mounts += [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
    ]
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 1000, "gid": 1000},
            "args": [interpreter.command[0], "-I", "-S", "-c", "print('up')"],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": False},
        "mounts": mounts,
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")]},
    }
    (folder / "config.json").write_bytes(msgspec.json.encode(config))
    return folder


def _read_only(path: str) -> dict[str, object]:
    return {"destination": path, "source": path, "type": "bind", "options": ["rbind", "ro"]}

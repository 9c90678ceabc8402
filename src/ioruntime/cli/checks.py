"""What `ioruntime doctor` looks at on this machine; each check finds one thing out, and says how to get what is missing."""

import os
import shutil
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from ioruntime.app.machine import build_driver, find_interpreters
from ioruntime.app.settings import Settings, SettingsError
from ioruntime.invoker.drivers.reported import ReportedDriver
from ioruntime.invoker.interpreters import load_families
from ioruntime.ports.sandbox import Feature, Interpreter, SandboxError, SandboxSpec

OLDEST_PYTHON = (3, 11)
MEMORY_LEAST_MB = 256
DISK_LEAST_MB = 1024
TRIAL_MEMORY_MB = 256
PING_TIMEOUT_S = 1.0


class Check(msgspec.Struct, frozen=True):
    """One thing found out."""

    feature: Feature
    essential: bool = False
    """The platform cannot run actions without it."""


async def check_machine(settings: Settings) -> list[Check]:
    """Find out what this machine can do with these settings."""
    interpreters = find_interpreters(settings)
    return [
        check_python(),
        *check_kinds(interpreters),
        *await check_isolation(settings, interpreters),
        check_memory(settings.invoker.total_memory_mb()),
        check_data_directory(settings.data_dir),
        check_disk(settings.data_dir),
        check_port(settings.host, settings.port, scheme=settings.scheme),
    ]


def check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= OLDEST_PYTHON
    cure = "" if ok else "Install Python 3.11 or newer, and make the environment anew."
    return Check(Feature("python", ok, f"Python {version} runs the platform.", cure), essential=True)


def check_kinds(interpreters: Mapping[str, Interpreter]) -> list[Check]:
    """Tell which families of kinds run here; one at least must."""
    checks: list[Check] = []
    for name, family in load_families().items():
        found = [i for kind, i in sorted(interpreters.items()) if family.version(kind) is not None]
        detail = ", ".join(f"{i.kind} ({i.version})" for i in found) or f"No interpreter runs {name} actions."
        cure = "" if found else f"Run: ioruntime runtimes install {family.name(family.default)}"
        checks.append(Check(Feature(f"{name} actions", bool(found), detail, cure), essential=not interpreters))
    return checks


async def check_isolation(settings: Settings, interpreters: Mapping[str, Interpreter]) -> list[Check]:
    """Ask the driver what it can promise here, and start a sandbox to see that it does."""
    with tempfile.TemporaryDirectory(prefix="ioruntime-doctor-") as folder:
        try:
            driver = build_driver(settings, Path(folder, "sandboxes"))
        except (SandboxError, SettingsError) as error:
            cure = _START_CURES[settings.invoker.driver]
            return [Check(Feature("sandbox", False, str(error), cure), essential=True)]
        try:
            return [*map(Check, driver.report()), await _check_start(driver, interpreters)]
        finally:
            await driver.close()


async def _check_start(driver: ReportedDriver, interpreters: Mapping[str, Interpreter]) -> Check:
    interpreter = next((i for i in interpreters.values() if i.command or i.image), None)
    if interpreter is None:
        return Check(
            Feature("sandbox", False, "No sandbox was tried: there is no interpreter.", "Install one of the kinds."), True
        )
    begun_s = time.monotonic()
    try:
        sandbox = await driver.start(SandboxSpec(interpreter, TRIAL_MEMORY_MB), lambda _stream, _data: None)
    except SandboxError as error:
        cure = _TRIAL_CURES.get(driver.name, _TRIAL_CURE)
        return Check(Feature("sandbox", False, str(error), cure), essential=True)
    took_ms = (time.monotonic() - begun_s) * 1000
    await sandbox.destroy()
    return Check(Feature("sandbox", True, f"A {driver.name} sandbox of {interpreter.kind} started in {took_ms:.0f} ms."), True)


def check_memory(memory_mb: int) -> Check:
    ok = memory_mb >= MEMORY_LEAST_MB
    cure = "" if ok else f"Set IORUNTIME_INVOKER__MEMORY_MB to {MEMORY_LEAST_MB} or more."
    return Check(Feature("memory", ok, f"Sandboxes may use {memory_mb} MB together.", cure), essential=True)


def check_data_directory(folder: Path) -> Check:
    place = _existing(folder)
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    detail = f"{folder.resolve()} can be written." if ok else f"{folder.resolve()} cannot be written."
    return Check(Feature("data directory", ok, detail, "" if ok else "Choose another one with --data-dir."), essential=True)


def check_disk(folder: Path) -> Check:
    free_mb = shutil.disk_usage(_existing(folder)).free >> 20
    ok = free_mb >= DISK_LEAST_MB
    cure = "" if ok else f"Make room, or choose another data directory; {DISK_LEAST_MB} MB are enough to begin with."
    return Check(Feature("disk", ok, f"{free_mb} MB are free for the data directory.", cure))


def check_port(host: str, port: int, *, scheme: Literal["http", "https"] = "http") -> Check:
    """Tell whether the server could listen; a platform that listens already is fine."""
    name = f"port {port}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = error.strerror
        else:
            return Check(Feature(name, True, f"{host}:{port} is free."), essential=True)
    if _answers_ping(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"):
        return Check(Feature(name, True, f"A platform listens on {host}:{port} already."), essential=True)
    detail = f"{host}:{port} cannot be listened on: {reason}."
    return Check(Feature(name, False, detail, "Choose another one with IORUNTIME_PORT or --port."), essential=True)


def _answers_ping(url: str) -> bool:
    # Whose certificate it is does not matter here: nothing is sent, and only whether it is a platform is asked.
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    try:
        with urlopen(f"{url}/ping", timeout=PING_TIMEOUT_S, context=careless) as answer:  # noqa: S310 - http or https
            return answer.read(16).strip() == b"pong"
    except (URLError, OSError, ValueError):
        return False


def _existing(folder: Path) -> Path:
    resolved = folder.resolve()
    return next(place for place in (resolved, *resolved.parents) if place.exists())


_START_CURES = {
    "bubblewrap": "Install the package bubblewrap, such as: apt-get install bubblewrap",
    "docker": "Install the extra: pip install 'ioruntime[docker]'",
    "process": "Choose another data directory, or stop the server that uses it.",
}
_TRIAL_CURE = "Get the protections that are missing; IORUNTIME_INVOKER__DRIVER=process runs trusted actions without isolation."
_TRIAL_CURES = {
    "docker": "Start Docker's engine, let this user speak to its socket (docker.socket), and see that the images can be had."
}

"""What Docker is asked for when a sandbox starts. Pure.

The first program is a shell: it turns standard output and error to named pipes that the driver reads, so that what was
written before an answer can be told from what comes after, and a flood of output is held up where it is made. The
engine itself keeps no output.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ioruntime.invoker.drivers.docker.settings import NO_NETWORK, DockerSettings
from ioruntime.ports.sandbox import CODE_PATH, Interpreter, SandboxSpec

LABEL = "ioruntime.driver"
"""Whose container it is: the name of a driver's state directory."""
PORT = 8080
"""Where the action proxy protocol is spoken inside."""
PIPES_PATH = "/ioruntime"
READY = "ready"
"""The named pipe that tells what became of the first program: `ok`, or why it cannot run."""
_OK = "ok"

_SHELL = "/bin/sh"
_SCRIPT = f"""
exec 9>{PIPES_PATH}/{READY}
if ! command -v "$1" >/dev/null 2>&1; then
    echo "there is no program $1 in it" >&9
    exit 127
fi
echo {_OK} >&9
exec "$@" >{PIPES_PATH}/stdout 2>{PIPES_PATH}/stderr 9>&-
"""
_SHM_BYTES = 64 << 20


class Folders(msgspec.Struct, frozen=True):
    """Host directories that a container sees, read-only."""

    code: str
    pipes: str


def command_of(interpreter: Interpreter, image: Mapping[str, Any], *, memory_mb: int) -> list[str]:
    """The program of a container: the interpreter's own, else the image's.

    Args:
        interpreter: whose command counts if it has one.
        image: the engine's description of the image.
        memory_mb: what `{memory_mb}` in a command stands for.
    """
    if interpreter.command:
        return [word.replace("{memory_mb}", str(memory_mb)) for word in interpreter.command]
    config: Mapping[str, Any] = image.get("Config") or {}
    return [*_words(config.get("Entrypoint")), *_words(config.get("Cmd"))]


def document(
    spec: SandboxSpec, settings: DockerSettings, *, command: Sequence[str], folders: Folders, owner: str
) -> dict[str, Any]:
    """The body of the engine's operation that creates a container.

    Args:
        spec: memory, image and environment.
        settings: limits and network.
        command: program and arguments.
        folders: what it sees of the host.
        owner: the value of `LABEL`.
    """
    return {
        "Image": spec.interpreter.image,
        "Entrypoint": [_SHELL, "-c", _SCRIPT, "sh"],
        "Cmd": list(command),
        "Env": [f"{name}={value}" for name, value in spec.interpreter.environment],
        "Labels": {LABEL: owner},
        "AttachStdout": False,
        "AttachStderr": False,
        "Hostname": "sandbox",
        "HostConfig": {**_limits(spec, settings), **_isolation(spec, settings), **_mounts(spec, settings, folders)},
    }


def trouble(told: str) -> str | None:
    """Read what came through `READY`; None when the program could be started."""
    return None if told.strip() == _OK else told.strip() or "its shell ended early"


def _limits(spec: SandboxSpec, settings: DockerSettings) -> dict[str, Any]:
    memory = spec.memory_mb << 20
    return {
        "Memory": memory,
        "MemorySwap": memory,  # memory and swap together: no swap
        "CpuShares": max(2, spec.memory_mb),
        "PidsLimit": settings.processes,
        "Ulimits": [
            {"Name": "nofile", "Soft": settings.open_files, "Hard": settings.open_files},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "ShmSize": _SHM_BYTES,
        "LogConfig": {"Type": "none"},
    }


def network_of(spec: SandboxSpec, settings: DockerSettings) -> str:
    """The engine's network that a container is put into: a namespace may have less than the installation, not more."""
    return NO_NETWORK if spec.network == "none" else settings.network


def _isolation(spec: SandboxSpec, settings: DockerSettings) -> dict[str, Any]:
    return {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Privileged": False,
        "NetworkMode": network_of(spec, settings),
        "IpcMode": "private",
        "ReadonlyRootfs": settings.read_only,
        "RestartPolicy": {"Name": "no"},
    }


def _mounts(spec: SandboxSpec, settings: DockerSettings, folders: Folders) -> dict[str, Any]:
    shown = [
        (folders.code, CODE_PATH),
        (folders.pipes, PIPES_PATH),
        *((str(source), inside) for source, inside in spec.interpreter.mounts),
    ]
    return {
        "Mounts": [
            {"Type": "bind", "Source": source, "Target": inside, "ReadOnly": True, "BindOptions": {"Propagation": "rprivate"}}
            for source, inside in shown
        ],
        "Tmpfs": {"/tmp": f"rw,nosuid,nodev,mode=1777,size={settings.tmp_mb}m"},  # noqa: S108 - a path inside
    }


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

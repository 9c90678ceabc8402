"""What an operator may set for sandboxes that are Docker containers."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

PullPolicy: TypeAlias = Literal["never", "missing", "always"]

NO_NETWORK = "none"
"""Docker's own network of this name: nothing but a loopback device."""


class DockerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The same for every sandbox of a driver; memory and image come with each `SandboxSpec`."""

    state_dir: Path
    """Belongs to one running driver; the engine must see it at the same path, so it runs on the same machine."""
    socket: Path = Path("/var/run/docker.sock")
    """Where the engine listens."""
    network: str = NO_NETWORK
    """A network of the engine."""
    pull: PullPolicy = "missing"
    """When images are asked of their registry: `always` is before each start."""
    read_only: bool = False
    """True: nothing of the image can be changed, only `/tmp`. Images that unpack code beside themselves cannot work so."""
    tmp_mb: int = 256
    """Size of `/tmp` inside; what lies there counts as memory of the sandbox."""
    processes: int = 1024
    """Processes and threads in one sandbox."""
    open_files: int = 1024
    """Open files of one process."""

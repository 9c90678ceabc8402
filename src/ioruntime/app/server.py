"""Run the platform behind uvicorn: bind, warm up, say that it is ready, serve, and end cleanly."""

import asyncio
import contextlib
import gc
import ipaddress
import math
import signal
import socket
import sys
from collections.abc import Generator, Iterator
from functools import partial
from typing import cast

import uvicorn
import uvloop

from ioruntime.app.connections.express import KnownHeads
from ioruntime.app.connections.patience import Sources, sweep
from ioruntime.app.connections.protocol import BoundedProtocol
from ioruntime.app.guest import credentials_path
from ioruntime.app.keeping.health import check_store
from ioruntime.app.keeping.occupancy import occupying
from ioruntime.app.settings import Settings
from ioruntime.app.telemetry import configure_logs
from ioruntime.app.tls import TlsOptions, tls_options
from ioruntime.app.wiring import Platform, open_platform
from ioruntime.model.errors import IoRuntimeError

_BACKLOG = 2048
_SWITCH_S = 0.0005
"""After so long the loop hands the interpreter to the thread that writes to the store, if that one waits for it."""


class StartError(IoRuntimeError):
    """The server cannot start as it is set."""


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    configure_logs(settings.log.level, settings.log.format)
    code = 1
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with occupying(settings.data_dir):
            check_store(settings)
            uvloop.run(_serve(settings))
        code = 0
    except* (IoRuntimeError, OSError) as group:
        for error in _leaves(group):
            print(f"ioruntime cannot start: {error}", file=sys.stderr)
    return code


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def _serve(settings: Settings) -> None:
    tls = tls_options(settings.tls_cert, settings.tls_key)
    with _bind(settings.host, settings.port, reuse_port=settings.reuse_port) as listener:
        port = listener.getsockname()[1]
        url = settings.public_url or f"{settings.scheme}://{_url_host(settings.host)}:{port}"
        async with open_platform(settings, url) as platform:
            _refuse_published_guest(settings)
            _tell(platform, settings)
            await platform.warm()
            sys.setswitchinterval(_SWITCH_S)
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 20, 50)  # a request makes no cycles; measured: 4 % of its time
            server = _Server(_uvicorn_config(platform, settings, tls), url)
            await _serve_http(platform, server, listener, settings)


def _uvicorn_config(platform: Platform, settings: Settings, tls: TlsOptions) -> uvicorn.Config:
    protocol = partial(
        BoundedProtocol,
        known=KnownHeads(),
        sources=Sources(settings.http.connections_per_source),
        patience_s=settings.http.patience_s,
    )
    return uvicorn.Config(
        platform.served,
        http=cast("type[asyncio.Protocol]", protocol),
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody reads them, and they cost 4 % of a request
        # Only a client that does not send or read on waits so long: by then every activation has its answer.
        timeout_graceful_shutdown=math.ceil(settings.grace_s) + 1,
        backlog=_BACKLOG,
        **tls,
    )


async def _serve_http(platform: Platform, server: "_Server", listener: socket.socket, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    async with asyncio.TaskGroup() as tasks:
        ending = tasks.create_task(_interrupt_late(platform, server, settings.grace_s), name="interrupt what takes too long")
        stopped = asyncio.Event()
        tasks.create_task(
            sweep(lambda: server.server_state.connections, settings.http.patience_s, stopped), name="hurry slow clients"
        )
        await server.serve(sockets=[listener])
        await platform.drained()
        ending.cancel()
        stopped.set()


async def _interrupt_late(platform: Platform, server: "_Server", grace_s: float) -> None:
    await server.stopped()
    platform.release()
    await server.patience_ended(grace_s)
    await platform.interrupt()


class _Server(uvicorn.Server):
    """uvicorn, with signals left to us, that says when it is ready."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url
        self._stopping, self._hurried = asyncio.Event(), asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            print(f"ioruntime ready on {self._url}", flush=True)

    def stop(self) -> None:
        """Take no more connections, let requests in progress end; the second time, there is a hurry."""
        (self._hurried if self._stopping.is_set() else self._stopping).set()
        self.should_exit = True

    async def stopped(self) -> None:
        """Wait until somebody stopped the server."""
        await self._stopping.wait()

    async def patience_ended(self, grace_s: float) -> None:
        """Wait until somebody stopped the server and the grace time is over, or there is a hurry."""
        await self.stopped()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._hurried.wait()


def _bind(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartError(f"{host}:{port} cannot be listened on: {error.strerror}.") from error
    listener.listen(_BACKLOG)
    return listener


def _refuse_published_guest(settings: Settings) -> None:
    if settings.allow_guest or _is_loopback(settings.host) or not credentials_path(settings).exists():
        return
    raise StartError(
        f"refusing to listen on {settings.host} while the namespace guest exists with credentials in "
        f"{credentials_path(settings)}; delete it with `ioruntime namespace delete guest guest`, or say --allow-guest"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _tell(platform: Platform, settings: Settings) -> None:
    for line in platform.machine.sentences():
        print(line)
    for line in platform.machine.degraded:
        print(f"degraded: {line}")
    if credentials_path(settings).exists():
        print(f"credentials: {credentials_path(settings)}", flush=True)

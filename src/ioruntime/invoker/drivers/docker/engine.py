"""Docker's engine as the driver needs it: its troubles become `SandboxError`, and an image is fetched once at a time."""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
import msgspec
from aiodocker import Docker, DockerError

from ioruntime.invoker.drivers.docker.container import LABEL
from ioruntime.invoker.drivers.docker.settings import PullPolicy
from ioruntime.ports.sandbox import ImageError, SandboxError

_CONNECT_S = 10.0


class Ended(msgspec.Struct, frozen=True):
    """How the first program of a container ended."""

    code: int
    out_of_memory: bool
    """As the engine noticed it."""


class Location(msgspec.Struct, frozen=True):
    """Where a container is."""

    pid: int
    """Of its first program, on this machine."""
    address: str | None
    """In the network that it was started in."""


class _State(msgspec.Struct, frozen=True):
    pid: int = msgspec.field(default=0, name="Pid")
    out_of_memory: bool = msgspec.field(default=False, name="OOMKilled")


class _Network(msgspec.Struct, frozen=True):
    address: str = msgspec.field(default="", name="IPAddress")


class _NetworkSettings(msgspec.Struct, frozen=True):
    networks: dict[str, _Network] = msgspec.field(default_factory=dict[str, _Network], name="Networks")


class _Container(msgspec.Struct, frozen=True):
    """What the engine says of a container, as far as it is read here."""

    state: _State = msgspec.field(default=_State(), name="State")
    settings: _NetworkSettings = msgspec.field(default_factory=_NetworkSettings, name="NetworkSettings")


class Engine:
    """One connection pool to the engine on this machine. Made on the event loop that uses it."""

    def __init__(self, socket: Path, *, owner: str) -> None:
        """Speak to the engine that listens on `socket`.

        Args:
            socket: a Unix socket.
            owner: whose containers these are, across restarts: the value of their label.
        """
        self._owner = owner
        # Without a limit: each running container holds a connection that waits for its end.
        self._connector = aiohttp.UnixConnector(str(socket), limit=0)
        self._docker = Docker(
            url="unix://localhost", connector=self._connector, timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_S)
        )
        # Their methods take keywords that have no types.
        self._containers: Any = self._docker.containers
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def image(self, name: str, pull: PullPolicy) -> Mapping[str, Any]:
        """Return the engine's description of an image, fetched from its registry if the policy says so.

        Raises:
            ImageError: there is none, or it cannot be fetched.
            SandboxError: the engine does not answer.
        """
        lock = self._fetching.setdefault(name, asyncio.Lock())
        async with lock:
            with _troubles("the engine does not answer"):
                found = None if pull == "always" else await self._inspected(name)
                if found is not None:
                    return found
                if pull == "never":
                    raise ImageError(name)
                try:
                    await self._docker.images.pull(name)
                except DockerError as error:
                    raise ImageError(name) from error
                found = await self._inspected(name)
                if found is None:
                    raise ImageError(name)
                return found

    async def run(self, name: str, document: Mapping[str, Any]) -> None:
        """Create and start a container.

        Raises:
            SandboxError: it did not start; it may be there all the same, for `remove`.
        """
        with _troubles(f"the container {name} could not be started"):
            container = await self._containers.create(dict(document), name=name)
            await container.start()

    async def locate(self, name: str) -> Location:
        """Tell where a running container can be reached."""
        with _troubles(f"the container {name} cannot be looked at"):
            found = msgspec.convert(await self._containers.container(name).show(), _Container)
        addresses = (network.address for network in found.settings.networks.values() if network.address)
        return Location(found.state.pid, next(addresses, None))

    async def ended(self, name: str) -> Ended:
        """Wait until a container's first program has ended."""
        with _troubles(f"the container {name} cannot be watched"):
            container = self._containers.container(name)
            code = int((await container.wait()).get("StatusCode", 0))
            return Ended(code, msgspec.convert(await container.show(), _Container).state.out_of_memory)

    async def pause(self, name: str) -> None:
        with _troubles(f"the container {name} could not be paused"):
            await self._containers.container(name).pause()

    async def resume(self, name: str) -> None:
        with _troubles(f"the container {name} could not be resumed"):
            await self._containers.container(name).unpause()

    async def remove(self, name: str) -> None:
        """Kill and delete a container, if there is one of this name.

        Raises:
            SandboxError: the engine would not.
        """
        with _troubles(f"the container {name} could not be removed"):
            try:
                await self._containers.container(name).delete(force=True, v=True)
            except DockerError as error:
                if error.status not in {404, 409}:  # gone, or its removal goes on
                    raise

    async def owned(self) -> list[str]:
        """Names of the containers that are this driver's, of an earlier process too."""
        with _troubles("the engine does not answer"):
            filters = msgspec.json.encode({"label": [f"{LABEL}={self._owner}"]}).decode()
            return [str(container.id) for container in await self._containers.list(all=1, filters=filters)]

    async def close(self) -> None:
        await self._docker.close()
        await self._connector.close()

    async def _inspected(self, name: str) -> Mapping[str, Any] | None:
        try:
            return await self._docker.images.inspect(name)
        except DockerError as error:
            if error.status == 404:
                return None
            raise


@contextmanager
def _troubles(what: str) -> Generator[None]:
    try:
        yield
    except DockerError as error:
        raise SandboxError(f"{what}: {error.message}") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SandboxError(f"{what}: {error or type(error).__name__}") from error

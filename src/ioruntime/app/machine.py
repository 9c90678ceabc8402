"""What this machine has to run actions with: interpreters or images, and the isolation driver that the settings name."""

from pathlib import Path

import msgspec

from ioruntime.app.cluster.roles import roles_of
from ioruntime.app.settings import Settings, SettingsError, runtimes_directory
from ioruntime.invoker.drivers.bubblewrap import BubblewrapDriver
from ioruntime.invoker.drivers.guard import GuardedDriver
from ioruntime.invoker.drivers.network.doorway import Api
from ioruntime.invoker.drivers.none import NoDriver
from ioruntime.invoker.drivers.process import ProcessDriver
from ioruntime.invoker.drivers.reported import ReportedDriver
from ioruntime.invoker.drivers.settings import DriverSettings
from ioruntime.invoker.interpreters import discover, load_families
from ioruntime.model.exec import BLACKBOX
from ioruntime.model.kinds import Kinds, UnknownKindError
from ioruntime.ports.fleet import Role
from ioruntime.ports.sandbox import Interpreter, SandboxDriver, SandboxError, SandboxSpec

_TRIAL_MB = 128


class Machine(msgspec.Struct, frozen=True):
    """What this machine has to run actions with."""

    interpreters: dict[str, Interpreter]
    kinds: Kinds
    driver: SandboxDriver
    degraded: tuple[str, ...]
    runs_actions: bool = True
    """False where other processes of the cluster do."""

    def sentences(self) -> tuple[str, ...]:
        """Tell what was found, for people."""
        kinds = ", ".join(f"{kind} ({found.version})" for kind, found in sorted(self.interpreters.items())) or "none"
        return (f"kinds: {kinds}", f"isolation: {self.driver.name}")


def look_around(settings: Settings, url: str) -> Machine:
    """Find out what there is.

    Args:
        settings: which driver, and its images.
        url: where actions reach this server.

    Raises:
        SettingsError: an image for a kind that does not exist, or a driver whose packages are missing.
        SandboxError: the driver cannot work here.
    """
    added = (("__OW_API_HOST", url), ("__OW_ALLOW_CONCURRENT", "true"))
    found = {
        kind: msgspec.structs.replace(interpreter, environment=(*interpreter.environment, *added))
        for kind, interpreter in find_interpreters(settings).items()
    }
    runs_actions = Role.INVOKER in roles_of(settings)
    state_dir = settings.data_dir / "sandboxes"
    driver = GuardedDriver(build_driver(settings, state_dir, url)) if runs_actions else NoDriver()
    images = settings.docker.blackbox_images if settings.invoker.driver == "docker" else ()
    return Machine(found, Kinds.of(load_families(), found, images), driver, driver.degradations(), runs_actions)


def find_interpreters(settings: Settings) -> dict[str, Interpreter]:
    """Return what runs actions of each kind; with containers, `blackbox` stands for every image that an action may name."""
    if settings.invoker.driver != "docker":
        return discover(runtimes_directory(settings))
    kinds = Kinds.of(load_families())
    found = {_known(kinds, kind): _of_image(kind, image) for kind, image in settings.docker.images().items()}
    return found | ({BLACKBOX: _of_image(BLACKBOX, "")} if settings.docker.blackbox_images else {})


def build_driver(settings: Settings, state_dir: Path, url: str | None = None) -> ReportedDriver:
    """Build the isolation driver that the settings name.

    Args:
        settings: which, and how.
        state_dir: what it may keep on disk.
        url: where actions find the API; None when there is none to be found.

    Raises:
        SettingsError: its packages are missing.
        SandboxError: it cannot work here.
    """
    driver_settings = DriverSettings(
        state_dir=state_dir,
        network=settings.invoker.network,
        tmp_mb=settings.invoker.tmp_mb,
        api=None if url is None else Api.of(url),
        first_uid=settings.invoker.first_uid,
        last_uid=settings.invoker.last_uid,
    )
    match settings.invoker.driver:
        case "bubblewrap":
            return BubblewrapDriver(driver_settings)
        case "process":
            return ProcessDriver(driver_settings)
        case "docker":
            return _docker(settings, state_dir)


def _docker(settings: Settings, state_dir: Path) -> ReportedDriver:
    try:
        from ioruntime.invoker.drivers.docker.driver import DockerDriver
    except ImportError as error:
        raise SettingsError("invoker.driver docker needs the package aiodocker: pip install 'ioruntime[docker]'.") from error
    from ioruntime.invoker.drivers.docker.settings import NO_NETWORK, DockerSettings

    given = settings.docker
    network = given.network or ("bridge" if settings.invoker.network == "host" else NO_NETWORK)
    return DockerDriver(
        DockerSettings(
            state_dir=state_dir,
            socket=given.socket,
            network=network,
            pull=given.pull,
            read_only=given.read_only,
            tmp_mb=settings.invoker.tmp_mb,
        )
    )


def _of_image(kind: str, image: str) -> Interpreter:
    return Interpreter(kind, (), version=image or "any image", image=image, framed=True)


def _known(kinds: Kinds, kind: str) -> str:
    try:
        return kinds.accept(kind)
    except UnknownKindError as error:
        raise SettingsError(f"docker.runtimes: {error}") from error


async def try_sandbox(machine: Machine) -> None:
    """Start a sandbox and end it.

    Raises:
        SandboxError: it does not come up.
    """
    interpreter = next(iter(machine.interpreters.values()), None)
    if interpreter is None:
        raise SandboxError
    sandbox = await machine.driver.start(SandboxSpec(interpreter, _TRIAL_MB), lambda _stream, _data: None)
    await sandbox.destroy()

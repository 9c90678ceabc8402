"""`ioruntime dev`: a server for one's own, and a project on it that is always as it was saved last."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.usage import UsageError

if TYPE_CHECKING:
    from ioruntime.cli.project.watching import Stamps
    from ioruntime.client.api import Api

_LOOK_S = 0.1
_START_S = 120.0
_STOP_S = 15.0


def dev(
    folder: Annotated[Path, Parameter(help="Folder of the project; the current one by default.")] = Path(),
    /,
    *,
    port: Annotated[int, Parameter(help="Port of the server that it starts; 3233 by default, 0 for any free one.")] = 3233,
    reach: Reach = NEAREST,
) -> None:
    """Run a server and keep a project on it as its files are; print logs as they come, until interrupted.

    With --apihost, or when a server of the data directory runs already, that one is used.
    """
    from ioruntime.cli.project.manifest import find_manifest

    manifest = find_manifest(folder)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _reached(folder, port, reach) as there, there.open() as api:
            _Session(api, manifest).run(there)
    except KeyboardInterrupt:
        return


class _Session:
    """What is deployed, and as of which state of the files."""

    def __init__(self, api: "Api", manifest: Path) -> None:
        self._api = api
        self._manifest = manifest
        self._stamps: Stamps = {}

    def run(self, reach: Reach) -> None:
        """Deploy what changes, until interrupted."""
        self._deploy_changes()
        print(f"ioruntime dev watches {self._manifest.parent.resolve()}; stop it with Ctrl-C", flush=True)
        # A daemon, because it may wait for an answer when the person has had enough.
        threading.Thread(target=_print_logs, args=(reach,), name="print logs", daemon=True).start()
        while True:
            time.sleep(_LOOK_S)
            self._deploy_changes()

    def _deploy_changes(self) -> None:
        """Deploy what differs from the last look; what is wrong is told, and waits for the next saving."""
        from ioruntime.cli.project.deploy import read
        from ioruntime.cli.project.deploying import put
        from ioruntime.cli.project.watching import changed, stamp
        from ioruntime.client.api import RefusedError

        stamps = stamp(self._manifest, self._stamps)
        if stamps == self._stamps:
            return
        before, self._stamps = self._stamps, stamps
        started_s = time.monotonic()
        try:
            project = read(self._manifest)
            # Sources that the manifest names are known only now.
            self._stamps = stamp(self._manifest, dict.fromkeys([e.source for e in project.entities if e.source], ""))
            for entity in changed(project, before, self._stamps):
                put(self._api, entity)
                took_ms = (time.monotonic() - started_s) * 1000
                print(f"deployed {entity.collection[:-1]} {entity.name} after {took_ms:.0f} ms", flush=True)
        except (UsageError, RefusedError) as error:
            print(f"ioruntime: {error}", file=sys.stderr, flush=True)


def _print_logs(reach: Reach) -> None:
    from ioruntime.cli.remote.activation import records, show_log
    from ioruntime.model.errors import IoRuntimeError

    with reach.open() as api:
        while True:
            try:
                for record in records(api, None, latest=0, follow=True):
                    show_log(record, json=False)
            except IoRuntimeError as error:
                print(f"ioruntime: no logs for now: {error}", file=sys.stderr, flush=True)
                time.sleep(1)


@contextmanager
def _reached(folder: Path, port: int, reach: Reach) -> Generator[Reach]:
    """Lend a server: the one that is told, the one that runs, or a new one, which ends with the loan."""
    data_dir = reach.data_dir or Path(os.environ.get("IORUNTIME_DATA_DIR") or folder / ".ioruntime")
    own = Reach(data_dir=data_dir)
    if reach.apihost or os.environ.get("IORUNTIME_APIHOST"):
        yield reach
    # Without the file, the key of another server would be found further away, in ~/.wskprops for example.
    elif (data_dir / "credentials.json").exists() and _answers(own):
        yield own
    else:
        with _started(data_dir, port):
            yield own


def _answers(reach: Reach) -> bool:
    from ioruntime.model.errors import IoRuntimeError

    try:
        with reach.open() as api:
            api.call("GET", "/namespaces")
    except IoRuntimeError:
        return False
    return True


@contextmanager
def _started(data_dir: Path, port: int) -> Generator[None]:
    from ioruntime.model.errors import UnavailableError

    command = [sys.executable, "-m", "ioruntime", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / "dev.log"
    # A session of its own, so that Ctrl-C reaches it through us, in order.
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sink, text=True, start_new_session=True
        )
    watchdog = threading.Timer(_START_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("ioruntime ready on "):
                break
        else:
            raise UnavailableError(f"The server did not start; {log} says why.")
        watchdog.cancel()
        yield
    finally:
        watchdog.cancel()
        _stop(process)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

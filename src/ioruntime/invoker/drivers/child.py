"""One child process: started without slow forks, watched by a pidfd, reaped without threads."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress


class Child:
    """A started process. `gone` is done once it has ended and is reaped."""

    def __init__(
        self, command: Sequence[str], *, outputs: tuple[int, int], keep: Sequence[int], environment: dict[str, str]
    ) -> None:
        """Start `command` in its own session.

        Args:
            command: program and arguments.
            outputs: file descriptors that become its standard output and error.
            keep: file descriptors that it inherits under the same numbers.
            environment: all of its environment.

        Raises:
            OSError: the program could not be started.
        """
        # Plain arguments only: preexec_fn, user= and their like would keep subprocess from using vfork.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=outputs[0],
            stderr=outputs[1],
            pass_fds=tuple(keep),
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.gone = asyncio.get_running_loop().create_future()
        self._pidfd = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    def kill(self) -> None:
        if not self.gone.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def on_gone(self, act: Callable[[], None]) -> None:
        """Call `act` on the event loop once the process is reaped."""
        self.gone.add_done_callback(lambda _future: act())

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._process.wait()
        if not self.gone.done():
            self.gone.set_result(code)


async def until_readable(fd: int) -> None:
    """Wait until `fd` has data, an end or an error; for a pidfd: until its process is gone."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(fd)


async def kill_and_wait(pidfd: int) -> None:
    """Kill the process behind `pidfd`, and wait until it is gone."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    await until_readable(pidfd)


async def kill_all(find: Callable[[], set[int]]) -> None:
    """Kill what `find` finds, until it finds nothing more."""
    while pids := find():
        for pid in pids:
            with suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pid)
                try:
                    await kill_and_wait(pidfd)
                finally:
                    os.close(pidfd)
        await asyncio.sleep(0)  # lets the loop reap those that are children of ours

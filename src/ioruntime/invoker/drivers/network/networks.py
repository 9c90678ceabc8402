"""Which network each sandbox gets: what was asked for, as far as this machine can give it."""

import os
from pathlib import Path

from ioruntime.invoker.drivers.network.doorway import Api, Doorway
from ioruntime.invoker.drivers.network.router import Link, Router
from ioruntime.invoker.drivers.network.rules import nameservers
from ioruntime.ports.sandbox import Feature, Network, SandboxError

_RESOLV_CONF = Path("/etc/resolv.conf")
_RESOLVED_CONF = Path("/run/systemd/resolve/resolv.conf")
"""The servers behind the one that systemd runs on the loopback."""
_HELD = {
    "none": "Sandboxes have no network.",
    "internet": "Sandboxes reach the internet, and nothing of this machine or its private networks.",
    "host": "Sandboxes use the network of this machine.",
}
_NOT_ROOT = "only a server that runs as root can give them a network of their own"


class Attached:
    """A sandbox's own network, with the way to the API. Give it back by `close`."""

    def __init__(self, link: Link, api: Api | None) -> None:
        self._link = link
        self._doorway = None if api is None or link.listener is None else Doorway(link.listener, api)

    @property
    def entering(self) -> list[str]:
        """What `nsenter` is told."""
        return [f"--net=/proc/{os.getpid()}/fd/{self._link.namespace_fd}"]

    def close(self) -> None:
        if self._doorway is not None:
            self._doorway.close()
        self._link.close()


class Networks:
    """The networks of one driver's sandboxes."""

    def __init__(self, wanted: Network, server: str, api: Api | None) -> None:
        """Make ready what is `wanted` for sandboxes that ask for nothing else.

        Args:
            server: what tells this driver from others on the machine.
            api: what sandboxes with a network of their own may reach of this machine.
        """
        self._server = server
        self._api = api
        self._router: Router | None = None
        self._trouble = ""
        self.nameservers = _nameservers()
        if wanted == "internet":
            self._stand()
        self.standard: Network = "none" if self._trouble else wanted
        """What a sandbox gets that asks for nothing else."""
        self.feature = self._report(wanted)

    def given(self, asked: Network | None) -> Network:
        """Say what a sandbox gets that asks for `asked`.

        Raises:
            SandboxError: this machine cannot give it.
        """
        if asked == "internet" and self._router is None:
            self._stand()
            if self._trouble:
                raise SandboxError(f"A namespace is allowed the internet, but sandboxes have none here: {self._trouble}.")
        return asked or self.standard

    async def attach(self, network: Network) -> Attached | None:
        """Make the network of one sandbox; None where it has none, or the host's.

        Raises:
            SandboxError: the kernel refused it.
        """
        if network != "internet":
            return None
        assert self._router is not None
        try:
            link = await self._router.attach()
        except OSError as error:
            raise SandboxError(f"no network could be made for a sandbox: {error}") from error
        return Attached(link, self._api)

    def close(self) -> None:
        if self._router is not None:
            self._router.close()
            self._router = None

    def _stand(self) -> None:
        self._trouble = ""
        if os.geteuid() != 0:
            self._trouble = _NOT_ROOT
            return
        door = None if self._api is None else (self._api.inside, self._api.port)
        try:
            self._router = Router(self._server, nameservers=self.nameservers, door=door)
        except OSError as error:
            self._trouble = str(error)

    def _report(self, wanted: Network) -> Feature:
        if self._trouble:
            cure = "Run as root, or" if self._trouble == _NOT_ROOT else "Install nftables on a kernel with nf_tables, or"
            return Feature(
                "network",
                ok=False,
                detail=f"Sandboxes have no network: {self._trouble}.",
                cure=f"{cure} choose: the invoker's network `none`, or `host` for actions that you trust.",
            )
        if wanted == "host":
            return Feature("network", ok=False, detail=_HELD["host"], cure="Set the invoker's network to `internet` or `none`.")
        return Feature("network", ok=True, detail=_HELD[wanted])


def _nameservers() -> tuple[str, ...]:
    for path in (_RESOLV_CONF, _RESOLVED_CONF):
        try:
            found = nameservers(path.read_text())
        except OSError:
            continue
        if found:
            return found
    return ()

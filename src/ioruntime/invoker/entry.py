"""One sandbox of the pool, with what is known of it."""

import asyncio

from ioruntime.invoker.lifecycle import Event, State, advance
from ioruntime.invoker.logs import SandboxLog
from ioruntime.invoker.plan import Slot
from ioruntime.invoker.proxy import Proxy
from ioruntime.ports.sandbox import Sandbox, SandboxSpec

_AWAKE = frozenset({State.IDLE, State.RUNNING})


class Entry:
    """A sandbox from the decision to start it until it is gone. Only the pool changes it.

    How long it may stay idle is said by whoever runs something in it.
    """

    def __init__(self, number: int, spec: SandboxSpec, owner: str | None, capacity: int) -> None:
        self.id = f"s{number}"
        self.spec = spec
        self.owner = owner
        self.capacity = capacity
        self.running = 0
        self.last_used_s = 0.0
        self.warm_count = 0
        self.warm_s = 0.0
        self.state = State.STARTING
        self.log = SandboxLog()
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.initialised: asyncio.Future[None] | None = None
        """None until an activation begins to initialise it; then what its fellows wait for."""
        self.asleep = False
        """True: paused, and nobody has resumed it yet."""
        self._sandbox: Sandbox | None = None
        self._proxy: Proxy | None = None

    def on(self, event: Event) -> None:
        self.state = advance(self.state, event)

    def attach(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._proxy = Proxy(sandbox.socket_path)

    @property
    def has_sandbox(self) -> bool:
        return self._sandbox is not None

    @property
    def is_ready(self) -> bool:
        """True: initialised, awake, and nothing is to be waited for."""
        done = self.initialised
        is_awake = self.state in _AWAKE and not self.asleep
        return is_awake and done is not None and done.done() and done.exception() is None

    @property
    def sandbox(self) -> Sandbox:
        """The started sandbox; legal once `started` is done."""
        assert self._sandbox is not None
        return self._sandbox

    @property
    def proxy(self) -> Proxy:
        """Speaks to the started sandbox; legal once `started` is done."""
        assert self._proxy is not None
        return self._proxy

    @property
    def slot(self) -> Slot:
        """What the planner may know."""
        return Slot(
            self.id,
            self.spec,
            self.state,
            self.owner,
            self.running,
            self.capacity,
            self.last_used_s,
            self.warm_count,
            self.warm_s,
        )

    def __repr__(self) -> str:
        whose = f" {self.owner}" if self.owner else ""
        return f"{self.state}{whose}" + (f" x{self.running}" if self.running > 1 else "")

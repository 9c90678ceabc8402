"""The warm pool: borrows out the sandboxes of one machine, as `plan` decides.

Decisions are taken between two awaits, never across one, so there is no lock. Who must wait is served in the order of
`queue`, not of luck: nobody who comes later takes what was freed for somebody earlier.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self

import msgspec

from ioruntime.invoker.entry import Entry
from ioruntime.invoker.lifecycle import WARM, Event, State
from ioruntime.invoker.logs import SandboxLog
from ioruntime.invoker.plan import Claim, Create, Evict, Refuse, Slot, Wait, expired, missing_prewarm, place, to_pause
from ioruntime.invoker.queue import FairQueue
from ioruntime.ports.clock import Clock
from ioruntime.ports.sandbox import ImageError, SandboxDriver, SandboxError, SandboxSpec

_SWEEP_S = 1.0


class Want(msgspec.Struct, frozen=True):
    """What an activation asks of the pool."""

    namespace: str
    """Whose turn it takes."""
    owner: str
    """`namespace/action@revision`: what the sandbox may serve for its whole life."""
    spec: SandboxSpec
    capacity: int = 1
    """Activations that one sandbox may serve at once."""


class _Waiter(msgspec.Struct, eq=False):
    want: Want
    entry: "asyncio.Future[Entry]"


class Pool:
    """Owns the sandboxes of one machine."""

    def __init__(
        self,
        driver: SandboxDriver,
        *,
        memory_mb: int,
        clock: Clock,
        prewarm: Mapping[SandboxSpec, int] | None = None,
        idle_s: float = 600.0,
        pause_grace_s: float = 10.0,
        on_start_failed: Callable[[SandboxError], None] = lambda _: None,
    ) -> None:
        self._driver = driver
        self._memory_mb = memory_mb
        self._clock = clock
        self._prewarm = dict(prewarm or {})
        self._idle_s = idle_s
        self._pause_grace_s = pause_grace_s
        self._on_start_failed = on_start_failed
        self._entries: dict[str, Entry] = {}
        self._open: dict[str, list[Entry]] = {}
        self._queue: FairQueue[_Waiter] = FairQueue()
        self._tasks = asyncio.TaskGroup()
        self._starts: dict[str, asyncio.Task[None]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._count = 0
        self._prewarm_taken = False
        self._closing = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Pool [{', '.join(map(repr, self._entries.values())) or 'empty'}]>"

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._refill()
        self._tasks.create_task(self._sweep(), name="sweep the pool")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Destroy every sandbox."""
        self._closing.set()
        for entry in list(self._entries.values()):
            if entry.state is not State.STOPPING:
                self._stop(entry, Event.EXPIRED)
        await self._tasks.__aexit__(None, None, None)
        await self._driver.close()

    @property
    def waiting(self) -> int:
        """How many activations wait for a sandbox."""
        return len(self._queue)

    def slots(self) -> Sequence[Slot]:
        return [entry.slot for entry in self._entries.values()]

    def logs(self) -> Iterator[tuple[str | None, SandboxLog]]:
        """Return the log of each sandbox, with what it serves."""
        return ((entry.owner, entry.log) for entry in self._entries.values())

    async def prewarmed(self) -> None:
        """Wait until what was started ahead is up, or could not be started."""
        starting = [entry.started for entry in self._entries.values() if entry.state is State.STARTING]
        if starting:
            await asyncio.wait(starting)

    @asynccontextmanager
    async def claim(self, want: Want) -> AsyncGenerator[Entry]:
        """Borrow a sandbox for one activation; an exception on the way out ends the sandbox.

        Raises:
            SandboxError: none can be had: it asks for more memory than there is, or it did not start.
        """
        entry = self._take_open(want.owner) if not self._queue else None
        if entry is None:
            entry = await self._wait_turn(want)
        async with self.returning(entry):
            if not entry.has_sandbox:
                await asyncio.wait((entry.started,))
                entry.started.result()
            if entry.asleep:
                entry.asleep = False
                await entry.sandbox.resume()
            yield entry

    def take_ready(self, owner: str) -> Entry | None:
        """Borrow a sandbox that is initialised and awake, at once; None: there is none, or others wait their turn.

        Whoever gets one gives it back by `give_back` or `returning`.
        """
        entries = self._open.get(owner)
        return self._borrow(entries[-1]) if entries and not self._queue and entries[-1].is_ready else None

    def give_back(self, entry: Entry) -> None:
        """Return a borrowed sandbox after an activation that went well."""
        self._release(entry, failed=False)

    @asynccontextmanager
    async def returning(self, entry: Entry) -> AsyncGenerator[None]:
        """Return a borrowed sandbox at the end; an exception on the way out ends it."""
        try:
            yield
        except BaseException:
            self._release(entry, failed=True)
            raise
        self._release(entry, failed=False)

    def retire(self, namespace: str) -> None:
        """Stop what serves a namespace that is gone; what runs there ends with its sandbox, what waits gets an error."""
        for waiter in self._queue.drop(namespace):
            if not waiter.entry.done():
                waiter.entry.set_exception(SandboxError(f"the namespace {namespace} is gone"))
        for entry in list(self._entries.values()):
            if entry.owner is not None and entry.owner.startswith(f"{namespace}/") and entry.state is not State.STOPPING:
                self._stop(entry, Event.EXPIRED)

    def retire_idle(self, action: str) -> None:
        """Stop what holds an older revision of `namespace/action` and is idle, or of any action of a package."""
        for entry in list(self._entries.values()):
            if entry.state in WARM and _action_of(entry.owner or "").startswith((f"{action}@", f"{action}/")):
                self._stop(entry, Event.EXPIRED)

    def retire_idle_of(self, namespace: str) -> None:
        """Stop what is idle of a namespace whose rights have changed."""
        for entry in list(self._entries.values()):
            if entry.state in WARM and (entry.owner or "").startswith(f"{namespace}/"):
                self._stop(entry, Event.EXPIRED)

    def abandon(self) -> None:
        """End everything at once: who waits gets an error, what runs loses its sandbox."""
        for namespace, owner, waiter in self._queue.drain():
            waiter.entry.set_exception(SandboxError(f"the platform stops; {owner} of {namespace} was not started"))
        for entry in list(self._entries.values()):
            if entry.state is not State.STOPPING:
                self._stop(entry, Event.EXPIRED)

    async def _wait_turn(self, want: Want) -> Entry:
        waiter = _Waiter(want, asyncio.get_running_loop().create_future())
        self._queue.put(want.namespace, want.owner, waiter)
        self._serve_waiters()
        try:
            return await waiter.entry
        except asyncio.CancelledError:
            self._queue.remove(want.namespace, want.owner, waiter)
            if waiter.entry.done() and not waiter.entry.cancelled() and waiter.entry.exception() is None:
                self._release(waiter.entry.result(), failed=True)
            raise

    def _serve_waiters(self) -> None:
        """Give sandboxes to as many waiters as possible, in their turns.

        Once the first in turn cannot be served, later ones get only what already holds their own action: room that
        comes free is kept for the first.
        """
        blocked = False
        for namespace, owner, waiter in self._queue.heads():
            entry = self._take_open(owner) if blocked else self._decide(waiter)
            if entry is not None:
                waiter.entry.set_result(entry)
            if waiter.entry.done():
                self._queue.served(namespace, owner)
            else:
                blocked = True

    def _decide(self, waiter: _Waiter) -> Entry | None:
        want = waiter.want
        match place(want.owner, want.spec, self.slots(), memory_mb=self._memory_mb):
            case Claim(slot_id):
                return self._take(self._entries[slot_id], want)
            case Create():
                return self._take(self._create(want.spec, want), want)
            case Evict(slot_ids):
                for slot_id in slot_ids:
                    self._stop(self._entries[slot_id], Event.EXPIRED)
            case Refuse():
                error = SandboxError(f"{want.spec.memory_mb} MB are more than the {self._memory_mb} MB of all sandboxes together")
                waiter.entry.set_exception(error)
            case Wait():
                pass
        return None

    def _take_open(self, owner: str) -> Entry | None:
        entries = self._open.get(owner)
        return self._borrow(entries[-1]) if entries else None

    def _take(self, entry: Entry, want: Want) -> Entry:
        if entry.owner is None:
            entry.owner, entry.capacity = want.owner, want.capacity
            self._prewarm_taken = True
        entry.log.tagged = entry.capacity > 1
        if entry not in self._open.get(want.owner, ()):
            self._open.setdefault(want.owner, []).append(entry)
        return self._borrow(entry)

    def _borrow(self, entry: Entry) -> Entry:
        entry.asleep = entry.asleep or entry.state is State.PAUSED
        entry.running += 1
        if entry.state is not State.STARTING:
            entry.on(Event.CLAIMED)
        if entry.running >= entry.capacity:
            self._withdraw(entry)
        return entry

    def _release(self, entry: Entry, *, failed: bool) -> None:
        was_full = entry.running >= entry.capacity
        entry.running -= 1
        entry.last_used_s = self._clock.monotonic_s()
        if entry.state is State.STOPPING or entry.owner is None:
            return
        if failed and entry.has_sandbox:
            self._stop(entry, Event.FAILED)
        else:
            if entry.running == 0 and entry.state is State.RUNNING:
                entry.on(Event.FINISHED)
            if was_full:
                self._open.setdefault(entry.owner, []).append(entry)
        self._changed()

    def _withdraw(self, entry: Entry) -> None:
        entries = self._open.get(entry.owner or "")
        if entries and entry in entries:
            entries.remove(entry)
            if not entries:
                del self._open[entry.owner or ""]

    def _changed(self) -> None:
        if self._queue:
            self._serve_waiters()
        elif self._prewarm_taken:
            self._refill()

    def _refill(self) -> None:
        self._prewarm_taken = False
        if not self._queue and not self._closing.is_set():
            for spec in missing_prewarm(self._prewarm, self.slots(), memory_mb=self._memory_mb):
                self._create(spec, None)

    def _create(self, spec: SandboxSpec, want: Want | None) -> Entry:
        self._count += 1
        entry = Entry(self._count, spec, want.owner if want else None, want.capacity if want else 1)
        self._entries[entry.id] = entry
        self._starts[entry.id] = self._tasks.create_task(self._start(entry), name=f"start {entry.id}")
        return entry

    async def _start(self, entry: Entry) -> None:
        try:
            sandbox = await self._driver.start(entry.spec, entry.log)
        except (SandboxError, asyncio.CancelledError) as error:
            self._gone(
                entry,
                _told(error),
            )
            if isinstance(error, asyncio.CancelledError):
                raise
            self._on_start_failed(error)
            return
        finally:
            del self._starts[entry.id]
        entry.attach(sandbox)
        entry.on(Event.STARTED)
        entry.last_used_s = self._clock.monotonic_s()
        if entry.running:
            entry.on(Event.CLAIMED)
        else:
            self._withdraw(entry)
            entry.owner = None
        entry.started.set_result(None)
        self._watches[entry.id] = self._tasks.create_task(self._watch(entry), name=f"watch {entry.id}")
        self._changed()

    def _stop(self, entry: Entry, event: Event) -> None:
        self._withdraw(entry)
        entry.on(event)
        if entry.has_sandbox:
            self._tasks.create_task(self._destroy(entry), name=f"destroy {entry.id}")
        else:
            self._starts[entry.id].cancel()

    async def _destroy(self, entry: Entry) -> None:
        entry.proxy.close()
        await entry.sandbox.destroy()
        if (watch := self._watches.pop(entry.id, None)) is not None:
            watch.cancel()
        self._gone(entry, None)

    def _gone(self, entry: Entry, error: SandboxError | None) -> None:
        if entry.state is not State.STOPPING:
            self._withdraw(entry)
            entry.on(Event.FAILED)
        self._entries.pop(entry.id, None)
        if error is not None and not entry.started.done():
            entry.started.set_exception(error)
            entry.started.exception()  # whoever claimed it reads it again; a prewarmed one has no reader
        if not self._closing.is_set() and self._queue:
            self._serve_waiters()

    async def _watch(self, entry: Entry) -> None:
        """Notice the death of a sandbox that nobody uses; one that runs is noticed by who uses it."""
        await entry.sandbox.ended()
        if entry.state in {State.PREWARM, State.IDLE, State.PAUSED}:
            self._stop(entry, Event.FAILED)

    async def _sweep(self) -> None:
        """Let idle sandboxes sleep, then go; start ahead what is missing."""
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(_SWEEP_S):
                    await self._closing.wait()
            except TimeoutError:
                self._sweep_once()

    def _sweep_once(self) -> None:
        now_s, slots = self._clock.monotonic_s(), self.slots()
        for slot_id in expired(slots, now_s=now_s, idle_s=self._idle_s):
            self._stop(self._entries[slot_id], Event.EXPIRED)
        for slot_id in to_pause(self.slots(), now_s=now_s, grace_s=self._pause_grace_s):
            entry = self._entries[slot_id]
            entry.on(Event.PAUSED)
            self._tasks.create_task(self._pause(entry), name=f"pause {slot_id}")
        self._refill()

    async def _pause(self, entry: Entry) -> None:
        try:
            await entry.sandbox.pause()
        except SandboxError:
            if entry.state is State.PAUSED:
                self._stop(entry, Event.FAILED)


def _told(error: SandboxError | asyncio.CancelledError) -> SandboxError:
    """Tell who waits for a sandbox why it did not start."""
    if isinstance(error, ImageError):
        return error
    return SandboxError(f"the sandbox did not start: {error}" if str(error) else "the sandbox was not wanted any more")


def _action_of(owner: str) -> str:
    """Return `namespace/action@revision` out of an owner, which begins with who invokes it."""
    return owner.partition("/")[2]

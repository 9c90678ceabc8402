"""Join a process to its cluster: tell the others that it is there, hear what they ask, look after what it sent."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from ioruntime.app.cluster.audit import keep_auditing
from ioruntime.app.cluster.fleet import LateFleet
from ioruntime.bus.crew import Crew, Hearing
from ioruntime.bus.link import Link
from ioruntime.bus.remote import RemoteBus
from ioruntime.core.dispatch.health import Health
from ioruntime.invoker.pool import Pool
from ioruntime.ports.activations import ActivationStore
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.clock import Clock
from ioruntime.ports.fleet import Condition, Member, Role

_ACQUAINTED_S = 1.0


class Cluster(msgspec.Struct, frozen=True):
    """What a process needs to work with others; made before its services, joined after them."""

    link: Link
    bus: RemoteBus
    fleet: LateFleet
    health: Health
    name: str
    label: str
    roles: frozenset[Role]


def name_of(label: str) -> str:
    """Make a name for this run of a process: what was sent to an earlier run must not reach this one."""
    return f"{label.replace('.', '-').replace(' ', '-')}-{secrets.token_hex(4)}"


class Company(msgspec.Struct, frozen=True):
    """The services of a process that have to do with the others."""

    hearing: Hearing
    pool: Pool
    activations: ActivationStore
    clock: Clock
    interrupted: Callable[[InvocationRequest], None]
    probe: Callable[[], Awaitable[None]]
    """Starts a sandbox and ends it; raises when it cannot."""


@asynccontextmanager
async def joined(cluster: Cluster, company: Company, *, memory_mb: int) -> AsyncGenerator[Crew]:
    """Belong to the cluster while the context lasts."""

    def me() -> Member:
        return describe(cluster, company.pool, memory_mb=memory_mb)

    async with Crew(cluster.link, me, company.hearing, now_s=time.monotonic) as crew, asyncio.TaskGroup() as tasks:
        ends = await cluster.bus.start()
        cluster.fleet.join(crew)
        running = [tasks.create_task(cluster.bus.look_after(crew), name="look after what was sent")]
        if Role.CONTROLLER in cluster.roles:
            auditing = keep_auditing(company.activations, crew, company.clock, company.interrupted)
            running.append(tasks.create_task(auditing, name="look for what was lost"))
        if Role.INVOKER in cluster.roles:
            running.append(tasks.create_task(_recover(cluster.health, company), name="try sandboxes again"))
        try:
            await crew.acquainted(_ACQUAINTED_S)
            yield crew
        finally:
            for task in running:
                task.cancel()
            cluster.fleet.join(None)
            for end in ends:
                with suppress(Exception):  # the connection may be gone, and then so are they
                    await end()


def describe(cluster: Cluster, pool: Pool, *, memory_mb: int) -> Member:
    """Say what the others should know of this process."""
    is_invoker = Role.INVOKER in cluster.roles
    slots = pool.slots() if is_invoker else ()
    used_mb = sum(slot.spec.memory_mb for slot in slots if slot.running)
    return Member(
        name=cluster.name,
        label=cluster.label,
        roles=tuple(sorted(cluster.roles)),
        condition=cluster.health.condition if cluster.bus.takes else Condition.DRAINING,
        memory_mb=memory_mb if is_invoker else 0,
        free_mb=memory_mb - used_mb if is_invoker else 0,
        running=sum(slot.running for slot in slots),
        waiting=pool.waiting if is_invoker else 0,
    )


async def _recover(health: Health, company: Company) -> None:
    """Start a sandbox from time to time while this invoker is unhealthy, for ever."""
    while True:
        await asyncio.sleep(1.0)
        if not health.wants_probe(time.monotonic()):
            continue
        try:
            await company.probe()
        except Exception:  # noqa: BLE001  whatever it was, the sandbox did not come up; the next trial tells
            health.probed(works=False, now_s=time.monotonic())
        else:
            health.probed(works=True, now_s=time.monotonic())

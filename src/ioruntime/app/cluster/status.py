"""What an operator sees of a cluster, and tells one of its invokers."""

import asyncio
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from ioruntime.app.cluster.up import State, read_state
from ioruntime.app.settings import Settings, SettingsError
from ioruntime.bus import subjects, wire
from ioruntime.bus.link import Link
from ioruntime.model.errors import UnavailableError
from ioruntime.ports.fleet import Member, Role

_ASK_S = 10.0
_SERVERS = frozenset({"postgres", "nats"})


class Seen(msgspec.Struct, frozen=True):
    """A cluster on this machine."""

    state: State
    members: tuple[Member, ...]


async def look_at(data_dir: Path) -> Seen:
    """Return what the supervisor says, and what the processes say of themselves.

    Raises:
        UnavailableError: no cluster runs there, or NATS cannot be reached.
    """
    state = read_state(data_dir)
    wanted = {each.name for each in state.processes if each.pid is not None and each.name not in _SERVERS}
    return Seen(state, tuple(await members_at(state.nats, wanted)))


async def members_at(url: str, wanted: Collection[str]) -> Sequence[Member]:
    """Listen until all that are wanted were heard, for a while.

    Args:
        url: of NATS.
        wanted: labels.

    Raises:
        UnavailableError: NATS cannot be reached.
    """
    found: dict[str, Member] = {}
    complete = asyncio.Event()

    async def take(data: bytes) -> None:
        beat = wire.read(data, wire.Beat)
        found[beat.member.name] = beat.member
        if set(wanted) <= {member.label for member in found.values()}:
            complete.set()

    async with Link.connect(url, name=f"status-{secrets.token_hex(4)}") as link:
        await link.listen(subjects.BEAT, take)
        link.publish(subjects.HELLO, b"{}")
        with suppress(TimeoutError):
            async with asyncio.timeout(_ASK_S):
                await complete.wait()
    return [found[name] for name in sorted(found)]


async def drain_invoker(settings: Settings, label: str) -> None:
    """Have an invoker take nothing more.

    Raises:
        SettingsError: the settings name no cluster.
        UnavailableError: there is no such invoker, or it does not answer.
    """
    url = settings.bus.url if settings.bus.url != "local" else _nats_of(settings)
    invokers = {member.label: member.name for member in await members_at(url, {label}) if Role.INVOKER in member.roles}
    if label not in invokers:
        raise UnavailableError(f"There is no invoker {label}; there are: {', '.join(sorted(invokers)) or 'none'}.")
    async with Link.connect(url, name=f"drain-{secrets.token_hex(4)}") as link:
        if await link.ask(subjects.drain(invokers[label]), b"{}", wait_s=_ASK_S) is None:
            raise UnavailableError(f"The invoker {label} does not answer.")


def table_of(seen: Seen) -> str:
    """Return lines for people."""
    lines = [f"cluster on {seen.state.url}, NATS {seen.state.nats}, PostgreSQL {seen.state.postgres}"]
    members = {member.label: member for member in seen.members}
    for process in seen.state.processes:
        member = members.get(process.name)
        state = "down" if process.pid is None else f"pid {process.pid}"
        said = "" if member is None else f", {member.condition}"
        if member is not None and Role.INVOKER in member.roles:
            said += f", {member.running} running, {member.waiting} waiting, {member.free_mb} of {member.memory_mb} MB free"
        lines.append(f"  {process.name}: {state}{said}, started {process.starts} times")
    return "\n".join(lines)


def _nats_of(settings: Settings) -> str:
    try:
        return read_state(settings.data_dir).nats
    except UnavailableError as error:
        raise SettingsError("bus.url names no cluster: give the URL of its NATS server.") from error

"""Fill a data directory with actions and activations, faster than any client could."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import insert

from ioruntime.app.secrets import build_sealer
from ioruntime.app.settings import SecretsSettings
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation, ActivationId, new_activation_id
from ioruntime.model.limits import ActionLimits
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation
from ioruntime.stores.sql.entities import row_of_entity
from ioruntime.stores.sql.schema import entities
from ioruntime.stores.sql.stores import SqlStores

STEP_MS = 50
"""Between the starts of two activations; 1,000,000 of them take 14 hours."""
RARE = 250
"""How many activations, the oldest, have a name that no other has: more than a page."""
PACKAGED = 4
"""Each so many-th activation is of an action in a package."""
_BATCH = 10_000
_PERMITTED_S = 600.0


class Filled(msgspec.Struct, frozen=True):
    """What there is now."""

    actions: int
    activations: int
    """May be less than was wished for: filling ends after ten minutes."""
    first_ms: int
    """Start of the oldest."""
    middle: ActivationId


def activation(namespace: str, number: int, first_ms: int) -> Activation:
    """Make a record such as an invocation leaves (pure, but for its id).

    Args:
        number: 0 is the oldest.
        first_ms: its start.
    """
    package = "tools" if number % PACKAGED == 0 and number >= RARE else None
    name = "rare" if number < RARE else "packaged" if package else "frequent"
    start_ms = first_ms + number * STEP_MS
    path = f"{namespace}/{package}/{name}" if package else f"{namespace}/{name}"
    return Activation(
        activation_id=new_activation_id(),
        namespace=namespace,
        name=name,
        package=package,
        version="0.0.1",
        subject=namespace,
        start_ms=start_ms,
        end_ms=start_ms + 3,
        duration_ms=3,
        result=msgspec.Raw(b'{"greeting":"Hello, world!"}'),
        logs=("2026-01-01T00:00:00.000000000Z stdout: hello",),
        annotations=(
            Annotation("path", path),
            Annotation("kind", "nodejs:24"),
            Annotation("limits", ActionLimits()),
            Annotation("waitTime", 2),
        ),
    )


async def fill(data_dir: Path, template: EntityPath, *, actions: int, activations: int) -> Filled:
    """Add actions like the one at `template`, and activations, the newest of which has just ended.

    The database must have been made by a server, which does not run now.
    """
    sealer = build_sealer(SecretsSettings(), data_dir)
    async with SqlStores.open(f"sqlite:///{data_dir}/ioruntime.db", sealer=sealer) as stores:
        model = await stores.entities.read(template)
        assert isinstance(model, Action)
        for start in range(0, actions, _BATCH):
            copies = [_copy(model, number) for number in range(start, min(start + _BATCH, actions))]
            async with stores.engine.writing() as connection:
                await connection.execute(insert(entities), [row_of_entity(each, sealer) for each in copies])
        ids, first_ms = await _fill_activations(stores, template.namespace, activations)
    return Filled(actions, len(ids), first_ms, ids[len(ids) // 2])


async def _fill_activations(stores: SqlStores, namespace: str, count: int) -> tuple[Sequence[ActivationId], int]:
    ends_s, first_ms = time.monotonic() + _PERMITTED_S, time.time_ns() // 1_000_000 - count * STEP_MS
    ids: list[ActivationId] = []
    while len(ids) < count and time.monotonic() < ends_s:
        batch = _batch(namespace, range(len(ids), min(len(ids) + _BATCH, count)), first_ms)
        await stores.activations.record(batch)
        ids += [each.activation_id for each in batch]
    return ids, first_ms


def _batch(namespace: str, numbers: range, first_ms: int) -> Sequence[Activation]:
    return [activation(namespace, number, first_ms) for number in numbers]


def _copy(model: Action, number: int) -> Action:
    path = msgspec.structs.replace(model.path, name=f"{model.path.name}-{number}")
    return msgspec.structs.replace(model, path=path, updated_ms=model.updated_ms + number)

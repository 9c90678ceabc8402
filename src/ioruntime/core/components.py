"""What a sequence may be made of: checked when it is created or changed (OpenWhisk API contract, section 8)."""

from collections.abc import Sequence

from ioruntime.core.packages import Packages
from ioruntime.model.action import Action
from ioruntime.model.errors import InvalidError, NotFoundError, WrongCollectionError
from ioruntime.model.exec import SequenceExec
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.ports.entities import EntityStore

NONE = "No component specified for the sequence."
TOO_MANY = "Too many actions in the sequence."
MISSING = "Sequence component does not exist."
CYCLE = "Sequence may not refer to itself."


class Components:
    """Follows sequences through sequences."""

    def __init__(self, entities: EntityStore, packages: Packages) -> None:
        self._entities = entities
        self._packages = packages

    async def check(self, identity: Identity, sequence: EntityPath, names: Sequence[str], *, most: int) -> tuple[str, ...]:
        """Return the components as they are stored: `/ns/name` or `/ns/package/name`.

        Args:
            sequence: where the sequence will be; none of its components may lead back there.
            most: how many actions it may have when nested sequences are written out.

        Raises:
            InvalidError: none, too many, a missing one, or a cycle.
            ForbiddenError: one that the caller may not read.
        """
        if not names:
            raise InvalidError(NONE)
        if len(names) > most:
            raise InvalidError(TOO_MANY)
        paths = [EntityPath.parse(name, own_namespace=identity.name) for name in names]
        await self._length(identity, sequence, paths, most, levels=most)
        return tuple(f"/{path}" for path in paths)

    async def _length(
        self, identity: Identity, sequence: EntityPath, paths: Sequence[EntityPath], most: int, *, levels: int
    ) -> int:
        """Count actions with nested sequences written out; at most `levels` of these are inside each other."""
        length = 0
        for path in paths:
            action = await self._read(identity, sequence, path)
            if not isinstance(action.exec, SequenceExec):
                length += 1
            elif levels == 0:
                raise InvalidError(TOO_MANY)
            else:
                inner = [EntityPath.parse(name, own_namespace=path.namespace) for name in action.exec.components]
                length += await self._length(identity, sequence, inner, most - length, levels=levels - 1)
            if length > most:
                raise InvalidError(TOO_MANY)
        return length

    async def _read(self, identity: Identity, sequence: EntityPath, path: EntityPath) -> Action:
        if path == sequence:
            raise InvalidError(CYCLE)
        try:
            real = (await self._packages.follow(identity, path)).path
        except (NotFoundError, WrongCollectionError) as error:
            raise InvalidError(MISSING) from error
        if real == sequence:
            raise InvalidError(CYCLE)
        found = await self._entities.read(real)
        if not isinstance(found, Action):
            raise InvalidError(MISSING)
        return found

"""What the core needs remembered of actions and packages."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

from ioruntime.model.action import Action
from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note
from ioruntime.model.package import Package
from ioruntime.model.trigger import Rule, Trigger

Entity: TypeAlias = Action | Package | Trigger | Rule | Note


class Collection(StrEnum):
    """The kinds of entity; all of a namespace share one key space."""

    ACTIONS = "actions"
    PACKAGES = "packages"
    TRIGGERS = "triggers"
    RULES = "rules"
    NOTES = "notes"
    """The platform's own documents, which no client sees."""


class EntityStore(Protocol):
    """Entities by namespace and key, with optimistic concurrency on their revision."""

    async def read(self, path: EntityPath) -> Entity | None:
        """Return what has this path, of whichever collection, with its revision."""
        ...

    async def write(self, entity: Entity) -> Entity:
        """Create (revision 0) or replace (the revision that was read) an entity; return it with its new revision.

        Revisions are never used twice, not even for a path that was deleted in between.

        Raises:
            ConcurrentModificationError: the path holds another revision, or nothing, or something on create.
            NotFoundError: there is no such namespace to create it in.
        """
        ...

    async def delete(self, entity: Entity) -> None:
        """Delete this revision.

        Raises:
            ConcurrentModificationError: the path holds another revision, or nothing.
        """
        ...

    async def list(
        self,
        namespace: str,
        collection: Collection,
        *,
        package: str | None = None,
        public: bool = False,
        skip: int = 0,
        limit: int = 200,
    ) -> Sequence[Entity]:
        """List newest `updated_ms` first.

        Args:
            package: only the actions inside this package; None lists all.
            public: only packages that are published and no bindings.
        """
        ...

    async def count(self, namespace: str, collection: Collection, *, package: str | None = None, public: bool = False) -> int: ...

    async def everywhere(self, collection: Collection) -> Sequence[Entity]:
        """Return all of a collection, of all namespaces, in no order; for what a process keeps in memory."""
        ...

    async def code_digests(self) -> set[str]:
        """Return the digests of all code that an entity refers to."""
        ...

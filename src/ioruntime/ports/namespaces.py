"""What the core needs remembered of namespaces, their keys and limits."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from ioruntime.model.identity import AuthKey, Namespace, OldKey, Owner


class Change(msgspec.Struct, frozen=True):
    """Something that caches must forget, written by whatever process."""

    sequence: int
    namespace: str
    key: str | None
    """The entity's key, or None when the namespace itself changed or went."""


class NamespaceStore(Protocol):
    """Namespaces by name, owner and key. Each is unique."""

    async def create(self, namespace: Namespace) -> Namespace:
        """Store a namespace; return it, or the one that its owner has already.

        Raises:
            AlreadyExistsError: the name, or the key's uuid, belongs to another owner.
        """
        ...

    async def by_name(self, name: str) -> Namespace | None: ...

    async def by_owner(self, owner: Owner) -> Namespace | None: ...

    async def by_uuid(self, uuid: str) -> Namespace | None:
        """Find whose key has this uuid."""
        ...

    async def list(self) -> Sequence[Namespace]:
        """List all, by name."""
        ...

    async def set_auth(self, name: str, auth: AuthKey, old_key: OldKey | None = None) -> None:
        """Replace the key, and what is left of the one before.

        Raises:
            NotFoundError: no such namespace.
            AlreadyExistsError: another namespace has a key with this uuid.
        """
        ...

    async def set_overrides(self, name: str, overrides: dict[str, Any]) -> None:
        """Replace the namespace's own limits.

        Raises:
            NotFoundError: no such namespace.
        """
        ...

    async def delete(self, name: str) -> bool:
        """Delete it with its entities, activations and accepted requests, all or nothing; False when there was none."""
        ...

    async def changes(self, after: int) -> Sequence[Change]:
        """Return the changes of namespaces and entities with a higher sequence number, in order; kept for an hour at least."""
        ...

    async def last_change(self) -> int: ...

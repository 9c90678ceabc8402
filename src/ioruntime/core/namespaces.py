"""Namespaces: created for an organization's integration, with a key; deleted with everything in them."""

from collections.abc import Sequence
from typing import Any, Protocol

from ioruntime.model.errors import InvalidError, NotFoundError
from ioruntime.model.identity import AuthKey, Namespace, OldKey, Owner
from ioruntime.model.limits import check_override
from ioruntime.model.names import OWN_NAMESPACE, check_namespace_name
from ioruntime.ports.clock import Clock
from ioruntime.ports.namespaces import NamespaceStore


class NamespaceListener(Protocol):
    """Hears of changes, to forget what is cached and to stop what runs."""

    def namespace_changed(self, name: str) -> None:
        """Key or limits are others now."""
        ...

    def namespace_deleted(self, name: str) -> None:
        """Nothing of it is left: not its name, actions, records, nor rights."""
        ...


class Namespaces:
    """The namespaces of the platform."""

    def __init__(self, store: NamespaceStore, *, clock: Clock, listener: NamespaceListener, key_grace_s: float = 0.0) -> None:
        """Keep them in `store`; keys that are replaced are worth something for `key_grace_s` seconds."""
        self._store = store
        self._clock = clock
        self._listener = listener
        self._key_grace_ms = round(key_grace_s * 1000)

    async def create(self, owner: Owner, *, name: str | None = None, auth: AuthKey | None = None) -> Namespace:
        """Create the owner's namespace, or return the one it has.

        Args:
            name: instead of `{orgId}_{intId}`.
            auth: instead of a random key.

        Raises:
            InvalidError: the name is not legal.
            AlreadyExistsError: another owner has the name.
        """
        existing = await self._store.by_owner(owner)
        if existing is not None:
            return existing
        chosen = check_namespace_name(name or owner.default_name)
        if chosen == OWN_NAMESPACE:
            raise InvalidError(f"A namespace cannot be named '{OWN_NAMESPACE}': in a path that means the caller's own.")
        namespace = Namespace(name=chosen, owner=owner, auth=auth or AuthKey.generate(), created_ms=self._clock.now_ms())
        return await self._store.create(namespace)

    async def read(self, owner: Owner) -> Namespace:
        """Return the owner's namespace.

        Raises:
            NotFoundError: it has none.
        """
        found = await self._store.by_owner(owner)
        if found is None:
            raise NotFoundError
        return found

    async def named(self, name: str) -> Namespace:
        """Return the namespace of this name.

        Raises:
            NotFoundError: there is none.
        """
        found = await self._store.by_name(name)
        if found is None:
            raise NotFoundError(f"There is no namespace named '{name}'.")
        return found

    async def list(self) -> Sequence[Namespace]:
        return await self._store.list()

    async def delete(self, owner: Owner) -> Namespace:
        """Delete the owner's namespace with everything in it; return what it was.

        Raises:
            NotFoundError: it has none.
        """
        namespace = await self.read(owner)
        if not await self._store.delete(namespace.name):
            raise NotFoundError
        self._listener.namespace_deleted(namespace.name)
        return namespace

    async def rotate_key(self, owner: Owner, auth: AuthKey | None = None) -> Namespace:
        """Give the owner's namespace a new key; the old one is worth nothing when the grace time is over.

        With a grace time the uuid stays, unless `auth` has another one: then the old key is worth nothing at once.

        Raises:
            NotFoundError: it has none.
        """
        namespace = await self.read(owner)
        old = namespace.auth
        new = auth or AuthKey.generate(old.uuid if self._key_grace_ms else None)
        keeps = bool(self._key_grace_ms) and new.uuid == old.uuid and new != old
        until_ms = self._clock.now_ms() + self._key_grace_ms
        await self._store.set_auth(namespace.name, new, OldKey(old.key, until_ms) if keeps else None)
        self._listener.namespace_changed(namespace.name)
        return await self.read(owner)

    async def set_limits(self, name: str, changes: dict[str, Any]) -> Namespace:
        """Overlay the namespace's own limits with `changes`.

        Raises:
            InvalidError: a limit that does not exist, or a wrong value.
            NotFoundError: no such namespace.
        """
        checked = {key: check_override(key, value) for key, value in changes.items()}
        namespace = await self.named(name)
        await self._store.set_overrides(name, namespace.overrides | checked)
        self._listener.namespace_changed(name)
        return await self.named(name)

    async def clear_limits(self, name: str) -> Namespace:
        """Give the namespace the platform's limits again.

        Raises:
            NotFoundError: no such namespace.
        """
        await self.named(name)
        await self._store.set_overrides(name, {})
        self._listener.namespace_changed(name)
        return await self.named(name)

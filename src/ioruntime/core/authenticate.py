"""Who asks: from an OpenWhisk key or a bearer token to an identity.

Identities are cached by the key's uuid, by owner and by name, and forgotten when their namespace changes, so the hot path
reads no store.
"""

import hmac

from ioruntime.model.errors import ForbiddenError, InvalidCredentialsError, NotFoundError
from ioruntime.model.identity import AuthKey, Identity, Namespace, Owner
from ioruntime.ports.clock import Clock
from ioruntime.ports.namespaces import NamespaceStore
from ioruntime.ports.tokens import Claims, TokenVerifier

ADMIN_SCOPE = "admin"


class Authenticator:
    """Checks credentials against the namespaces and the token issuer."""

    def __init__(self, namespaces: NamespaceStore, verifier: TokenVerifier, clock: Clock | None = None) -> None:
        """Ask these.

        Args:
            namespaces: whose keys are valid.
            verifier: of bearer tokens.
            clock: says whether a replaced key is worth something still; without one it never is.
        """
        self._namespaces = namespaces
        self._verifier = verifier
        self._clock = clock
        self._by_uuid: dict[str, Identity] = {}
        self._by_owner: dict[Owner, Identity] = {}
        self._by_name: dict[str, Identity] = {}
        self._generation = 0

    @property
    def generation(self) -> int:
        """Grows whenever something is forgotten: what was returned before may be out of date then."""
        return self._generation

    async def basic(self, auth: AuthKey) -> Identity:
        """Return whose key this is.

        Raises:
            InvalidCredentialsError: nobody's, or the secret part is wrong.
        """
        identity = self._by_uuid.get(auth.uuid)
        if identity is None:
            identity = await self._load(auth.uuid)
        if _is_same(identity.namespace.auth.key, auth.key) or self._is_old(identity.namespace, auth.key):
            return identity
        raise InvalidCredentialsError

    async def bearer(self, token: str) -> Claims:
        """Return what a token says.

        Raises:
            InvalidCredentialsError: it is not valid.
        """
        return await self._verifier.verify(token)

    async def acting_in(self, claims: Claims, namespace: str) -> Identity:
        """Let the holder of a token act in a namespace.

        Raises:
            ForbiddenError: the token does not reach it, or there is no such namespace.
        """
        found = await self._namespaces.by_name(namespace)
        if found is None or not claims.reaches(found.owner.org_id, found.owner.int_id):
            raise ForbiddenError.to(namespace)
        return identify(found)

    async def owned_by(self, claims: Claims, owner: Owner) -> Identity:
        """Let the holder of a token act in the namespace of an organization's integration.

        Raises:
            ForbiddenError: the token does not reach it.
            NotFoundError: it has no namespace.
        """
        if not claims.reaches(owner.org_id, owner.int_id):
            raise ForbiddenError.to(f"{owner.org_id}/{owner.int_id}")
        identity = self._by_owner.get(owner)
        return identity if identity is not None else await self._load_owned(owner)

    async def named(self, namespace: str) -> Identity:
        """Return a namespace's own subject, in whose name its web actions run.

        Raises:
            NotFoundError: there is no such namespace.
        """
        identity = self._by_name.get(namespace)
        return identity if identity is not None else await self._load_named(namespace)

    def forget(self, namespace: str) -> None:
        """Drop what is cached of a namespace that changed."""
        self._generation += 1
        self._by_name.pop(namespace, None)
        stale = [uuid for uuid, identity in self._by_uuid.items() if identity.name == namespace]
        for uuid in stale:
            del self._by_uuid[uuid]
        for owner in [owner for owner, identity in self._by_owner.items() if identity.name == namespace]:
            del self._by_owner[owner]

    def _is_old(self, namespace: Namespace, key: str) -> bool:
        """Tell whether a key was replaced so lately that it is worth something still."""
        old = namespace.old_key
        return old is not None and self._clock is not None and self._clock.now_ms() < old.until_ms and _is_same(old.key, key)

    async def _load(self, uuid: str) -> Identity:
        generation = self._generation
        namespace = await self._namespaces.by_uuid(uuid)
        if namespace is None:
            raise InvalidCredentialsError
        identity = identify(namespace)
        if generation == self._generation:
            self._by_uuid[uuid] = identity
        return identity

    async def _load_owned(self, owner: Owner) -> Identity:
        generation = self._generation
        namespace = await self._namespaces.by_owner(owner)
        if namespace is None:
            raise NotFoundError
        identity = identify(namespace)
        if generation == self._generation:
            self._by_owner[owner] = identity
        return identity

    async def _load_named(self, name: str) -> Identity:
        generation = self._generation
        namespace = await self._namespaces.by_name(name)
        if namespace is None:
            raise NotFoundError
        identity = identify(namespace)
        if generation == self._generation:
            self._by_name[name] = identity
        return identity


def _is_same(key: str, given: str) -> bool:
    """Compare in a time that tells nothing of where two keys differ."""
    return hmac.compare_digest(key.encode(), given.encode())


def identify(namespace: Namespace) -> Identity:
    """Return the namespace's own subject."""
    return Identity(namespace, subject=namespace.name)

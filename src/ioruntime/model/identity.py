"""Who owns things and who asks for them."""

import secrets
import string
import uuid
from typing import Any, Self

import msgspec

from ioruntime.model.errors import InvalidError
from ioruntime.model.names import check_namespace_name

_ALPHABET = string.ascii_letters + string.digits
_KEY_LENGTH = 64


class AuthKey(msgspec.Struct, frozen=True):
    """OpenWhisk's credential of a namespace; written `uuid:key`."""

    uuid: str
    key: str

    @classmethod
    def generate(cls, name: str | None = None) -> Self:
        """Make a key that nobody can guess.

        Args:
            name: the uuid; None makes a new one.
        """
        return cls(name or str(uuid.uuid4()), "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `uuid:key`.

        Raises:
            InvalidError: there is no colon, or a part is empty.
        """
        name, colon, key = text.partition(":")
        if not (name and colon and key):
            raise InvalidError("An auth key has the form uuid:key.")
        return cls(name, key)

    def __str__(self) -> str:
        return f"{self.uuid}:{self.key}"

    def __repr__(self) -> str:
        """Hide the secret: representations end in logs."""
        return f"AuthKey({self.uuid}:…)"


class OldKey(msgspec.Struct, frozen=True):
    """The secret half of a key that was replaced, and goes on to be worth something for a while."""

    key: str
    until_ms: int

    def __repr__(self) -> str:
        """Hide the secret: representations end in logs."""
        return f"OldKey(…, until_ms={self.until_ms})"


class Owner(msgspec.Struct, frozen=True):
    """Adobe's owner of a namespace."""

    org_id: str
    int_id: str

    @classmethod
    def of(cls, org_id: str, int_id: str) -> Self:
        """Check both ids by the rule for namespace names, which they become part of.

        Raises:
            InvalidError: one of them is not legal.
        """
        return cls(check_namespace_name(org_id), check_namespace_name(int_id))

    @property
    def default_name(self) -> str:
        """The namespace's name unless the operator chose one."""
        return f"{self.org_id}_{self.int_id}"


class Namespace(msgspec.Struct, frozen=True, kw_only=True):
    """A namespace with its owner, its key and its own limits."""

    name: str
    owner: Owner
    auth: AuthKey
    old_key: OldKey | None = None
    """With the uuid of `auth`."""
    overrides: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """By the names of `GET .../limits`."""
    created_ms: int = 0


class Identity(msgspec.Struct, frozen=True):
    """Who asks: a subject acting in its namespace."""

    namespace: Namespace
    subject: str

    @property
    def name(self) -> str:
        return self.namespace.name

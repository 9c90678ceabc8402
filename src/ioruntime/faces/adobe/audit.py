"""What is told of administrative changes."""

from typing import Protocol

import msgspec


class AdminChange(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an administrator did."""

    what: str
    """Such as `namespace deleted`."""
    namespace: str
    who: str
    """The token's subject, or the user of this machine."""
    client: str = ""
    """Whom the token was issued to."""
    transaction: str = ""


class AuditLog(Protocol):
    """Hears of changes."""

    def changed(self, change: AdminChange) -> None: ...


class NoAudit:
    """Nobody wants to know."""

    def changed(self, change: AdminChange) -> None:
        """Forget it."""

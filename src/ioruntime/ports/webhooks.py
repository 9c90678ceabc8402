"""What the core needs to tell other servers something."""

from typing import Protocol

import msgspec


class Webhook(msgspec.Struct, frozen=True):
    """One POST to somebody else's server."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        """Hide headers and body, which hold secrets: representations end in logs."""
        return f"<Webhook to {self.url}>"


class WebhookSender(Protocol):
    """Sends webhooks over HTTP."""

    async def send(self, webhook: Webhook) -> int:
        """Return the answer's status; redirections are not followed.

        Raises:
            ForbiddenError: the platform does not send to such an address.
            UnavailableError: there was no answer in time, and why.
        """
        ...

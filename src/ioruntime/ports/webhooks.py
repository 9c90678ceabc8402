"""What the core needs to tell other servers something."""

from typing import Literal, Protocol

import msgspec

from ioruntime.model.errors import UnavailableError


class NoAnswerInTimeError(UnavailableError):
    """The server took too long."""


class NoTrustError(UnavailableError):
    """The server has no certificate that can be trusted."""


class Webhook(msgspec.Struct, frozen=True):
    """One request to somebody else's server."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: Literal["GET", "POST"] = "POST"

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


class WebhookAnswer(msgspec.Struct, frozen=True):
    """What somebody else's server said."""

    status: int
    content_type: str
    body: bytes
    """Cut at 64 KB; the rest is not read."""


class WebhookExchanger(Protocol):
    """Sends webhooks over HTTP, and cares for what comes back."""

    async def exchange(self, webhook: Webhook) -> WebhookAnswer:
        """Return the answer; redirections are not followed.

        Raises:
            ForbiddenError: the platform does not send to such an address.
            NoAnswerInTimeError, NoTrustError: as they say.
            UnavailableError: there was no answer for another reason.
        """
        ...

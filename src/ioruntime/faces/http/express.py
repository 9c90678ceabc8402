"""The short way of a request whose head was answered before: what the head means is known, only the body is new.

A handler that has answered a request in the ordinary way may leave a recipe with the call. The server keeps it under the
bytes of the request's head, and asks it first when the same head comes again. A recipe that says no leaves everything to
the ordinary way, which also writes every refusal; so nothing is decided here that is not decided there.
"""

from collections.abc import Callable

import msgspec

from ioruntime.core.authenticate import Authenticator
from ioruntime.core.invocation import Invocations, Outcome
from ioruntime.core.resolve import Resolved, Resolver
from ioruntime.faces.http.call import Answer, Reply
from ioruntime.model.errors import IoRuntimeError
from ioruntime.model.identity import Identity


class Freshness(msgspec.Struct, frozen=True):
    """What a recipe was made from, and whether that is still so."""

    authenticator: Authenticator
    resolver: Resolver
    identities: int
    actions: int

    @classmethod
    def now(cls, authenticator: Authenticator, resolver: Resolver) -> "Freshness":
        return cls(authenticator, resolver, authenticator.generation, resolver.generation)

    @property
    def is_lost(self) -> bool:
        """True when anything was forgotten since: a namespace, a key, an action, a package."""
        return self.authenticator.generation != self.identities or self.resolver.generation != self.actions


class InvokeRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """Invokes an action with the body, and waits."""

    invocations: Invocations
    freshness: Freshness
    identity: Identity
    resolved: Resolved
    wait_ms: int
    payload_bytes: int
    """The largest body."""
    show: Callable[[Outcome], Reply]
    keep: bool = False
    """Record it in any case."""

    def begin(self, body: bytes, transaction_id: str, answer: Answer) -> bool:
        if self.freshness.is_lost or len(body) > self.payload_bytes:
            return False

        def done(outcome: Outcome | IoRuntimeError) -> None:
            answer(outcome if isinstance(outcome, IoRuntimeError) else self.show(outcome))

        try:
            arguments = self.resolved.arguments_of(body)
            return arguments is not None and self.invocations.begin(
                self.identity,
                self.resolved,
                arguments,
                done,
                transaction_id=transaction_id,
                wait_ms=self.wait_ms,
                keep=self.keep,
            )
        except IoRuntimeError:
            return False  # the ordinary way says the same, and how

"""Tells a trigger or an action of what finally failed, with the reason and the arguments to do it again."""

import msgspec

from ioruntime.core.authenticate import identify
from ioruntime.core.firing import Firing
from ioruntime.core.invocation import Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.model.activation import Activation
from ioruntime.model.handling import LETTER_PREFIX, DeadLetter
from ioruntime.model.params import Arguments
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.namespaces import NamespaceStore

_encode = msgspec.json.encode


class LetterBox:
    """Delivers dead letters; `connect` comes before the first."""

    def __init__(self, *, namespaces: NamespaceStore, resolver: Resolver) -> None:
        self._namespaces = namespaces
        self._resolver = resolver

    def connect(self, invocations: Invocations, firing: Firing) -> None:
        """Say who starts actions and fires triggers; they need the one who needs this."""
        self._invocations, self._firing = invocations, firing

    async def send(self, request: InvocationRequest, activation: Activation, target: DeadLetter) -> None:
        """Fire the trigger or start the action, in the namespace of the activation.

        Raises:
            IoRuntimeError: it is not there, or cannot be started now.
        """
        namespace = await self._namespaces.by_name(request.namespace)
        if namespace is None:
            return
        identity, letter = identify(namespace), letter_of(request, activation)
        transaction_id = LETTER_PREFIX + activation.activation_id
        if target.collection == "trigger":
            await self._firing.fire(identity, target.path, letter, headers={}, transaction_id=transaction_id)
        else:
            resolved = await self._resolver.runnable(identity, target.path)
            await self._invocations.invoke(identity, resolved, letter, transaction_id=transaction_id)


def letter_of(request: InvocationRequest, activation: Activation) -> Arguments:
    """Write what failed, why, and what it was called with (pure)."""
    fields: dict[str, object] = {
        "activationId": activation.activation_id,
        "firstActivationId": request.retry_of or activation.activation_id,
        "action": f"/{request.path}",
        "attempts": max(1, request.attempt),
        "status": activation.status.text,
    }
    letter = {key: msgspec.Raw(_encode(value)) for key, value in fields.items()}
    return letter | {"result": activation.result, "arguments": request.arguments}

"""What an activation started: the components of a composition, the actions of a trigger's rules; as a tree."""

from collections.abc import Iterable, Sequence

import msgspec

from ioruntime.core.activations import Activations
from ioruntime.model.activation import Activation, ActivationId, check_activation_id
from ioruntime.model.errors import InvalidError, NotFoundError
from ioruntime.model.params import annotation

_MOST = 200
_DEPTH_MOST = 8


class Descendant(msgspec.Struct, frozen=True):
    """An activation at its place in the tree; its logs are what it started, when it is a composition."""

    activation: Activation
    depth: int
    """0 for the activation that was asked for."""


class _StartedLine(msgspec.Struct, frozen=True, rename="camel"):
    """A line that a trigger's record has for each rule."""

    activation_id: str = ""


def started_by(activation: Activation) -> Sequence[ActivationId]:
    """Name the activations that a record says it started (pure)."""
    kind = annotation(activation.annotations, "kind")
    if kind == "sequence" or annotation(activation.annotations, "conductor") is True:
        return _ids(activation.logs)
    if kind is None:  # a trigger has no kind
        return _ids(_of_rule(line) for line in activation.logs)
    return ()


async def lineage(activations: Activations, root: Activation) -> Sequence[Descendant]:
    """Return an activation and what came of it, each before what it started; what has no record yet is left out.

    At most 200 records, 8 levels deep.
    """
    found = [Descendant(root, 0)]
    waiting = [(each, 1) for each in reversed(started_by(root))]
    while waiting and len(found) < _MOST:
        activation_id, depth = waiting.pop()
        try:
            activation = await activations.read(root.namespace, activation_id)
        except NotFoundError:
            continue
        found.append(Descendant(activation, depth))
        if depth < _DEPTH_MOST:
            waiting.extend((each, depth + 1) for each in reversed(started_by(activation)))
    return found


def _of_rule(line: str) -> str:
    try:
        return msgspec.json.decode(line, type=_StartedLine).activation_id
    except msgspec.DecodeError:
        return ""


def _ids(texts: Iterable[str]) -> Sequence[ActivationId]:
    found: list[ActivationId] = []
    for text in texts:
        try:
            found.append(check_activation_id(text))
        except InvalidError:
            continue
    return found

"""What an action wants done when an activation of it fails: tried again, or told to another (pure).

Two annotations say it: `retry`, an object with `attempts`, `backoff_s` and `on`; and `dead-letter`, an object with either
`trigger` or `action`. Neither is OpenWhisk's, where what failed stays failed.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from ioruntime.model.activation import Status
from ioruntime.model.errors import InvalidError
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, annotation, has_annotation

RETRY, DEAD_LETTER = "retry", "dead-letter"
ATTEMPTS_MOST = 10
BACKOFF_S_MOST = 3600.0
LETTER_PREFIX = "dead-letter-"
"""Of the transaction id of what a dead letter starts: that leaves no dead letters itself, so that none goes in circles."""

Reason: TypeAlias = Literal["platform", "developer", "application"]
_REASONS: dict[Status, Reason] = {
    Status.APPLICATION_ERROR: "application",
    Status.DEVELOPER_ERROR: "developer",
    Status.WHISK_ERROR: "platform",
}


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often, when and why to try again."""

    attempts: Annotated[int, Meta(ge=1, le=ATTEMPTS_MOST)]
    """In all, with the first."""
    backoff_s: Annotated[float, Meta(ge=0, le=BACKOFF_S_MOST)] = 1.0
    """Before the second attempt, seconds; twice as long before each that follows, an hour at the most."""
    on: Annotated[tuple[Reason, ...], Meta(min_length=1)] = ("platform",)


class DeadLetter(msgspec.Struct, frozen=True):
    """Who is told of what finally failed."""

    collection: Literal["trigger", "action"]
    path: EntityPath


class Handling(msgspec.Struct, frozen=True):
    """Both, as far as an action asks for them."""

    retry: Retry | None
    dead_letter: DeadLetter | None

    def delay_s(self, status: Status, attempt: int) -> float | None:
        """Return how long after a failed attempt the next one starts; None: there is none.

        Args:
            attempt: of the one that failed, from 1.
        """
        if self.retry is None or attempt >= self.retry.attempts or _REASONS.get(status) not in self.retry.on:
            return None
        return min(BACKOFF_S_MOST, self.retry.backoff_s * 2 ** (attempt - 1))


def is_handled(annotations: Sequence[Annotation]) -> bool:
    """Tell whether an action asks for anything."""
    return has_annotation(annotations, RETRY) or has_annotation(annotations, DEAD_LETTER)


def read_handling(annotations: Sequence[Annotation], *, own_namespace: str) -> Handling:
    """Read what an action asks for.

    Raises:
        InvalidError: an annotation is not what it must be; the text names it.
    """
    retry, letter = annotation(annotations, RETRY), annotation(annotations, DEAD_LETTER)
    return Handling(None if retry is None else _retry_of(retry), None if letter is None else _letter_of(letter, own_namespace))


def _retry_of(value: Any) -> Retry:
    try:
        return msgspec.convert(value, Retry)
    except msgspec.ValidationError as error:
        raise InvalidError(f"The annotation '{RETRY}' is not what it must be: {error}.") from error


def _letter_of(value: Any, own_namespace: str) -> DeadLetter:
    match value:
        case {"trigger": str(name), **rest} if not rest:
            return DeadLetter("trigger", _path(name, own_namespace))
        case {"action": str(name), **rest} if not rest:
            return DeadLetter("action", _path(name, own_namespace))
        case _:
            raise InvalidError(f"The annotation '{DEAD_LETTER}' must be an object with either 'trigger' or 'action', a name.")


@lru_cache(maxsize=1024)
def _path(name: str, own_namespace: str) -> EntityPath:
    try:
        path = EntityPath.parse(name if name.count("/") > 1 else f"_/{name}", own_namespace=own_namespace)
    except InvalidError as error:
        raise InvalidError(f"The annotation '{DEAD_LETTER}' names '{name}', which is no name: {error}") from error
    if path.namespace != own_namespace:
        raise InvalidError(f"The annotation '{DEAD_LETTER}' names '{name}', which is in another namespace.")
    return path

"""What the platform keeps for a namespace beside its entities: schedules, routes, destinations of logs.

Notes live in the same store and key space as entities, under keys that no client can write, so they are versioned,
announced to other processes, and deleted with their namespace like everything else.
"""

from typing import Any, Self

import msgspec

from ioruntime.model.names import EntityPath

_MARK = ":"
"""Illegal at the start of a name, so a note never meets an entity."""


class Note(msgspec.Struct, frozen=True, kw_only=True, tag="note"):
    """A JSON document of the platform's own."""

    path: EntityPath
    """Its name is `:topic:key`."""
    content: dict[str, Any]
    publish: bool = False
    updated_ms: int = 0
    revision: int = 0

    @classmethod
    def of(cls, namespace: str, topic: str, key: str, content: dict[str, Any]) -> Self:
        return cls(path=note_path(namespace, topic, key), content=content)

    @property
    def topic(self) -> str:
        return self.path.name.split(_MARK, 2)[1]

    @property
    def key(self) -> str:
        return self.path.name.split(_MARK, 2)[2]


def note_path(namespace: str, topic: str, key: str) -> EntityPath:
    """Return where a note lives.

    Args:
        namespace: whose it is; deleted with it.
        topic: lower-case letters: what sort of note it is, such as `alarm`.
        key: any text; unique within namespace and topic.
    """
    return EntityPath(namespace, f"{_MARK}{topic}{_MARK}{key}")

"""All notes of one topic, of all namespaces, in this process's memory, found by keys; the store has the truth.

Changes are told to `forget` and read before the next answer, so nothing here runs by itself.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note, note_path
from ioruntime.ports.entities import Collection, EntityStore

T = TypeVar("T")


class Mirror(Generic[T]):
    """What a topic's notes say, read when first asked for and kept up with changes."""

    def __init__(
        self, entities: EntityStore, topic: str, *, read: Callable[[Note], T], keys: Callable[[T], Iterable[Hashable]]
    ) -> None:
        """
        Args:
            read: makes a value of a note's content.
            keys: what a value can be found by, beside its path.
        """
        self._entities = entities
        self._topic = topic
        self._prefix = note_path("", topic, "").name
        self._read = read
        self._keys = keys
        self._values: dict[EntityPath, T] = {}
        self._by_key: dict[Hashable, dict[EntityPath, T]] = {}
        self._changed: set[EntityPath] = set()
        self._reading = asyncio.Lock()
        self._is_loaded = False
        self._deletions = 0
        """How many namespaces went, to see whether one did while notes were read."""

    def __repr__(self) -> str:
        return f"<Mirror of {len(self._values)} {self._topic}s, {len(self._changed)} changed>"

    async def get(self, path: EntityPath) -> T | None:
        """Return what the note at `path` says, None when there is none."""
        await self._catch_up()
        return self._values.get(path)

    async def having(self, key: Hashable) -> Sequence[T]:
        """Return the values that have a key, in no order."""
        await self._catch_up()
        return tuple(self._by_key.get(key, {}).values())

    def forget(self, namespace: str, key: str | None) -> None:
        """Hear that a note changed or, when `key` is None, that its namespace is gone."""
        if key is None:
            self._deletions += 1
            self._changed = {path for path in self._changed if path.namespace != namespace}
            for path in [path for path in self._values if path.namespace == namespace]:
                self._drop(path)
        elif key.startswith(self._prefix):
            self._changed.add(EntityPath(namespace, key))

    async def _catch_up(self) -> None:
        if self._is_loaded and not self._changed:
            return
        async with self._reading:
            while not self._is_loaded:
                await self._load()
            while self._changed:
                await self._reread(next(iter(self._changed)))

    async def _load(self) -> None:
        deletions = self._deletions
        self._changed.clear()
        notes = await self._entities.everywhere(Collection.NOTES)
        if deletions != self._deletions:
            return
        for note in notes:
            if isinstance(note, Note) and note.topic == self._topic:
                self._put(note)
        self._is_loaded = True

    async def _reread(self, path: EntityPath) -> None:
        deletions = self._deletions
        self._changed.discard(path)
        try:
            found = await self._entities.read(path)
        except BaseException:
            self._changed.add(path)
            raise
        if deletions != self._deletions:
            self._changed.add(path)
        elif isinstance(found, Note):
            self._put(found)
        else:
            self._drop(path)

    def _put(self, note: Note) -> None:
        self._drop(note.path)
        value = self._values[note.path] = self._read(note)
        for key in self._keys(value):
            self._by_key.setdefault(key, {})[note.path] = value

    def _drop(self, path: EntityPath) -> None:
        value = self._values.pop(path, None)
        if value is None:
            return
        for key in self._keys(value):
            found = self._by_key.get(key, {})
            found.pop(path, None)
            if not found:
                self._by_key.pop(key, None)

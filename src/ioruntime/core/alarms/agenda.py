"""Which alarms are next: a heap of their notes, and the list of those that changed since somebody looked."""

import asyncio
from collections.abc import Iterator
from heapq import heappop, heappush

from ioruntime.model.names import EntityPath
from ioruntime.model.note import Note, note_path


class Agenda:
    """The alarms of all namespaces that are going, in this process's memory; the store has the truth."""

    def __init__(self, topic: str) -> None:
        self._prefix = note_path("", topic, "").name
        self._entries: dict[EntityPath, tuple[int, Note]] = {}
        self._heap: list[tuple[int, str, str]] = []
        """Moment, namespace and name; stale when the entry says another moment."""
        self._changed: set[EntityPath] = set()
        self._woken = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Agenda of {len(self._entries)}, next at {self.next_ms}>"

    def put(self, note: Note, moment_ms: int) -> None:
        """Enter a note, or move it to another moment."""
        self._entries[note.path] = moment_ms, note
        heappush(self._heap, (moment_ms, note.path.namespace, note.path.name))

    def drop(self, path: EntityPath) -> None:
        """Strike a note out."""
        self._entries.pop(path, None)

    def take_due(self, now_ms: int, *, most: int) -> list[Note]:
        """Take out the notes whose moment has come, the earliest first."""
        due: list[Note] = []
        while len(due) < most and (moment_ms := self.next_ms) is not None and moment_ms <= now_ms:
            path = _path(heappop(self._heap))
            due.append(self._entries.pop(path)[1])
        return due

    @property
    def next_ms(self) -> int | None:
        """The earliest moment, None when nothing is entered."""
        while self._heap and self._is_stale(self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def forget(self, namespace: str, key: str | None) -> None:
        """Hear that an entity changed or, when `key` is None, that its namespace is gone."""
        if key is None:
            for path in [path for path in self._entries if path.namespace == namespace]:
                del self._entries[path]
        elif key.startswith(self._prefix):
            self._changed.add(EntityPath(namespace, key))
            self._woken.set()

    def take_changed(self) -> Iterator[EntityPath]:
        """Give out, one by one, the notes that changed since they were read last."""
        self._woken.clear()
        while self._changed:
            yield self._changed.pop()

    def wake(self) -> None:
        """End the wait of `woken`."""
        self._woken.set()

    async def woken(self) -> None:
        """Wait until something changed."""
        await self._woken.wait()

    def _is_stale(self, item: tuple[int, str, str]) -> bool:
        entry = self._entries.get(_path(item))
        return entry is None or entry[0] != item[0]


def _path(item: tuple[int, str, str]) -> EntityPath:
    return EntityPath(item[1], item[2])

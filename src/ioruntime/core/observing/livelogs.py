"""Logs while they are written: of one activation until its end, or of a whole namespace.

Lines are looked for ten times a second rather than announced: an announcement would cost every activation, and few are
watched. What a short activation wrote between two looks comes with its record.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeAlias

import msgspec

from ioruntime.core.activations import Activations
from ioruntime.core.observing.tail import BEAT_S, Tail
from ioruntime.model.activation import Activation, ActivationId
from ioruntime.model.errors import NotFoundError
from ioruntime.ports.running import RunningLogs

LOOK_S = 0.1


class LogLine(msgspec.Struct, frozen=True, rename="camel"):
    """A line as it was written."""

    activation_id: ActivationId
    line: str


Heard: TypeAlias = LogLine | Activation | None
"""A line, the record at the end of an activation, or silence for a while."""


class LiveLogs:
    """Follows logs."""

    def __init__(
        self, running: RunningLogs, activations: Activations, tail: Tail, *, is_expected: Callable[[ActivationId], bool]
    ) -> None:
        """
        Args:
            is_expected: tells whether an activation was accepted and has no record yet.
        """
        self._running = running
        self._activations = activations
        self._tail = tail
        self._is_expected = is_expected

    async def check(self, namespace: str, activation_id: ActivationId) -> None:
        """Let pass what can be followed.

        Raises:
            NotFoundError: no such activation runs, will run, or did.
        """
        if not self._is_expected(activation_id) and await self._record(namespace, activation_id) is None:
            raise NotFoundError

    async def follow(
        self, namespace: str, activation_id: ActivationId, *, look_s: float = LOOK_S, beat_s: float = BEAT_S
    ) -> AsyncGenerator[Heard]:
        """Give out the lines of an activation from its first on, and its record at the end."""
        sent, quiet_s = 0, 0.0
        while not self._tail.is_closed:
            expected = self._is_expected(activation_id)  # before the record is looked for, which may come in between
            lines = self._running.lines(namespace, activation_id, after=sent)
            record = await self._record(namespace, activation_id) if lines is None else None
            for line in lines or (record.logs[sent:] if record else ()):
                yield LogLine(activation_id, line)
                sent, quiet_s = sent + 1, 0.0
            if record is not None:
                yield record
            if record is not None or (lines is None and not expected):
                return
            await asyncio.sleep(look_s)
            quiet_s += look_s
            if quiet_s >= beat_s:
                yield None
                quiet_s = 0.0

    async def follow_all(self, namespace: str, *, look_s: float = LOOK_S, beat_s: float = BEAT_S) -> AsyncGenerator[Heard]:
        """Give out the lines of all activations of a namespace, and each record, until the platform stops."""
        sent: dict[ActivationId, int] = {}
        quiet_s = 0.0
        async for record in self._tail.follow(namespace, beat_s=look_s):
            for heard in self._new_lines(namespace, sent) if record is None else _rest(record, sent):
                quiet_s = 0.0
                yield heard
            quiet_s += look_s
            if quiet_s >= beat_s:
                yield None
                quiet_s = 0.0

    def _new_lines(self, namespace: str, sent: dict[ActivationId, int]) -> list[LogLine]:
        found: list[LogLine] = []
        for activation_id in self._running.running(namespace):
            lines = self._running.lines(namespace, activation_id, after=sent.get(activation_id, 0)) or ()
            sent[activation_id] = sent.get(activation_id, 0) + len(lines)
            found += [LogLine(activation_id, line) for line in lines]
        return found

    async def _record(self, namespace: str, activation_id: ActivationId) -> Activation | None:
        try:
            return await self._activations.read(namespace, activation_id)
        except NotFoundError:
            return None


def _rest(record: Activation, sent: dict[ActivationId, int]) -> list[Heard]:
    """Return what of a record was not told yet, and the record."""
    lines = record.logs[sent.pop(record.activation_id, 0) :]
    return [*(LogLine(record.activation_id, line) for line in lines), record]

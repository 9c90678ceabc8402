"""The lines by which images of OpenWhisk end an activation's output: found, counted, and left out. Pure."""

from ioruntime.ports.sandbox import Stream

SENTINEL = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
_LINE = SENTINEL + b"\n"


class Framing:
    """Filters the output of one sandbox.

    An action that prints the line itself cuts its own log short, and nobody else's: what a sandbox writes is only ever
    given to activations of the one action that it serves.
    """

    def __init__(self) -> None:
        self._held = dict.fromkeys(Stream, b"")
        self._ends = dict.fromkeys(Stream, 0)

    @property
    def complete(self) -> bool:
        """Whether both streams have ended since `forget`."""
        return all(self._ends.values())

    def forget(self) -> None:
        """Begin to look for the ends of another activation."""
        self._ends = dict.fromkeys(Stream, 0)

    def feed(self, stream: Stream, data: bytes) -> bytes:
        """Return `data` without sentinels; the beginning of what may become one is held back until more is known."""
        whole = self._held[stream] + data
        self._ends[stream] += whole.count(_LINE)
        whole = whole.replace(_LINE, b"")
        kept = _beginning_of_sentinel(whole)
        self._held[stream] = whole[len(whole) - kept :]
        return whole[: len(whole) - kept]

    def rest(self, stream: Stream) -> bytes:
        """Return what was held back, for nothing more comes."""
        rest, self._held[stream] = self._held[stream], b""
        return rest


def _beginning_of_sentinel(text: bytes) -> int:
    """Length of the longest end of `text` that a sentinel's line begins with."""
    for length in range(min(len(_LINE) - 1, len(text)), 0, -1):
        if text.endswith(_LINE[:length]):
            return length
    return 0

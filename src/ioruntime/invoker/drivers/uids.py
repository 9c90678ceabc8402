"""User ids of this machine that live sandboxes run under, each its own."""

from collections import deque

from ioruntime.ports.sandbox import SandboxError


class UidPool:
    """The one unused for longest comes first, so what a sandbox left behind belongs to nobody for a while."""

    def __init__(self, first: int, last: int) -> None:
        self._range = (first, last)
        self._next = first
        self._returned: deque[int] = deque()

    def take(self) -> int:
        """Borrow a user id until `give_back`.

        Raises:
            SandboxError: all are in use.
        """
        first, last = self._range
        if self._next <= last:
            self._next += 1
            return self._next - 1
        if not self._returned:
            raise SandboxError(f"All user ids from {first} to {last} are in use.")
        return self._returned.popleft()

    def give_back(self, uid: int) -> None:
        self._returned.append(uid)

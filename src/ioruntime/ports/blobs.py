"""What the core and the invoker need of a place for action code."""

from typing import Protocol


class BlobStore(Protocol):
    """Immutable bytes by their SHA-256 in hexadecimal."""

    async def put(self, content: bytes) -> str:
        """Store and return the digest; on stable storage when it returns.

        Content that is there already is kept as it is, and counts as new for `sweep`.
        """
        ...

    async def get(self, digest: str) -> bytes:
        """Return the content.

        Raises:
            NotFoundError: there is none.
            CorruptError: what is stored does not have this digest.
        """
        ...

    async def sweep(self, keep: set[str], *, older_than_s: float) -> int:
        """Delete blobs that are not in `keep` and were put longer ago; return how many."""
        ...

"""Short paths on a namespace's own host: `/PACKAGE/ACTION`, and `/` for the page `public/index.html`."""

from collections.abc import Iterable
from typing import Protocol, cast

from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Receive, Scope, Send
from ioruntime.faces.web.address import PREFIXES
from ioruntime.faces.web.hosts import Hosts

INDEX = b"/public/index.html"
_MOUNT = PREFIXES[0].encode()


class Served(Protocol):
    """An ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class ShortPaths:
    """Turns short paths into the long ones of web actions, and hands every request on."""

    def __init__(self, served: Served, hosts: Hosts, faces: Iterable[Face]) -> None:
        """
        Args:
            faces: what is there under paths of its own, which are never short for anything.
        """
        self._served = served
        self._hosts = hosts
        paths = [path for face in faces for path in (*face.prefixes, *(operation.path for operation in face.operations))]
        self._taken = frozenset(_first(path.encode()) for path in paths) - {b""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._hosts.namespace_of(scope["headers"]) is not None:
            scope = self._lengthened(scope)
        await self._served(scope, receive, send)

    def _lengthened(self, scope: Scope) -> Scope:
        raw_path = cast("bytes", scope.get("raw_path") or scope["path"].encode())
        path = b"/" + raw_path.partition(b"?")[0].lstrip(b"/")
        if _first(path) in self._taken:
            return scope
        whole = _MOUNT + (INDEX if path == b"/" else path)
        return {**scope, "raw_path": whole, "path": whole.decode("latin-1")}


def _first(path: bytes) -> bytes:
    return path.lstrip(b"/").partition(b"/")[0]

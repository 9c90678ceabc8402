"""From a raw path to an operation. Paths are split before they are unescaped, so `ns%2Fpkg` is one segment.

Starlette's router matches unescaped paths, which cannot tell these apart; hence this one, a tree of segments.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from ioruntime.faces.http.operation import Operation
from ioruntime.model.errors import InvalidError

_Row: TypeAlias = tuple[Operation, tuple[str, ...]]
"""An operation, and the names in its path."""


class Match:
    """Where a path leads: the operations there by method, and what the path's names stand for."""

    __slots__ = ("_rows", "_values")

    def __init__(self, rows: Mapping[str, _Row], values: Sequence[str]) -> None:
        self._rows = rows
        self._values = values

    @property
    def methods(self) -> dict[str, Operation]:
        return {method: operation for method, (operation, _) in self._rows.items()}

    def operation(self, method: str) -> Operation | None:
        row = self._rows.get(method)
        return None if row is None else row[0]

    def params_of(self, method: str) -> dict[str, str]:
        """Return what the names of the method's own path stand for; of a method that is not there, those of the first."""
        row = self._rows.get(method) or next(iter(self._rows.values()))
        return dict(zip(row[1], self._values, strict=True))


class _Node:
    __slots__ = ("any", "literals", "rows")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.rows: dict[str, _Row] = {}


class Router:
    """All operations of a server, as a tree of path segments; literal segments win over names."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            path = operation.path
            if path.endswith("[/]"):
                self._add(operation, path.removesuffix("[/]"))
                self._add(operation, path.removesuffix("[/]") + "/")
            else:
                self._add(operation, path)

    def match(self, segments: Sequence[str]) -> Match | None:
        """Find the operations of a split path; None when there are none."""
        values: list[str] = []
        node = self._find(self._root, segments, 0, values)
        if node is None:
            return None
        return Match(node.rows, values)

    def _add(self, operation: Operation, path: str) -> None:
        node = self._root
        names: list[str] = []
        for segment in path.removeprefix("/").split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literals.setdefault(segment, _Node())
        if operation.method in node.rows:
            raise ValueError(f"{operation.method} {path} is there twice")
        node.rows[operation.method] = (operation, tuple(names))

    def _find(self, node: _Node, segments: Sequence[str], at: int, values: list[str]) -> _Node | None:
        if at == len(segments):
            return node if node.rows else None
        segment = segments[at]
        literal = node.literals.get(segment)
        if literal is not None and (found := self._find(literal, segments, at + 1, values)):
            return found
        if node.any is not None and segment:
            values.append(segment)
            if found := self._find(node.any, segments, at + 1, values):
                return found
            values.pop()
        return None


def split_path(raw_path: bytes) -> list[str]:
    """Split a raw path at its slashes, then unescape each segment; doubled leading slashes count as one.

    Raises:
        InvalidError: a segment is not UTF-8, or holds a NUL character.
    """
    path = b"/" + raw_path.partition(b"?")[0].lstrip(b"/")
    if b"%00" in path or b"\0" in path:
        raise InvalidError("The path has a NUL character.")
    try:
        segments = [_unescape(segment) for segment in path[1:].split(b"/")]
    except UnicodeDecodeError as error:
        raise InvalidError("The path is not valid UTF-8.") from error
    return segments


def _unescape(segment: bytes) -> str:
    return (unquote_to_bytes(segment) if b"%" in segment else segment).decode()

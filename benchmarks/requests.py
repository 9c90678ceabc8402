"""What is asked of a server, as bytes for a socket and as a script for `wrk` (pure)."""

from collections.abc import Sequence

import msgspec


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A request to somewhere; a POST, if it does not say otherwise."""

    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = '{"name":"world"}'
    method: str = "POST"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    def encoded(self) -> bytes:
        """Return the request as it goes over a connection that stays open."""
        body = self.body.encode()
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            "host: 127.0.0.1",
            *(f"{key}: {value}" for key, value in self._all_headers()),
        ]
        return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body

    def script(self, paths: Sequence[str] = ()) -> str:
        """Return a script for `wrk`; with `paths`, each request goes to the next of them in turn."""
        lines = [f"wrk.method = {_lua(self.method)}", f"wrk.body = {_lua(self.body)}"]
        lines += [f"wrk.headers[{_lua(key)}] = {_lua(value)}" for key, value in self._all_headers()]
        if paths:
            lines += [f"local paths = {{{', '.join(map(_lua, paths))}}}", "local turn = 0", _NEXT]
        return "\n".join(lines) + "\n"

    def _all_headers(self) -> tuple[tuple[str, str], ...]:
        is_said = not self.body or any(key.lower() == "content-type" for key, _ in self.headers)
        return self.headers if is_said else (*self.headers, ("content-type", "application/json"))


_NEXT = """function request()
  turn = turn % #paths + 1
  return wrk.format(nil, paths[turn])
end"""


def _lua(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

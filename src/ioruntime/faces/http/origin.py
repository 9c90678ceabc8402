"""Where clients reach the platform, for links in answers."""

from ioruntime.faces.http.call import Call


def origin(call: Call) -> str:
    """Return what the request was sent to: `scheme://host:port`, without a slash at its end."""
    host = call.header(b"host")
    if not host:
        address, port = call.scope.get("server") or ("localhost", None)
        host = address if port is None else f"{address}:{port}"
    return f"{call.scope.get('scheme', 'http')}://{host}"

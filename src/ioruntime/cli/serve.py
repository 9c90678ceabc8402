"""`ioruntime serve`: run the platform."""

from typing import Annotated, Literal

from cyclopts import Parameter

from ioruntime.cli.usage import ANYWHERE, Place


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; 3233 by default, 0 for any free one.")] = None,
    role: Annotated[
        Literal["all", "controller", "invoker", "deliverer"] | None, Parameter(help="Which services this process runs.")
    ] = None,
    guest_auth: Annotated[str | None, Parameter(help="Key uuid:key of the namespace guest.")] = None,
    allow_guest: Annotated[
        bool, Parameter(negative="", help="Listen beyond loopback though everybody may know guest's key.")
    ] = False,
    place: Place = ANYWHERE,
) -> int:
    """Run the platform until it is told to stop."""
    settings = place.settings(host=host, port=port, role=role, guest_auth=guest_auth, allow_guest=allow_guest or None)
    from ioruntime.app import server

    return server.serve(settings)

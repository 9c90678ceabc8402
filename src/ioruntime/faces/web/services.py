"""What the handler of this face needs of the platform."""

import msgspec

from ioruntime.core.authenticate import Authenticator
from ioruntime.core.resolve import Resolver
from ioruntime.core.webactions import WebActions
from ioruntime.faces.web.hosts import Hosts


class WebServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face translates to."""

    authenticator: Authenticator
    web: WebActions
    resolver: Resolver
    hosts: Hosts | None = None
    """None: namespaces are named in the path only."""
    scheme: str | None = None
    """What clients speak with us, `http` or `https`; None: what each request came by."""
    gateway_headers: bool = False
    """True: add the headers that Adobe's gateway protects browsers with."""

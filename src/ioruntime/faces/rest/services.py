"""What the handlers of this face need of the platform."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from ioruntime.core.activations import Activations
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.firing import Firing
from ioruntime.core.forwarding.forwarding import LogForwarding
from ioruntime.core.invocation import Invocations
from ioruntime.core.observing.livelogs import LiveLogs
from ioruntime.core.packages import Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.rules import Rules
from ioruntime.core.triggers import Triggers
from ioruntime.faces.http.call import Call
from ioruntime.model.identity import Identity
from ioruntime.model.kinds import Kinds
from ioruntime.model.limits import Limits

Identify: TypeAlias = Callable[[Call], Awaitable[Identity]]
"""Finds out who asks, or refuses; the way of one mount of the face."""


class RestServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face translates to."""

    authenticator: Authenticator
    resolver: Resolver
    invocations: Invocations
    catalog: Catalog
    packages: Packages
    activations: Activations
    live: LiveLogs
    forwarding: LogForwarding
    triggers: Triggers
    rules: Rules
    firing: Firing
    limits: Limits
    kinds: Kinds
    build: str
    """Date or name of the build; clients want it to be text."""
    buildno: str
    """Version of the platform."""

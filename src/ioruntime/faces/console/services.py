"""What the pages need of the platform."""

import msgspec

from ioruntime.core.activations import Activations
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.firing import Firing
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.packages import Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.rules import Rules
from ioruntime.core.triggers import Triggers
from ioruntime.faces.console.session import Sessions
from ioruntime.model.kinds import Kinds
from ioruntime.model.limits import Limits
from ioruntime.ports.clock import Clock


class ConsoleServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face shows and calls."""

    sessions: Sessions
    authenticator: Authenticator
    namespaces: Namespaces
    resolver: Resolver
    catalog: Catalog
    packages: Packages
    invocations: Invocations
    activations: Activations
    triggers: Triggers
    rules: Rules
    firing: Firing
    limits: Limits
    kinds: Kinds
    clock: Clock
    version: str
    base_url: str | None = None
    """What clients reach the platform by; None: whatever host they asked."""

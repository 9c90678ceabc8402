"""What the pages need of the platform."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ioruntime.core.activations import Activations
from ioruntime.core.alarms.reading import Alarms
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.events.delivering.delivery import Deliverer
from ioruntime.core.events.journal import Journal
from ioruntime.core.events.registering.providers import Providers
from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.core.firing import Firing
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.observing.statistics import Statistics
from ioruntime.core.observing.tail import Tail
from ioruntime.core.packages import Packages
from ioruntime.core.resolve import Resolver
from ioruntime.core.rules import Rules
from ioruntime.core.triggers import Triggers
from ioruntime.faces.console.session import Sessions
from ioruntime.model.kinds import Kinds
from ioruntime.model.limits import Limits
from ioruntime.ports.clock import Clock
from ioruntime.ports.events import EventStore


class SandboxView(msgspec.Struct, frozen=True):
    """What pages show of one sandbox."""

    kind: str
    state: str
    namespace: str | None
    """Whose action is in it; None while nobody's."""
    memory_mb: int


class PlatformView(msgspec.Struct, frozen=True, kw_only=True):
    """What pages show of the platform as it is now."""

    invokers: Sequence[str]
    isolation: str
    sandboxes: Sequence[SandboxView]
    queues: Mapping[str, float]
    """How much waits where, by a name for people."""
    store: Mapping[str, str]
    degraded: Sequence[str]
    """One sentence for each protection that is missing."""


class EventSide(msgspec.Struct, frozen=True, kw_only=True):
    """What pages about events need."""

    providers: Providers
    registrations: Registrations
    store: EventStore
    deliverer: Deliverer
    journal: Journal


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
    tail: Tail
    statistics: Statistics
    events: EventSide
    platform: Callable[[], PlatformView]
    triggers: Triggers
    alarms: Alarms
    rules: Rules
    firing: Firing
    limits: Limits
    kinds: Kinds
    clock: Clock
    version: str
    base_url: str | None = None
    """What clients reach the platform by; None: whatever host they asked."""

"""What the handlers of this face need of the platform."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from ioruntime.core.apis.apis import Apis
from ioruntime.core.apis.rates import Rates
from ioruntime.core.authenticate import Authenticator
from ioruntime.core.webactions import WebActions
from ioruntime.ports.clock import Clock

HostNamespace: TypeAlias = Callable[[Sequence[tuple[bytes, bytes]]], str | None]
"""Finds the namespace that the host of a request's headers names."""


def no_host(_: Sequence[tuple[bytes, bytes]]) -> None:
    """Where namespaces are named in the path only."""


class GatewayServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face translates to."""

    apis: Apis
    authenticator: Authenticator
    web: WebActions
    clock: Clock
    rates: Rates = msgspec.field(default_factory=Rates)
    namespace_of_host: HostNamespace = no_host

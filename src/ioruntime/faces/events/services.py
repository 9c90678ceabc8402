"""What the handlers of this face need of the platform."""

from typing import Any

import msgspec

from ioruntime.core.events.registering.providers import Providers
from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.faces.events.gate import Gate
from ioruntime.faces.http.errors import ErrorForm


class EventServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face translates to."""

    gate: Gate
    registrations: Registrations
    providers: Providers
    error_form: ErrorForm
    error: Any
    """Type of the body that `error_form` writes."""
    base_url: str | None = None
    """What clients reach the platform by, such as `https://runtime.example`; None: what each request was sent to."""

"""What the handlers of this face need of the platform."""

import msgspec

from ioruntime.core.authenticate import Authenticator
from ioruntime.core.catalog import Catalog
from ioruntime.core.events.registering.registrations import Registrations
from ioruntime.core.invocation import Invocations
from ioruntime.core.namespaces import Namespaces
from ioruntime.core.resolve import Resolver
from ioruntime.faces.adobe.audit import AuditLog, NoAudit
from ioruntime.model.limits import Limits


class AdobeServices(msgspec.Struct, frozen=True, kw_only=True):
    """What this face translates to."""

    authenticator: Authenticator
    namespaces: Namespaces
    catalog: Catalog
    resolver: Resolver
    invocations: Invocations
    registrations: Registrations
    limits: Limits
    audit: AuditLog = NoAudit()
    base_url: str | None = None
    """What clients reach the platform by, such as `https://runtime.example`; None: what each request was sent to."""

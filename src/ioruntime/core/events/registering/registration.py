"""A registration as a client asks for it, and what it becomes (pure; the store's part is in `registrations`)."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ioruntime.core.events.registering.refusals import check_length
from ioruntime.model.addresses import is_private_host
from ioruntime.model.errors import CorruptError, InvalidError
from ioruntime.model.event import DeliveryType, EventOfInterest, Health, IntegrationStatus, Registration
from ioruntime.model.identity import Identity
from ioruntime.model.note import Note

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_TYPES = ("USER", "APP")


class RegistrationPut(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a registration; empty texts are as good as none."""

    name: str
    client_id: str
    description: str = ""
    type: str = "USER"
    delivery_type: str = DeliveryType.WEBHOOK
    """In any case."""
    webhook_url: str = ""
    runtime_action: str = ""
    events_of_interest: tuple[EventOfInterest, ...] = ()
    status: str = ""
    """ENABLED or DISABLED in any case; not given, a new registration is enabled and an old one stays what it is."""
    registration_id: str = ""
    """Chosen by whoever registers first; else the platform chooses."""
    id: str = ""


def check(put: RegistrationPut, *, private_hosts: bool = True) -> None:
    """Let pass what can become a registration, as far as it tells by itself.

    Args:
        private_hosts: False refuses webhooks of this machine and of private networks.

    Raises:
        InvalidError: a field is missing, too long, or none of its values; or delivery has no target, or two.
    """
    check_length("name", put.name, 3, 255)
    check_length("client_id", put.client_id, 1, 255)
    check_length("description", put.description, 0, 5000)
    check_length("webhook_url", put.webhook_url, 0, 4000)
    check_length("runtime_action", put.runtime_action, 0, 255)
    if put.type.upper() not in _TYPES:
        raise InvalidError(f"The field 'type' must be USER or APP, not '{put.type}'.")
    if put.registration_id and not _ID.fullmatch(put.registration_id):
        raise InvalidError("The field 'registration_id' must have 1 to 64 letters, digits, '-' or '_'.")
    if put.id and not _NUMBER.fullmatch(put.id):
        raise InvalidError(f"The field 'id' must be a number, not '{put.id}'.")
    _check_target(put, private_hosts=private_hosts)
    _check_interests(put.events_of_interest)


def delivery_type(text: str) -> DeliveryType:
    """Read a delivery type in any case.

    Raises:
        InvalidError: there is no such one.
    """
    try:
        return DeliveryType(text.lower())
    except ValueError as error:
        raise InvalidError(f"The field 'delivery_type' must be WEBHOOK, WEBHOOK_BATCH or JOURNAL, not '{text}'.") from error


def integration_status(text: str) -> IntegrationStatus | None:
    """Read a status in any case; None when it is neither."""
    try:
        return IntegrationStatus(text.upper())
    except ValueError:
        return None


def registered(put: RegistrationPut, identity: Identity, *, registration_id: str, number: str, now_ms: int) -> Registration:
    """Make a new registration of a checked request.

    Raises:
        InvalidError: the status or the delivery type is none.
    """
    registration = Registration(
        registration_id=registration_id,
        id=number,
        owner=identity.namespace.owner,
        namespace=identity.name,
        client_id=put.client_id,
        name=put.name,
        created_ms=now_ms,
    )
    return changed(registration, put, now_ms)


def changed(registration: Registration, put: RegistrationPut, now_ms: int) -> Registration:
    """Replace what a client may say of a registration; ids, owner and client stay.

    A webhook has to show again that it is there when it becomes another one.

    Raises:
        InvalidError: the status or the delivery type is none.
    """
    kind = delivery_type(put.delivery_type)
    is_webhook = kind is not DeliveryType.JOURNAL and not put.runtime_action
    is_same = registration.webhook_url == put.webhook_url and registration.is_verified
    replaced = msgspec.structs.replace(
        registration,
        name=put.name,
        description=put.description,
        type=put.type.upper(),
        delivery_type=kind,
        webhook_url=put.webhook_url or None,
        runtime_action=put.runtime_action or None,
        events_of_interest=put.events_of_interest,
        is_verified=not is_webhook or is_same,
        invitation=registration.invitation if registration.webhook_url == put.webhook_url else None,
        updated_ms=now_ms,
    )
    if not put.status:
        return replaced
    status = integration_status(put.status)
    if status is None:
        raise InvalidError(f"The field 'integration_status' must be ENABLED or DISABLED, not '{put.status}'.")
    return switched(replaced, status, now_ms)


def switched(registration: Registration, status: IntegrationStatus, now_ms: int) -> Registration:
    """Switch delivery on or off.

    To switch it on forgives the failures of before, and has a webhook asked again whether it is there.
    """
    if status is IntegrationStatus.DISABLED:
        return msgspec.structs.replace(registration, status=status, updated_ms=now_ms)
    is_asked = registration.status is IntegrationStatus.DISABLED and is_plain_webhook(registration)
    return msgspec.structs.replace(
        registration,
        status=status,
        health=Health.ACTIVE,
        unstable_since_ms=None,
        counted_from_ms=now_ms,
        is_verified=registration.is_verified and not is_asked,
        updated_ms=now_ms,
    )


def is_plain_webhook(registration: Registration) -> bool:
    """Tell whether events go to somebody else's server."""
    return registration.delivery_type is not DeliveryType.JOURNAL and registration.runtime_action is None


def read_registration(note: Note) -> Registration:
    """Read a registration from its note.

    Raises:
        CorruptError: the note holds none.
    """
    try:
        return msgspec.convert(note.content, Registration)
    except msgspec.ValidationError as error:
        raise CorruptError from error


def registration_content(registration: Registration) -> dict[str, Any]:
    """Write a registration as the content of a note."""
    return msgspec.to_builtins(registration)


def _check_target(put: RegistrationPut, *, private_hosts: bool) -> None:
    if put.webhook_url and put.runtime_action:
        raise InvalidError("A registration has either a webhook_url or a runtime_action, not both.")
    if delivery_type(put.delivery_type) is not DeliveryType.JOURNAL and not put.webhook_url and not put.runtime_action:
        raise InvalidError(f"The delivery type {put.delivery_type.upper()} needs a webhook_url or a runtime_action.")
    if put.webhook_url and not _is_url(put.webhook_url):
        raise InvalidError("The field 'webhook_url' must be an absolute http or https URL.")
    host = urlsplit(put.webhook_url).hostname
    if host and not private_hosts and is_private_host(host):
        raise InvalidError(f"The field 'webhook_url' leads to {host}, which is of this machine or of a private network.")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False


def _check_interests(interests: Sequence[EventOfInterest]) -> None:
    if not interests:
        raise InvalidError("The field 'events_of_interest' must name at least one event.")
    for interest in interests:
        check_length("event_code", interest.event_code, 1, 255)
        check_length("provider", interest.provider, 1, 255)
    if len(set(interests)) != len(interests):
        raise InvalidError("The field 'events_of_interest' names an event twice.")

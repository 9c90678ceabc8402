"""Brings parcels to where a registration wants them: a runtime action, or a webhook."""

import secrets
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlencode, urlsplit

import msgspec

from ioruntime.core.authenticate import Authenticator
from ioruntime.core.events.delivering.delivery import Answer
from ioruntime.core.events.delivering.parcel import Parcel
from ioruntime.core.events.delivering.schedule import NO_NETWORK, NO_TLS, TIMED_OUT, UNEXPECTED, is_success
from ioruntime.core.events.delivering.signing import Signer
from ioruntime.core.invocation import Accepted, Invocations
from ioruntime.core.resolve import Resolver
from ioruntime.model.activation import Activation, Status
from ioruntime.model.errors import ForbiddenError, InvalidError, IoRuntimeError, NotFoundError, ThrottledError, UnavailableError
from ioruntime.model.event import Registration
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Arguments
from ioruntime.ports.webhooks import NoAnswerInTimeError, NoTrustError, Webhook, WebhookAnswer, WebhookExchanger

ACTION_WAIT_MS = 60_000
_STATUSES: tuple[tuple[type[IoRuntimeError], int], ...] = (
    (ThrottledError, 429),
    (NoAnswerInTimeError, TIMED_OUT),
    (NoTrustError, NO_TLS),
    (UnavailableError, 503),
    (NotFoundError, 404),
    (ForbiddenError, 403),
    (InvalidError, 400),
)


class EveryReceiver:
    """Sends to whichever receiver the registration names."""

    def __init__(self, actions: "ActionReceiver", webhooks: "WebhookReceiver") -> None:
        self._actions = actions
        self._webhooks = webhooks

    async def send(self, parcel: Parcel) -> Answer | None:
        if parcel.registration.runtime_action is not None:
            return await self._actions.send(parcel)
        if parcel.registration.webhook_url is not None:
            return await self._webhooks.send(parcel)
        return None


class ActionReceiver:
    """Runs an action of the registration's namespace, in the namespace's name, and waits for its end."""

    def __init__(self, *, authenticator: Authenticator, resolver: Resolver, invocations: Invocations) -> None:
        self._authenticator = authenticator
        self._resolver = resolver
        self._invocations = invocations

    async def send(self, parcel: Parcel) -> Answer:
        arguments = arguments_of(parcel)
        try:
            outcome = await self._invoke(parcel.registration, arguments)
        except IoRuntimeError as error:
            return Answer(status_of_error(error), _text(arguments), str(error))
        if isinstance(outcome, Accepted):
            return Answer(TIMED_OUT, _text(arguments), f"The activation {outcome.activation_id} did not end in time.")
        response = msgspec.json.encode({"activationId": outcome.activation_id, "result": outcome.result})
        return Answer(status_of(outcome), _text(arguments), response.decode())

    async def _invoke(self, registration: Registration, arguments: Arguments) -> Activation | Accepted:
        identity = await self._authenticator.named(registration.namespace)
        path = EntityPath.of(registration.namespace, *(registration.runtime_action or "").split("/"))
        resolved = await self._resolver.runnable(identity, path)
        return await self._invocations.invoke(
            identity, resolved, arguments, transaction_id=secrets.token_hex(16), wait_ms=ACTION_WAIT_MS
        )


class RegistrationUpdates(Protocol):
    """Writes what the platform finds out about a registration."""

    async def update(
        self, namespace: str, registration_id: str, change: Callable[[Registration], Registration]
    ) -> Registration | None:
        """Change a registration; None when it is gone."""
        ...


Signing: TypeAlias = Callable[[], Awaitable[Signer]]


class WebhookReceiver:
    """Posts to a URL, once that has shown by its answer to a challenge that it wants events."""

    def __init__(self, *, exchanger: WebhookExchanger, signer: Signing, registrations: RegistrationUpdates) -> None:
        """
        Args:
            signer: gives the signer, which may have to be loaded first.
        """
        self._exchanger = exchanger
        self._signer = signer
        self._registrations = registrations

    async def send(self, parcel: Parcel) -> Answer:
        registration, body = parcel.registration, parcel.body
        url = registration.webhook_url or ""
        try:
            if not registration.is_verified and not await self._verify(registration, url):
                return Answer(NO_NETWORK, f"GET {url}?challenge=", "The webhook did not answer the challenge.")
            kind = "application/cloudevents-batch+json" if parcel.is_batch else "application/cloudevents+json"
            headers = {"content-type": f"{kind}; charset=utf-8"} | parcel.headers | (await self._signer()).headers(body)
            request = _shown(url, headers, body)
            answer = await self._exchanger.exchange(Webhook(url, tuple(headers.items()), body))
        except IoRuntimeError as error:
            return Answer(_status_without_answer(error), f"POST {url}", str(error))
        return Answer(answer.status, request, answer.body.decode(errors="replace"))

    async def _verify(self, registration: Registration, url: str) -> bool:
        challenge = str(uuid.uuid4())
        separator = "&" if urlsplit(url).query else "?"
        asked = f"{url}{separator}{urlencode({'challenge': challenge})}"
        if not answers(await self._exchanger.exchange(Webhook(asked, (), b"", "GET")), challenge):
            return False
        await self._registrations.update(registration.namespace, registration.registration_id, lambda now: _verified(now, url))
        return True


def arguments_of(parcel: Parcel) -> Arguments:
    """Build an action's parameters: an event's members, the event, and what would be headers; or the events of a batch."""
    added: Arguments = {"__adobe_headers": msgspec.Raw(msgspec.json.encode(parcel.headers))}
    event = msgspec.Raw(parcel.body)
    if parcel.is_batch:
        return added | {"events": event}
    return msgspec.json.decode(event, type=dict[str, msgspec.Raw]) | added | {"event": event}


def status_of(activation: Activation) -> int:
    """Read an activation as an HTTP answer: the status that its result names, else what its outcome means."""
    match activation.status:
        case Status.SUCCESS:
            return _named_status(activation.result, 200)
        case Status.APPLICATION_ERROR:
            return _named_status(activation.result, 400)
        case Status.DEVELOPER_ERROR:
            return 502
        case Status.WHISK_ERROR:
            return 500


def status_of_error(error: IoRuntimeError) -> int:
    """Return what status stands for an attempt that the platform could not make, or that nobody answered."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), UNEXPECTED)


def answers(answer: WebhookAnswer, challenge: str) -> bool:
    """Tell whether a challenge was sent back, as text or as the member `challenge` of a JSON object."""
    if not is_success(answer.status):
        return False
    if answer.body.strip() == challenge.encode():
        return True
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(answer.body, type=dict[str, Any]).get("challenge") == challenge
    return False


def _status_without_answer(error: IoRuntimeError) -> int:
    if isinstance(error, ForbiddenError):
        return UNEXPECTED
    status = status_of_error(error)
    return NO_NETWORK if status == 503 else status


def _named_status(result: msgspec.Raw, otherwise: int) -> int:
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        match msgspec.json.decode(result):
            case {"statusCode": int(status)} | {"error": {"statusCode": int(status)}} if 100 <= status < 600:
                return status
            case _:
                return otherwise
    return otherwise


def _verified(registration: Registration, url: str) -> Registration:
    """Unless it has another URL by now."""
    return msgspec.structs.replace(registration, is_verified=registration.is_verified or registration.webhook_url == url)


def _text(arguments: Arguments) -> str:
    return msgspec.json.encode(arguments).decode()


def _shown(url: str, headers: dict[str, str], body: bytes) -> str:
    lines = [f"POST {url}", *(f"{name}: {value}" for name, value in headers.items()), "", body.decode(errors="replace")]
    return "\n".join(lines)

"""Brings parcels to where a registration wants them: a runtime action, or a webhook."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec

from ioruntime.core.authenticate import Authenticator
from ioruntime.core.events.delivering.answer import Answer
from ioruntime.core.events.delivering.parcel import Parcel
from ioruntime.core.events.delivering.schedule import NO_NETWORK, NO_TLS, TIMED_OUT, UNEXPECTED
from ioruntime.core.events.delivering.signing import Signer
from ioruntime.core.invocation import Accepted, Invocations, Outcome
from ioruntime.core.resolve import Resolved, Resolver
from ioruntime.model.activation import Activation, Status
from ioruntime.model.errors import ForbiddenError, InvalidError, IoRuntimeError, NotFoundError, ThrottledError, UnavailableError
from ioruntime.model.event import Registration
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Arguments
from ioruntime.ports.webhooks import NoAnswerInTimeError, NoTrustError, Webhook, WebhookExchanger

ACTION_WAIT_MS = 60_000
_KNOWN_MOST = 10_000
_NO_CONSENT = "The webhook did not answer the challenge."
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

    def begin(self, parcel: Parcel, done: Callable[[Answer], None]) -> bool:
        return parcel.registration.runtime_action is not None and self._actions.begin(parcel, done)


class _Known(msgspec.Struct, frozen=True):
    """An action that was invoked before, and who invokes it."""

    identity: Identity
    resolved: Resolved
    generations: tuple[int, int]
    """Of the caches that both are from."""


class ActionReceiver:
    """Runs an action of the registration's namespace, in the namespace's name, and waits for its end."""

    def __init__(self, *, authenticator: Authenticator, resolver: Resolver, invocations: Invocations) -> None:
        self._authenticator = authenticator
        self._resolver = resolver
        self._invocations = invocations
        self._known: dict[tuple[str, str | None], _Known] = {}

    def begin(self, parcel: Parcel, done: Callable[[Answer], None]) -> bool:
        """Invoke an action that is known already; False: it takes a `send`."""
        registration = parcel.registration
        known = self._known.get((registration.namespace, registration.runtime_action))
        if known is None or known.generations != self._generations or known.resolved.environment:
            return False
        try:
            return self._invocations.begin(
                known.identity,
                known.resolved,
                _merged(known.resolved, parcel),
                lambda outcome: done(answer_of(outcome)),
                transaction_id=parcel.delivery_id,
                wait_ms=ACTION_WAIT_MS,
            )
        except IoRuntimeError:
            return False  # `send` is refused the same way, and says how

    async def send(self, parcel: Parcel) -> Answer:
        arguments = arguments_of(parcel)
        try:
            return answer_of(await self._invoke(parcel.registration, arguments))
        except IoRuntimeError as error:
            return answer_of(error)

    @property
    def _generations(self) -> tuple[int, int]:
        return self._authenticator.generation, self._resolver.generation

    async def _invoke(self, registration: Registration, arguments: Arguments) -> Outcome:
        generations = self._generations
        identity = await self._authenticator.named(registration.namespace)
        path = EntityPath.of(registration.namespace, *(registration.runtime_action or "").split("/"))
        resolved = await self._resolver.runnable(identity, path)
        if len(self._known) >= _KNOWN_MOST:
            self._known.clear()
        self._known[registration.namespace, registration.runtime_action] = _Known(identity, resolved, generations)
        return await self._invocations.invoke(
            identity, resolved, arguments, transaction_id=secrets.token_hex(16), wait_ms=ACTION_WAIT_MS
        )


class Consent(Protocol):
    """Knows which webhooks want events."""

    async def wants_events(self, registration: Registration) -> bool:
        """Tell whether a webhook may be sent events."""
        ...


class WebhookReceiver:
    """Posts to a URL, once that has shown that it wants events."""

    def __init__(self, *, exchanger: WebhookExchanger, signer: Signer, consent: Consent) -> None:
        self._exchanger = exchanger
        self._signer = signer
        self._consent = consent

    async def send(self, parcel: Parcel) -> Answer:
        registration, body = parcel.registration, parcel.body
        url = registration.webhook_url or ""
        try:
            if not registration.is_verified and not await self._consent.wants_events(registration):
                return Answer(NO_NETWORK, _NO_CONSENT, f"GET {url}?challenge=")
            kind = "application/cloudevents-batch+json" if parcel.is_batch else "application/cloudevents+json"
            signatures = await self._signer.headers(registration, body)
            headers = {"content-type": f"{kind}; charset=utf-8"} | parcel.headers | signatures
            request = _shown(url, headers, body)
            answer = await self._exchanger.exchange(Webhook(url, tuple(headers.items()), body))
        except IoRuntimeError as error:
            return Answer(_status_without_answer(error), str(error), f"POST {url}")
        return Answer(answer.status, answer.body.decode(errors="replace"), request)


def arguments_of(parcel: Parcel) -> Arguments:
    """Build an action's parameters: an event's members, the event, and what would be headers; or the events of a batch."""
    added: Arguments = {"__adobe_headers": msgspec.Raw(msgspec.json.encode(parcel.headers))}
    event = msgspec.Raw(parcel.body)
    if parcel.is_batch:
        return added | {"events": event}
    return msgspec.json.decode(event, type=dict[str, msgspec.Raw]) | added | {"event": event}


def answer_of(outcome: Outcome | IoRuntimeError) -> Answer:
    """Read how an invocation ended as a receiver's answer."""
    if isinstance(outcome, IoRuntimeError):
        return Answer(status_of_error(outcome), str(outcome))
    if isinstance(outcome, Accepted):
        return Answer(TIMED_OUT, f"The activation {outcome.activation_id} did not end in time.")
    text = f'{{"activationId":"{outcome.activation_id}","result":{bytes(outcome.result).decode(errors="replace")}}}'
    return Answer(status_of(outcome), text)


def status_of(activation: Activation) -> int:
    """Read an activation as an HTTP answer: the status that its result names, else what its outcome means."""
    match activation.status:
        case Status.SUCCESS:
            return _named_status(activation.result, 200) if b"statusCode" in bytes(activation.result) else 200
        case Status.APPLICATION_ERROR:
            return _named_status(activation.result, 400)
        case Status.DEVELOPER_ERROR:
            return 502
        case Status.WHISK_ERROR:
            return 500


def status_of_error(error: IoRuntimeError) -> int:
    """Return what status stands for an attempt that the platform could not make, or that nobody answered."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), UNEXPECTED)


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


def _merged(resolved: Resolved, parcel: Parcel) -> msgspec.Raw:
    """Return an action's parameters, its defaults with them; written at once where it has none.

    Raises:
        InvalidError: the event redefines a final parameter.
    """
    if parcel.is_batch or resolved.defaults or resolved.final:
        return resolved.arguments(arguments_of(parcel))
    headers, event = msgspec.json.encode(parcel.headers), parcel.body
    return msgspec.Raw(event[:-1] + b',"__adobe_headers":' + headers + b',"event":' + event + b"}")


def _shown(url: str, headers: dict[str, str], body: bytes) -> str:
    lines = [f"POST {url}", *(f"{name}: {value}" for name, value in headers.items()), "", body.decode(errors="replace")]
    return "\n".join(lines)

"""Records of activations over HTTP: list, read, result, logs."""

import re
from collections.abc import AsyncGenerator

import msgspec

from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.observing.livelogs import Heard, LogLine
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.paging import flag, read_page
from ioruntime.faces.http.streaming import BEAT, event, events
from ioruntime.faces.rest.documents import LogsDocument, activation_document, activation_row, response_document
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import namespace_of
from ioruntime.model.activation import Activation, check_activation_id
from ioruntime.model.errors import InvalidError, MalformedQueryError
from ioruntime.model.names import EntityPath, check_entity_name
from ioruntime.ports.activations import ActivationFilter

_EPOCH_MS = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class ActivationHandlers:
    """Handlers of the `activations` collection."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._activations = services.activations
        self._live = services.live
        self._limits = services.limits

    async def list_activations(self, call: Call) -> Reply:
        """List activations, newest start first; whole records with `docs=true`."""
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        check_namespace(identity, namespace)
        page = read_page(call, "activations", self._limits)
        wanted = read_filter(call, namespace)
        full = flag(call, "docs")
        if page.count and full:
            raise InvalidError("The parameter 'docs' is not permitted with 'count'.")
        if page.count:
            return Reply.json({"activations": max(0, await self._activations.count(wanted) - page.skip)})
        found = await self._activations.list(wanted, skip=page.skip, limit=page.limit, full=full)
        return Reply.json([activation_document(each, logs=each.logs) if full else activation_row(each) for each in found])

    async def get_activation(self, call: Call) -> Reply:
        """Read the record of an activation."""
        activation = await self._read(call)
        return Reply.json(activation_document(activation, logs=activation.logs))

    async def get_result(self, call: Call) -> Reply:
        """Read how an activation ended."""
        return Reply.json(response_document(await self._read(call)))

    async def get_logs(self, call: Call) -> Reply:
        """Read what an activation wrote; with `follow=true`, as server-sent events while it writes."""
        if flag(call, "follow"):
            return await self._follow(call)
        return Reply.json(LogsDocument((await self._read(call)).logs))

    async def follow_logs(self, call: Call) -> Reply:
        """Follow what all activations of the namespace write, and their records, as server-sent events."""
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        check_namespace(identity, namespace)
        return events(_written(self._live.follow_all(namespace)))

    async def _follow(self, call: Call) -> Reply:
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        activation_id = check_activation_id(call.params["id"])
        check_own(identity, EntityPath(namespace, activation_id))
        await self._live.check(namespace, activation_id)
        return events(_written(self._live.follow(namespace, activation_id)))

    async def _read(self, call: Call) -> Activation:
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        activation_id = check_activation_id(call.params["id"])
        check_own(identity, EntityPath(namespace, activation_id))
        return await self._activations.read(namespace, activation_id)


async def _written(heard: AsyncGenerator[Heard]) -> AsyncGenerator[bytes]:
    """Write what is heard as events: `log` for a line, `activation` for a record, without its logs."""
    yield BEAT
    async for each in heard:
        match each:
            case None:
                yield BEAT
            case LogLine():
                yield event(msgspec.json.encode(each).decode(), name="log")
            case Activation():
                yield event(msgspec.json.encode(activation_document(each, logs=())).decode(), name="activation")


def read_filter(call: Call, namespace: str) -> ActivationFilter:
    """Read `name`, `since` and `upto`.

    Raises:
        MalformedQueryError: one of them is not what it must be.
    """
    return ActivationFilter(
        namespace=namespace, name=_name(call), since_ms=_epoch_ms(call, "since"), upto_ms=_epoch_ms(call, "upto")
    )


def _name(call: Call) -> str | None:
    text = call.query.get("name")
    if not text:
        return None
    package, slash, name = text.partition("/")
    try:
        checked = [check_entity_name(segment) for segment in ((package, name) if slash else (package,))]
    except InvalidError as error:
        detail = f"Parameter may be a 'simple' name or 'package-name/simple' name: {text}"
        raise MalformedQueryError("name", detail) from error
    return "/".join(checked)


def _epoch_ms(call: Call, parameter: str) -> int | None:
    text = call.query.get(parameter)
    if not text:
        return None
    if not _EPOCH_MS.fullmatch(text):
        raise MalformedQueryError(parameter, f"Parameter is not a valid value for epoch seconds: {text}")
    return int(text)

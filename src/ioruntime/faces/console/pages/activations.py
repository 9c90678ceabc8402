"""Activations: a list that can be filtered and followed, and one with all that came of it."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from ioruntime.core.observing.lineage import lineage, started_by
from ioruntime.faces.console.pages.action import outcome_values
from ioruntime.faces.console.pages.actions import whole
from ioruntime.faces.console.pages.targets import action_page, home
from ioruntime.faces.console.render import Renderer
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.streaming import BEAT, event, events
from ioruntime.model.activation import Activation, check_activation_id
from ioruntime.model.errors import InvalidError
from ioruntime.model.params import annotation
from ioruntime.ports.activations import ActivationFilter

PAGE = 50


class Wanted(msgspec.Struct, frozen=True):
    """What a reader wants to see, as the fields of the form hold it."""

    name: str = ""
    since: str = ""
    upto: str = ""
    before_ms: int | None = None
    """Start of the last row of the page before; with `skip` the place to go on from."""
    skip: int = 0

    @classmethod
    def of(cls, call: Call) -> "Wanted":
        query = call.query
        before = query.get("before", "")
        return cls(
            query.get("name", "").strip().removeprefix("/"),
            query.get("since", ""),
            query.get("upto", ""),
            int(before) if before.isdecimal() and len(before) <= 15 else None,
            whole(query.get("skip", "")),
        )

    def filter(self, namespace: str) -> ActivationFilter:
        """Return what the store is asked.

        Raises:
            InvalidError: a time that is none.
        """
        bounds = [each for each in (self.before_ms, _epoch_ms(self.upto, 59_999)) if each is not None]
        return ActivationFilter(
            namespace=namespace,
            name=self.name or None,
            since_ms=_epoch_ms(self.since, 0),
            upto_ms=min(bounds, default=None),
        )

    def older(self, shown: Sequence[Activation]) -> str:
        """Return the query of the page behind the one that ends with `shown`."""
        last_ms = shown[-1].start_ms
        equals = sum(1 for each in shown if each.start_ms == last_ms)
        skip = equals + (self.skip if self.before_ms == last_ms else 0)
        fields = {"name": self.name, "since": self.since, "upto": self.upto, "before": str(last_ms), "skip": str(skip)}
        return urlencode({key: value for key, value in fields.items() if value})


class ActivationPages:
    """The list and one."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._activations = services.activations
        self._tail = services.tail
        self._door = door
        self._renderer = renderer

    async def list_activations(self, call: Call) -> Reply:
        """List activations, newest first; followed while they come, if wanted."""
        visit = await self._door.visit(call)
        wanted = Wanted.of(call)
        found = await self._activations.list(wanted.filter(visit.namespace), skip=wanted.skip, limit=PAGE + 1)
        shown = found[:PAGE]
        is_live = call.query.get("live") == "1"
        return self._renderer.page(
            visit,
            "activations.html",
            place="activations",
            activations=shown,
            wanted=wanted,
            older=wanted.older(shown) if len(found) > PAGE else None,
            is_first=wanted.before_ms is None,
            is_live=is_live,
            stream=f"{home(visit.namespace)}/activations/stream?{urlencode({'name': wanted.name})}",
        )

    async def follow_activations(self, call: Call) -> Reply:
        """Send a row for each activation that ends from now on, as server-sent events."""
        visit = await self._door.visit(call)
        return events(self._rows(visit, Wanted.of(call).name))

    async def show_activation(self, call: Call) -> Reply:
        """Show one activation: how it ended, its log, where the time went, what it started."""
        visit = await self._door.visit(call)
        activation = await self._activations.read(visit.namespace, check_activation_id(call.params["id"]))
        tree = await lineage(self._activations, activation) if started_by(activation) else ()
        return self._renderer.page(
            visit,
            "activation.html",
            place="activations",
            activation=activation,
            is_trigger=annotation(activation.annotations, "kind") is None,
            target=_action_page(activation),
            tree=tree,
            **outcome_values(activation),
        )

    async def _rows(self, visit: Visit, name: str) -> AsyncGenerator[bytes]:
        yield BEAT
        async for activation in self._tail.follow(visit.namespace):
            if activation is None:
                yield BEAT
            elif not name or is_named(activation, name):
                row = self._renderer.part("parts/activation_row.html", base=home(visit.namespace), each=activation, is_fresh=True)
                yield event(row, name="activation", event_id=activation.activation_id)


def is_named(activation: Activation, name: str) -> bool:
    """Tell whether an activation is of `name` in whatever package, or of `package/name`."""
    package, slash, alone = name.partition("/")
    return (activation.package, activation.name) == (package, alone) if slash else activation.name == name


def _epoch_ms(text: str, add_ms: int) -> int | None:
    """Read a moment of UTC as a browser's field has it, to the minute."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"{text!r} is no moment of the form 2026-01-31T13:45.") from error
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000) + add_ms


def _action_page(activation: Activation) -> str | None:
    """Return the page of the action that ran, when it is one of this namespace."""
    path = annotation(activation.annotations, "path")
    if not isinstance(path, str) or not path.startswith(f"{activation.namespace}/"):
        return None
    segments = path.split("/")[1:]
    return action_page(activation.namespace, segments[0] if len(segments) == 2 else None, segments[-1])

"""Build what triggers, rules and alarms need, from the stores and services that are there already."""

from typing import Protocol

import msgspec

from ioruntime.core.activations import Recorder
from ioruntime.core.admission import Admission
from ioruntime.core.alarms.agenda import Agenda
from ioruntime.core.alarms.alarm import TOPIC
from ioruntime.core.alarms.scheduler import Scheduler, SchedulerReporter
from ioruntime.core.firing import Firing
from ioruntime.core.invocation import Invocations
from ioruntime.core.packages import EntityListener
from ioruntime.core.resolve import Resolver
from ioruntime.core.rules import Rules
from ioruntime.core.triggers import RuleIndex, Triggers
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore
from ioruntime.ports.namespaces import NamespaceStore


class TriggerMemory:
    """What this process remembers of rules and alarms, and must be told of changes."""

    def __init__(self, entities: EntityStore) -> None:
        self.rules = RuleIndex(entities)
        self.agenda = Agenda(TOPIC)

    def forget(self, namespace: str, key: str | None) -> None:
        """Hear that an entity changed or, when `key` is None, that its namespace is gone."""
        self.rules.forget(namespace, key)
        self.agenda.forget(namespace, key)


class TriggerServices(msgspec.Struct, frozen=True, kw_only=True):
    """The services of triggers, rules and alarms."""

    triggers: Triggers
    rules: Rules
    firing: Firing
    scheduler: Scheduler


class Stores(Protocol):
    """The stores of one database."""

    @property
    def entities(self) -> EntityStore: ...
    @property
    def namespaces(self) -> NamespaceStore: ...


class TriggerParts(msgspec.Struct, frozen=True):
    """What they are built of."""

    stores: Stores
    memory: TriggerMemory
    resolver: Resolver
    invocations: Invocations
    recorder: Recorder
    admission: Admission
    clock: Clock
    listener: EntityListener


def build_triggers(parts: TriggerParts, reporter: SchedulerReporter) -> TriggerServices:
    """Put the services together; the owner of the scheduler runs it."""
    entities, resolver, clock = parts.stores.entities, parts.resolver, parts.clock
    limits, listener = parts.admission.limits, parts.listener
    triggers = Triggers(entities=entities, rules=parts.memory.rules, limits=limits, clock=clock, listener=listener)
    firing = Firing(
        triggers=triggers,
        resolver=resolver,
        invocations=parts.invocations,
        recorder=parts.recorder,
        admission=parts.admission,
        clock=clock,
    )
    return TriggerServices(
        triggers=triggers,
        rules=Rules(entities=entities, resolver=resolver, limits=limits, clock=clock, listener=listener),
        firing=firing,
        scheduler=Scheduler(
            agenda=parts.memory.agenda,
            entities=entities,
            namespaces=parts.stores.namespaces,
            triggers=triggers,
            firing=firing,
            clock=clock,
            reporter=reporter,
        ),
    )

"""What an action, and a namespace, may use: bounds, profiles and the texts for what is outside (contract sections 15, 16)."""

import re
from typing import Any, Literal, TypeAlias

import msgspec

from ioruntime.model.errors import InvalidError

MEBIBYTE = 1024 * 1024
ProfileName: TypeAlias = Literal["openwhisk", "adobe"]


class ActionLimits(msgspec.Struct, frozen=True):
    """What one action may use; wire names without units, as clients know them."""

    timeout_ms: int = msgspec.field(name="timeout", default=60_000)
    memory_mb: int = msgspec.field(name="memory", default=256)
    logs_mb: int = msgspec.field(name="logs", default=10)
    concurrency: int = 1
    """Activations at once in one sandbox."""
    instances: int | msgspec.UnsetType = msgspec.UNSET
    """Activations of this action at once; unset: the namespace's own limit."""


class Bound(msgspec.Struct, frozen=True):
    """An integer's range, and what stands when nothing is said."""

    least: int
    default: int
    most: int

    @property
    def usual(self) -> int:
        """The default, or what is nearest to it and allowed."""
        return max(self.least, min(self.default, self.most))


class Limits(msgspec.Struct, frozen=True):
    """What the platform, or one namespace, allows."""

    timeout_ms: Bound = Bound(100, 60_000, 300_000)
    memory_mb: Bound = Bound(128, 256, 512)
    logs_mb: Bound = Bound(0, 10, 10)
    concurrency: Bound = Bound(1, 1, 500)
    invocations_per_minute: int = 6_000
    concurrent_invocations: int = 1_000
    fires_per_minute: int = 6_000
    page_most: int = 200
    page_default: int = 30
    code_bytes: int = 48 * MEBIBYTE
    parameters_bytes: int = MEBIBYTE
    payload_bytes: int = MEBIBYTE
    result_bytes: int = MEBIBYTE
    sequence_length: int = 50
    blocking_wait_ms: int = 60_000
    allowed_kinds: tuple[str, ...] = ()
    """Empty: all that the platform knows."""
    store_activations: bool = True
    """False keeps no records, unless a request asks for its own."""
    truncation_bytes: int = MEBIBYTE
    """What is left of a result that is too large."""
    warm_count: int = 0
    """How many idle sandboxes of each action stay for `warm_s`, though others would go."""
    warm_s: int = 0
    execute_only: bool = False
    """Packages of others, though published, can be invoked and bound but not read."""
    network: str = ""
    """One of `NETWORKS`; empty: what the platform gives to all."""

    def defaults(self) -> ActionLimits:
        return ActionLimits(self.timeout_ms.usual, self.memory_mb.usual, self.logs_mb.usual, self.concurrency.usual)


PROFILES: dict[ProfileName, Limits] = {
    "openwhisk": Limits(),
    "adobe": Limits(
        timeout_ms=Bound(100, 60_000, 10_800_000),
        memory_mb=Bound(128, 256, 4096),
        concurrency=Bound(1, 200, 500),
        invocations_per_minute=6_000,
        concurrent_invocations=100,
        fires_per_minute=600,
        page_most=50,
        code_bytes=22 * MEBIBYTE,
        execute_only=True,
    ),
}

OVERRIDES: dict[str, tuple[str, Literal["", "least", "most"]]] = {
    "invocationsPerMinute": ("invocations_per_minute", ""),
    "concurrentInvocations": ("concurrent_invocations", ""),
    "firesPerMinute": ("fires_per_minute", ""),
    "minActionMemory": ("memory_mb", "least"),
    "maxActionMemory": ("memory_mb", "most"),
    "minActionLogs": ("logs_mb", "least"),
    "maxActionLogs": ("logs_mb", "most"),
    "minActionTimeout": ("timeout_ms", "least"),
    "maxActionTimeout": ("timeout_ms", "most"),
    "minActionConcurrency": ("concurrency", "least"),
    "maxActionConcurrency": ("concurrency", "most"),
    "maxParameterSize": ("parameters_bytes", ""),
    "maxPayloadSize": ("payload_bytes", ""),
    "truncationSize": ("truncation_bytes", ""),
    "warmedContainerKeepingCount": ("warm_count", ""),
    "warmedContainerKeepingTimeout": ("warm_s", ""),
    "allowedKinds": ("allowed_kinds", ""),
    "storeActivations": ("store_activations", ""),
    "network": ("network", ""),
}
"""The names of `GET .../limits`, and what each sets in `Limits`."""

_CAPPED = frozenset(
    {"memory_mb", "logs_mb", "timeout_ms", "concurrency", "parameters_bytes", "payload_bytes", "truncation_bytes"}
)
"""What a namespace may have less of, but not more of, than the platform."""

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_DURATION = re.compile(r"([0-9]{1,6}) ?(second|minute|hour|day)s?", re.ASCII)


NETWORKS = ("none", "internet", "host")
_CHOICES = {"allowedKinds": "a list of kinds", "storeActivations": "true or false", "network": f"one of {', '.join(NETWORKS)}"}


def check_override(name: str, value: Any) -> Any:
    """Return the override's value when it is of the right type; a time in words, `24 hours`, becomes seconds.

    Raises:
        InvalidError: no limit of this name, or a value that it cannot have.
    """
    if name not in OVERRIDES:
        raise InvalidError(f"There is no limit named '{name}'. Known: {', '.join(OVERRIDES)}.")
    match name, value:
        case "allowedKinds", list() if all(isinstance(kind, str) for kind in value):  # pyright: ignore[reportUnknownVariableType]
            return value  # pyright: ignore[reportUnknownVariableType]
        case "storeActivations", bool():
            return value
        case "network", str() if value in NETWORKS:
            return value
        case (("allowedKinds" | "storeActivations" | "network"), _):
            raise InvalidError(f"The limit '{name}' must be {_CHOICES[name]}.")
        case "warmedContainerKeepingTimeout", str() if duration := _DURATION.fullmatch(value.strip()):
            return int(duration[1]) * _SECONDS[duration[2]]
        case _, int() if not isinstance(value, bool) and value >= 0:
            return value
        case _:
            raise InvalidError(f"The limit '{name}' must be a whole number of 0 or more, not {value!r}.")


def effective(system: Limits, overrides: dict[str, Any]) -> Limits:
    """Apply a namespace's overrides to the platform's limits; sizes and times are clipped to the platform's maximum."""
    changes: dict[str, Any] = {}
    for name, value in overrides.items():
        field, side = OVERRIDES[name]
        current = changes.get(field, getattr(system, field))
        if side:
            clipped = min(value, getattr(system, field).most)
            changes[field] = msgspec.structs.replace(current, **{side: clipped})
        elif field in _CAPPED:
            changes[field] = min(value, current)
        else:
            changes[field] = tuple(value) if field == "allowed_kinds" else value
    return msgspec.structs.replace(system, **changes)


def limits_of(system: Limits, overrides: dict[str, Any]) -> Limits:
    """Do what `effective` does, at no cost where a namespace has no limits of its own."""
    return effective(system, overrides) if overrides else system


def check_limits(wanted: ActionLimits, allowed: Limits) -> None:
    """Let pass limits that the namespace may have.

    Raises:
        InvalidError: the first one outside its bounds, with OpenWhisk's text.
    """
    _check_bound(wanted.timeout_ms, allowed.timeout_ms, "duration", " milliseconds")
    _check_bound(wanted.memory_mb, allowed.memory_mb, "memory size", " MB")
    _check_bound(wanted.logs_mb, allowed.logs_mb, "log size", " MB")
    _check_bound(wanted.concurrency, allowed.concurrency, "concurrency", "")
    if wanted.instances is msgspec.UNSET:
        return
    if wanted.instances < 1:
        raise InvalidError("Action container concurrency must be greater than or equal to 1.")
    if wanted.instances > allowed.concurrent_invocations:
        limit = allowed.concurrent_invocations
        raise InvalidError(f"Max action instance concurrency must not exceed your namespace concurrency of {limit}.")


def _check_bound(value: int, bound: Bound, what: str, unit: str) -> None:
    if value > bound.most:
        raise InvalidError(f"requirement failed: {what} {value}{unit} exceeds allowed threshold of {bound.most}{unit}")
    if value < bound.least:
        raise InvalidError(f"requirement failed: {what} {value}{unit} below allowed threshold of {bound.least}{unit}")

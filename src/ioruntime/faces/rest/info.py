"""What anybody may know: which platform this is, its limits and kinds, and the description of its API."""

from collections.abc import Sequence

import msgspec

from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.openapi import Section, document
from ioruntime.faces.http.operation import Operation
from ioruntime.faces.rest.services import RestServices
from ioruntime.model.limits import MEBIBYTE, Bound, Limits

TITLE = "OpenWhisk API"


class InfoHandlers:
    """Handlers that ask for no credentials. The documents never change while the server runs, so they are written once."""

    def __init__(self, services: RestServices) -> None:
        self._buildno = services.buildno
        self._api = Reply.json(_api_info(services))
        self._system = Reply.json(_system_info(services))
        self._docs = Reply.empty(404)

    def describe(self, operations: Sequence[Operation]) -> None:
        """Write the OpenAPI document of these operations."""
        self._docs = Reply.json(document(title=TITLE, version=self._buildno, sections=[Section(tuple(operations))]))

    async def get_api_info(self, _: Call) -> Reply:
        """Tell the version of the API and of the platform."""
        return self._api

    async def get_system_info(self, _: Call) -> Reply:
        """Tell the platform's limits and kinds."""
        return self._system

    async def get_api_docs(self, _: Call) -> Reply:
        """Describe the API as an OpenAPI document."""
        return self._docs


class ApiInfo(msgspec.Struct, frozen=True):
    """Version of the API and of the platform."""

    description: str
    api_version: str
    api_version_path: str
    build: str
    buildno: str
    swagger_paths: dict[str, str]


def _api_info(services: RestServices) -> ApiInfo:
    return ApiInfo(
        description=TITLE,
        api_version="1.0.0",
        api_version_path="v1",
        build=services.build,
        buildno=services.buildno,
        swagger_paths={"ui": "/docs", "api-docs": "/api-docs"},
    )


class SystemInfo(msgspec.Struct, frozen=True):
    """The platform's limits and kinds."""

    description: str
    support: dict[str, str]
    api_paths: list[str]
    limits: dict[str, int]
    runtimes: dict[str, list[dict[str, str | bool]]]


def _system_info(services: RestServices) -> SystemInfo:
    return SystemInfo(
        description="OpenWhisk",
        support={},
        api_paths=["/api/v1"],
        limits=_system_limits(services.limits),
        runtimes=services.kinds.document(),
    )


def _system_limits(limits: Limits) -> dict[str, int]:
    return {
        "actions_per_minute": limits.invocations_per_minute,
        "triggers_per_minute": limits.fires_per_minute,
        "concurrent_actions": limits.concurrent_invocations,
        "sequence_length": limits.sequence_length,
        **_bounds("action_duration", limits.timeout_ms, 1),
        **_bounds("action_memory", limits.memory_mb, MEBIBYTE),
        **_bounds("action_logs", limits.logs_mb, MEBIBYTE),
    }


def _bounds(name: str, bound: Bound, unit: int) -> dict[str, int]:
    return {f"default_{name}": bound.default * unit, f"min_{name}": bound.least * unit, f"max_{name}": bound.most * unit}

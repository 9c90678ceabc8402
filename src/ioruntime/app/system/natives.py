"""Installs the actions that the platform runs itself, and updates those that differ from what it ships."""

import tomllib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from ioruntime.core.packages import EntityListener, PackagePut, Packages
from ioruntime.model.action import Action, next_version
from ioruntime.model.errors import NotFoundError
from ioruntime.model.exec import NativeExec
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package
from ioruntime.model.params import Annotation, annotation
from ioruntime.ports.clock import Clock
from ioruntime.ports.entities import EntityStore

_DIGEST = "digest"
"""The annotation that tells what an entity was made of."""


class NativePackage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manifest tells of a package."""

    description: str
    actions: dict[str, dict[str, Any]]
    """The annotations of each action."""


class Natives:
    """Writes the packages and actions of the manifest into the platform's own namespace."""

    def __init__(self, *, entities: EntityStore, packages: Packages, clock: Clock, listener: EntityListener) -> None:
        self._entities = entities
        self._packages = packages
        self._clock = clock
        self._listener = listener

    async def install(self, identity: Identity, shipped: Mapping[str, NativePackage] | None = None) -> None:
        """Bring the identity's namespace to what is shipped; write only what differs.

        Args:
            shipped: packages by name; None: those of the manifest.

        Raises:
            ConflictError: another process does the same right now, or a name is taken.
        """
        for name, package in (shipped or shipped_natives()).items():
            await self._install_package(identity, EntityPath.of(identity.name, name), package.description)
            for action_name, facts in package.actions.items():
                await self._install_action(EntityPath.of(identity.name, name, action_name), facts)

    async def _install_package(self, identity: Identity, path: EntityPath, description: str) -> None:
        found = await self._read_package(identity, path)
        if found is None or not found.publish or annotation(found.annotations, "description") != description:
            put = PackagePut(annotations=(Annotation("description", description),), publish=True)
            await self._packages.put(identity, path, put, overwrite=True)

    async def _read_package(self, identity: Identity, path: EntityPath) -> Package | None:
        try:
            return await self._packages.read(identity, path)
        except NotFoundError:
            return None

    async def _install_action(self, path: EntityPath, facts: dict[str, Any]) -> None:
        exec_ = NativeExec(handler=path.key.replace("/", "."))
        digest = sha256(msgspec.json.encode([facts, exec_], order="deterministic")).hexdigest()
        found = await self._entities.read(path)
        if isinstance(found, Action) and annotation(found.annotations, _DIGEST) == digest:
            return
        base = found if isinstance(found, Action) else None
        kept = {"exec": exec_.kind, "provide-api-key": False, _DIGEST: digest}
        action = Action(
            path=path,
            exec=exec_,
            annotations=tuple(Annotation(key, value) for key, value in (facts | kept).items()),
            updated_ms=self._clock.now_ms(),
            revision=base.revision if base else 0,
        )
        if base is not None:
            action = msgspec.structs.replace(action, version=next_version(base.version))
        await self._entities.write(action)
        self._listener.entity_changed(path.namespace, path.key)


def shipped_natives() -> dict[str, NativePackage]:
    """Read the manifest, by package."""
    manifest = tomllib.loads((Path(__file__).parent / "natives.toml").read_text())
    return msgspec.convert(manifest, dict[str, NativePackage])

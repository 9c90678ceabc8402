"""Installs the actions that the platform ships, and updates those that differ from what it ships.

Each stored package and action carries the digest of what it was made of, so a start that finds nothing new only lists
two packages.
"""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from ioruntime.core.catalog import ActionPut, Catalog, ExecPut
from ioruntime.core.packages import PackagePut, Packages
from ioruntime.model.errors import NotFoundError
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, annotation

KIND = "nodejs:default"
DIGEST = "digest"
"""The annotation that tells what an entity was made of."""

_FOLDER = Path(__file__).parent
_MOST = 200


class ShippedAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """What the manifest tells of an action; each field is an annotation."""

    description: str
    parameters: tuple[dict[str, Any], ...] = ()
    sample_input: dict[str, Any]
    sample_output: dict[str, Any]


class ShippedPackage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    description: str
    actions: dict[str, ShippedAction]


def shipped() -> dict[str, ShippedPackage]:
    """Read the manifest, by package."""
    return msgspec.convert(tomllib.loads((_FOLDER / "manifest.toml").read_text()), dict[str, ShippedPackage])


def code_of(package: str, action: str) -> str:
    return (_FOLDER / package / f"{action}.js").read_text()


async def install(catalog: Catalog, packages: Packages, identity: Identity) -> None:
    """Bring the packages of the identity's namespace to what is shipped; write only what differs.

    Raises:
        ConflictError: another process does the same right now, or the name of a package is taken.
    """
    for name, package in shipped().items():
        path = EntityPath.of(identity.name, name)
        await _install_package(packages, identity, path, package)
        found = await catalog.list(identity, identity.name, package=name, skip=0, limit=_MOST)
        digests = {action.path.name: annotation(action.annotations, DIGEST) for action in found}
        for action_name, action in package.actions.items():
            put = _action_put(action, code_of(name, action_name))
            if annotation(_given(put), DIGEST) != digests.get(action_name):
                await catalog.put(identity, EntityPath.of(identity.name, name, action_name), put, overwrite=True)


async def _install_package(packages: Packages, identity: Identity, path: EntityPath, package: ShippedPackage) -> None:
    digest = _digest(package.description)
    try:
        found = await packages.read(identity, path)
    except NotFoundError:
        found = None
    if found is None or not found.publish or annotation(found.annotations, DIGEST) != digest:
        annotations = (Annotation("description", package.description), Annotation(DIGEST, digest))
        await packages.put(identity, path, PackagePut(annotations=annotations, publish=True), overwrite=True)


def _action_put(action: ShippedAction, code: str) -> ActionPut:
    facts: dict[str, Any] = msgspec.to_builtins(action)
    annotations = [Annotation(key, value) for key, value in facts.items()]
    annotations.append(Annotation(DIGEST, _digest([facts, code, KIND])))
    return ActionPut(exec=ExecPut(kind=KIND, code=code), annotations=tuple(annotations))


def _given(put: ActionPut) -> tuple[Annotation, ...]:
    return put.annotations or ()


def _digest(value: Any) -> str:
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()

"""A project's entities, as a manifest of wskdeploy and `aio` describes them (pure, but for reading the files it names)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from ioruntime.cli.remote.values import as_pairs
from ioruntime.cli.usage import UsageError
from ioruntime.client.artifact import read_exec
from ioruntime.model.errors import InvalidError

MANIFESTS = ("manifest.yml", "manifest.yaml", "app.config.yaml")
MANAGED = "whisk-managed"
"""Annotation of what belongs to a project, by which wskdeploy and `aio` know it too."""
_VARIABLE = re.compile(r"\$\{ *([A-Za-z0-9_-]+) *\}|\$([A-Za-z0-9_-]+)")
_TYPES: dict[str, Any] = {"string": "", "integer": 0, "number": 0}
_LIMITS = {
    "timeout": ("timeout",),
    "memory": ("memorySize", "memory"),
    "logs": ("logSize", "logs"),
    "concurrency": ("concurrentActivations", "concurrency"),
}

Tree = dict[str, Any]


class Entity(msgspec.Struct, frozen=True):
    """One thing to deploy."""

    collection: str
    name: str
    document: Tree
    """What is sent, with the project's mark."""
    source: Path | None = None
    """The file or folder with an action's code."""
    feed: str | None = None
    """The action that feeds a trigger."""
    inputs: Tree = {}
    """What the feed is told."""


class Project(msgspec.Struct, frozen=True):
    """A manifest, read."""

    name: str
    manifest: Path
    entities: tuple[Entity, ...]
    """In an order in which they can be created."""
    left_out: tuple[str, ...]
    """What the manifest has that is not deployed, in words."""


def find_manifest(folder: Path) -> Path:
    """Return the manifest of a folder.

    Raises:
        UsageError: it has none.
    """
    for name in MANIFESTS:
        if (folder / name).is_file():
            return folder / name
    names = ", ".join(MANIFESTS)
    raise UsageError(f"{folder} has no manifest ({names}): give one with --manifest, or make one with `ioruntime init`.")


def read_project(manifest: Path, environ: Mapping[str, str]) -> Project:
    """Read a manifest, and the code of the actions that it names.

    Args:
        environ: variables for `$NAME` and `${NAME}` in inputs; those not set are empty, as for `aio`.

    Raises:
        UsageError: what is written there cannot be deployed; the message names the entity.
    """
    try:
        return _Reader(manifest, environ).project()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{manifest} is not written as a manifest: {type(error).__name__} {error}.") from error
    except InvalidError as error:
        raise UsageError(f"{manifest}: {error}") from error


def read_name(manifest: Path) -> str:
    """Return the name of a manifest's project; one without a name is named after its folder.

    Raises:
        UsageError: there is no such manifest.
    """
    project = _tree(_load(manifest), "project")
    return str(project.get("name") or manifest.resolve().parent.name)


class _Reader:
    def __init__(self, manifest: Path, environ: Mapping[str, str]) -> None:
        self._manifest = manifest
        self._root = manifest.resolve().parent
        self._environ = environ
        content = _load(manifest)
        project = _tree(content, "project")
        self._packages = _packages(content, project, self._root)
        self._name = read_name(manifest)
        self._mark: Tree = {MANAGED: {"projectName": self._name, "file": manifest.name, "projectDeps": []}}

    def project(self) -> Project:
        found = [entity for name in self._packages for entity in self._package(name, _tree(self._packages, name))]
        order = ("packages", "actions", "sequences", "triggers", "rules")
        entities = tuple(each for kind in order for each in found if _stage(each) == kind)
        left_out = tuple(f"the APIs of package {name}" for name in self._packages if _tree(self._packages, name).get("apis"))
        return Project(self._name, self._manifest, entities, left_out)

    def _package(self, name: str, package: Tree) -> Iterator[Entity]:
        prefix = "" if name == "default" else f"{name}/"
        if prefix:
            fields = {"publish": bool(package["public"])} if "public" in package else {}
            yield self._entity("packages", name, package, {**fields, **self._parameters(package)})
        for each, dependency in _tree(package, "dependencies").items():
            yield self._entity("packages", each, dependency, _binding(each, dependency) | self._parameters(dependency))
        for each, action in _tree(package, "actions").items():
            yield self._action(f"{prefix}{each}", action or {})
        for each, sequence in _tree(package, "sequences").items():
            components = [_within(part.strip(), prefix) for part in _listed(sequence["actions"])]
            document = {"exec": {"kind": "sequence", "components": components}}
            yield self._entity("actions", f"{prefix}{each}", sequence, document | self._parameters(sequence))
        for each, trigger in _tree(package, "triggers").items():
            yield self._trigger(each, trigger or {})
        for each, rule in _tree(package, "rules").items():
            document = {"trigger": f"/_/{rule['trigger']}", "action": _within(rule["action"], prefix)}
            yield self._entity("rules", each, rule, document)

    def _action(self, name: str, action: Tree) -> Entity:
        source = self._root / str(action["function"]) if action.get("function") else None
        image = action.get("docker")
        if source is not None:
            exec_ = read_exec(source, kind=action.get("runtime"), main=action.get("main"), image=image)
        elif image:
            exec_ = {"kind": "blackbox", "image": image}
        else:
            raise UsageError(f"{self._manifest}: action {name} has no function.")
        document = {"exec": exec_, **self._parameters(action), **_limits(_tree(action, "limits"))}
        return msgspec.structs.replace(self._entity("actions", name, action, document), source=source)

    def _trigger(self, name: str, trigger: Tree) -> Entity:
        feed: str | None = trigger.get("feed")
        document: Tree = {} if feed else self._parameters(trigger)
        plain = self._entity("triggers", name, trigger, document)
        if not feed:
            return plain
        notes = [*plain.document["annotations"], {"key": "feed", "value": feed}]
        inputs = self._inputs(trigger)
        return msgspec.structs.replace(plain, feed=feed, inputs=inputs, document={**document, "annotations": notes})

    def _entity(self, collection: str, name: str, described: Tree, document: Tree) -> Entity:
        notes = _tree(described, "annotations") | (_web(described) if collection == "actions" else {}) | self._mark
        return Entity(collection, name, document | {"annotations": as_pairs(notes)})

    def _parameters(self, described: Tree) -> Tree:
        inputs = self._inputs(described)
        return {"parameters": as_pairs(inputs)}

    def _inputs(self, described: Tree) -> Tree:
        return {name: self._value(value) for name, value in _tree(described, "inputs").items()}

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return _TYPES[value] if value in _TYPES else self._expanded(value)
            case dict():
                tree = cast("Tree", value)
                for key in ("value", "default"):
                    if key in tree:
                        return self._value(tree[key])
                return {name: self._value(each) for name, each in tree.items()}
            case list():
                return [self._value(each) for each in cast("list[Any]", value)]
            case _:
                return value

    def _expanded(self, text: str) -> str:
        return _VARIABLE.sub(lambda match: self._environ.get(match[1] or match[2], ""), text)


def _load(manifest: Path) -> Tree:
    import yaml

    try:
        content: Any = yaml.safe_load(manifest.read_text())
    except FileNotFoundError as error:
        raise UsageError(f"There is no manifest {manifest}.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{manifest} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{manifest} is not written as a manifest: it has no packages.")
    return cast("Tree", content)


def _tree(described: Tree, key: str) -> Tree:
    """Return a part that may be missing or empty.

    Raises:
        TypeError: it is something else than names and values.
    """
    part: Any = described.get(key)
    if part is not None and not isinstance(part, dict):
        raise TypeError(f"in {key}: {part!r}")
    return cast("Tree", part or {})


def _packages(content: Tree, project: Tree, root: Path) -> Tree:
    application = _tree(content, "application")
    runtime = _tree(application, "runtimeManifest")
    packages = _tree(content, "packages") or _tree(project, "packages") or _tree(runtime, "packages")
    if not packages:
        raise UsageError(f"The manifest in {root} has no packages.")
    return {name.replace("__APP_PACKAGE__", root.name): package for name, package in packages.items()}


def _stage(entity: Entity) -> str:
    is_sequence = _tree(entity.document, "exec").get("kind") == "sequence"
    return "sequences" if is_sequence else entity.collection


def _binding(name: str, dependency: Tree) -> Tree:
    parts = str(dependency.get("location", "")).strip("/").split("/")
    if len(parts) != 2:
        raise UsageError(f"The location of the dependency {name} is written /NAMESPACE/PACKAGE.")
    return {"binding": {"namespace": parts[0], "name": parts[1]}}


def _listed(actions: str | list[str]) -> list[str]:
    return actions.split(",") if isinstance(actions, str) else actions


def _within(name: str, prefix: str) -> str:
    """Return the full name of an action as its own package writes it."""
    if name.startswith("/"):
        return name
    return f"/_/{name}" if "/" in name else f"/_/{prefix}{name}"


def _limits(limits: Tree) -> Tree:
    found = {ours: limits[name] for ours, names in _LIMITS.items() for name in reversed(names) if name in limits}
    return {"limits": found} if found else {}


def _web(action: Tree) -> Tree:
    """Return the annotations that `web` stands for."""
    said = action.get("web", action.get("web-export"))
    match str(said).lower():
        case "true" | "yes":
            return {"web-export": True, "final": True}
        case "raw":
            return {"web-export": True, "raw-http": True, "final": True}
        case "false" | "no":
            return {"web-export": False}
        case _:
            return {}

"""Packages: a name, parameters and rights for a group of actions; or a binding to such a group."""

import msgspec

from ioruntime.model.action import FIRST_VERSION
from ioruntime.model.names import EntityPath
from ioruntime.model.params import Annotation, Parameter


class Binding(msgspec.Struct, frozen=True):
    """The package that a binding stands for."""

    namespace: str
    name: str


class Package(msgspec.Struct, frozen=True, kw_only=True, tag="package"):
    """A stored package."""

    path: EntityPath
    version: str = FIRST_VERSION
    publish: bool = False
    """True: everybody may read it, bind it and invoke its actions."""
    parameters: tuple[Parameter, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    binding: Binding | None = None
    updated_ms: int = 0
    revision: int = 0
